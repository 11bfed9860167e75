"""What the directories say of ids, from a cache: one query for many records, for what the cache does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_normalizer import metrics
from aoc_normalizer.enrich.confusables import ConfusableNames
from aoc_normalizer.enrich.lookup import EnrichmentData, nowhere
from aoc_normalizer.enrich.tenant_check import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.clock import Clock
    from aoc_common.contracts.periods import History
    from aoc_common.store.directory_histories import DirectoryHistories
    from aoc_normalizer.enrich.lookup import Locate, LookUp
    from aoc_normalizer.enrich.tenant_check import OwnId

#: How long an answer is believed: a user name can be given away, and a role taken, at any time.
_FOR_S: Final = 60.0
#: How long a tenant counts as one without a directory: its first reading may begin at any moment.
_WITHOUT_S: Final = 5.0
#: Tenants whose administrators are remembered.
_TENANTS: Final = 1_000
#: Keys of one query.
_TOGETHER: Final = 2_000
#: The most that one answer counts for, in periods.
_LARGEST: Final = 500


class DirectoryCache:
    """The directories' objects with their periods. At most `size` periods are remembered, about 500 bytes each."""

    def __init__(self, store: DirectoryHistories, clock: Clock, size: int) -> None:
        self._store = store
        self._cache: TTLCache[tuple[str, str], tuple[History, ...]] = TTLCache(size, _FOR_S, clock.monotonic, _size)
        self._confusable: TTLCache[str, ConfusableNames] = TTLCache(_TENANTS, _FOR_S, clock.monotonic)
        #: Tenants without a directory: those of imports, most of all.
        self._without: TTLCache[str, None] = TTLCache(_TENANTS, _WITHOUT_S, clock.monotonic)
        #: Tenants whose users were read: they stay so.
        self._read: set[str] = set()

    async def among(self, tenant: str, keys: Iterable[str]) -> dict[str, tuple[History, ...]]:
        """The objects that have, or had, one of these keys (spelled by `contracts.directory.key`).

        Raises `Transient` when the store is away.
        """
        found: dict[str, tuple[History, ...]] = {}
        if tenant in self._without:
            return found
        missing: list[str] = []
        for key in set(keys):
            try:
                histories = self._cache[tenant, key]
            except KeyError:
                missing.append(key)
            else:
                if histories:
                    found[key] = histories
        metrics.NAMES.labels("cached").inc(len(found))
        for start in range(0, len(missing), _TOGETHER):
            part = missing[start : start + _TOGETHER]
            known = await self._store.remembered(tenant, part)
            if not known.begun:
                self._without[tenant] = None
                metrics.NAMES.labels("unknown").inc(len(part))
                break
            for key in part:
                self._cache[tenant, key] = known.histories.get(key, ())
            if known.read:
                self._read.add(tenant)
            metrics.NAMES.labels("read").inc(len(known.histories))
            metrics.NAMES.labels("unknown").inc(len(part) - len(known.histories))
            found |= known.histories
        return found

    async def enrichment(
        self, tenant: str, keys: Iterable[str], locate: Locate, organisation: str | None = None
    ) -> EnrichmentData:
        """All that is known of a tenant that records with these keys need. Raises `Transient`."""
        histories = await self.among(tenant, keys)
        confusable = self._confusable.get(tenant)
        if confusable is None:
            confusable = self._confusable[tenant] = ConfusableNames(await self._store.administrators(tenant))
        return EnrichmentData(
            histories, locate, confusable=confusable, read=tenant in self._read, organisation=organisation
        )


def make_look_up(cache: DirectoryCache, locate: Locate = nowhere, own: OwnId = unknown) -> LookUp:
    """How to look up what is known: from the directories, from a location database if there is one, and whose it is."""

    async def look_up(wanted: Mapping[str, Iterable[str]]) -> Mapping[str, EnrichmentData]:
        return {
            tenant: await cache.enrichment(tenant, keys, locate, await own(tenant)) for tenant, keys in wanted.items()
        }

    return look_up


def _size(histories: tuple[History, ...]) -> int:
    return min(_LARGEST, sum(len(one.periods) for one in histories)) or 1

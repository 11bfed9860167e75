"""Names for ids, from a cache: one query for many records at most, for what the cache does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import TLRUCache

from aoc_common.telemetry import metrics
from aoc_normalizer.knowledge import Knowledge, nowhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.clock import Clock
    from aoc_common.contracts.directory import Entity
    from aoc_common.store.directories import DirectoryNames
    from aoc_normalizer.knowledge import Learn, Locate

#: What was found is believed this long; what was not, only until the collector has had time to read of it.
_KNOWN_FOR_S: Final = 300.0
_UNKNOWN_FOR_S: Final = 60.0
#: Keys of one query.
_TOGETHER: Final = 100


class Names:
    """The directories' names. At most `size` answers are remembered, about 500 bytes each."""

    def __init__(self, store: DirectoryNames, clock: Clock, size: int) -> None:
        self._store = store
        self._cache: TLRUCache[tuple[str, str], Entity | None] = TLRUCache(
            size, _until, lambda: clock.now().timestamp()
        )

    async def among(self, tenant: str, keys: Iterable[str]) -> dict[str, Entity]:
        """Those of these keys (spelled by `contracts.directory.key`) that the tenant's directory knows.

        Raises `Transient` when the store is away.
        """
        found: dict[str, Entity] = {}
        missing: list[str] = []
        for key in set(keys):
            try:
                entity = self._cache[tenant, key]
            except KeyError:
                missing.append(key)
            else:
                if entity is not None:
                    found[key] = entity
        metrics.NAMES.labels("cached").inc(len(found))
        for start in range(0, len(missing), _TOGETHER):
            part = missing[start : start + _TOGETHER]
            known = await self._store.find(tenant, part)
            for key in part:
                self._cache[tenant, key] = known.get(key)
            metrics.NAMES.labels("read").inc(len(known))
            metrics.NAMES.labels("unknown").inc(len(part) - len(known))
            found |= known
        return found


def learning(names: Names, locate: Locate = nowhere) -> Learn:
    """How to learn what is known: from the directories, and from a location database if there is one."""

    async def learn(wanted: Mapping[str, Iterable[str]]) -> Mapping[str, Knowledge]:
        return {tenant: Knowledge(await names.among(tenant, keys), locate) for tenant, keys in wanted.items()}

    return learn


def _until(_key: tuple[str, str], entity: Entity | None, now: float) -> float:
    return now + (_UNKNOWN_FOR_S if entity is None else _KNOWN_FOR_S)

"""Verifies API keys."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_api import problems
from aoc_api.access.last_used import LastUsed
from aoc_api.access.principal import Principal
from aoc_common.contracts.credentials import fingerprint, is_api_key

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.contracts.access import Grant
    from aoc_common.store.api_keys import ApiKey, ApiKeyStore

#: Seconds for which a key is not read again: a revoked one opens nothing after that, at any replica.
FRESH_S: Final = 5.0
_REMEMBERED: Final = 10_000


type GrantedSince = Callable[[str], Awaitable[tuple[Grant, ...]]]
"""What was granted to a key, by its id, beside what it was made with. May raise `Transient`."""

type Meant = Callable[[Iterable[Grant], Mapping[str, str]], Awaitable[tuple[Grant, ...]]]
"""Grants over tenants of today, by the directories that had their names: see `Grants.meant`."""


class KeyVerification:
    """Turns keys into principals. A key that is in use costs one look into the store in five seconds."""

    def __init__(
        self,
        store: ApiKeyStore,
        clock: Clock,
        granted_since: GrantedSince,
        meant: Meant,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._granted_since = granted_since
        self._meant = meant
        self._clock = clock
        self._recent: TTLCache[str, ApiKey] = TTLCache(_REMEMBERED, FRESH_S, timer=monotonic)
        self.used = LastUsed(store.note_used)

    async def principal(self, secret: str) -> Principal:
        """Whom a key stands for. Raises a problem for one that is unknown, expired or revoked; `Transient`."""
        if not is_api_key(secret):
            raise problems.unauthenticated("This is no API key of AOC: it was cut or mistyped.", "key-malformed")
        of = fingerprint(secret)
        key = self._recent.get(of.hash)
        if key is None:
            key = await self._store.find(of)
            if key is None:
                raise problems.unauthenticated("This API key is not known here.", "key-unknown")
            self._recent[of.hash] = key
        now = self._clock.now()
        if not key.valid(now):
            why = "has expired" if key.revoked_at is None else "was revoked"
            raise problems.unauthenticated(
                f"This API key {why}.", "key-expired" if now >= key.expires_at else "key-revoked"
            )
        self.used.note(key.id, now)
        grants = (*await self._meant(key.grants, key.directories), *await self._granted_since(key.id))
        return Principal("api-key", f"key/{key.id}", key.name, grants)

    def forget(self, key_id: str) -> None:
        """Read a key again at its next use."""
        for found in [found for found, key in self._recent.items() if key.id == key_id]:
            self._recent.pop(found, None)

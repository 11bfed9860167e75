"""Verifies API keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from aoc_api import problems
from aoc_api.access.last_used import LastUsed
from aoc_api.access.principal import Principal
from aoc_api.access.recent import Recent
from aoc_common.contracts.credentials import fingerprint, is_api_key

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.contracts.access import Grant
    from aoc_common.store.api_keys import ApiKey, ApiKeyStore

type GrantedSince = Callable[[str], Awaitable[tuple[Grant, ...]]]
"""What was granted to a key, by its id, beside what it was made with. May raise `Transient`."""

type Meant = Callable[[Iterable[Grant], Mapping[str, str]], Awaitable[tuple[Grant, ...]]]
"""Grants over tenants of today, by the directories that had their names: see `Grants.meant`."""


class KeyVerification:
    """Turns keys into principals."""

    def __init__(self, store: ApiKeyStore, clock: Clock, granted_since: GrantedSince, meant: Meant) -> None:
        self._granted_since = granted_since
        self._meant = meant
        self._clock = clock
        self._recent = Recent(store.find, clock)
        self.used = LastUsed(store.note_used)

    async def principal(self, secret: str) -> Principal:
        """Whom a key stands for. Raises a problem for one that is unknown, expired or revoked; `Transient`."""
        if not is_api_key(secret):
            raise problems.unauthenticated("This is no API key of AOC: it was cut or mistyped.", "key-malformed")
        key = await self._recent.get(fingerprint(secret))
        if key is None:
            raise problems.unauthenticated("This API key is not known here.", "key-unknown")
        principal = await self.meaning(key)
        self.used.note(key.id, self._clock.now())
        return principal

    async def meaning(self, key: ApiKey) -> Principal:
        """Whom a key stands for now, without noting a use of it. Raises as `principal`."""
        if not key.valid(self._clock.now()):
            why, reason = ("has expired", "key-expired") if key.revoked_at is None else ("was revoked", "key-revoked")
            raise problems.unauthenticated(f"This API key {why}.", reason)
        grants = (*await self._meant(key.grants, key.directories), *await self._granted_since(key.id))
        return Principal("api-key", f"key/{key.id}", key.name, grants)

    def forget(self, key_id: str) -> None:
        """Read a key again at its next use."""
        self._recent.forget(key_id)

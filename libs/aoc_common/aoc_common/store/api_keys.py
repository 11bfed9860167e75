"""API keys as they are stored: by their fingerprint, never with the secret.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.access import Grant
    from aoc_common.contracts.credentials import Fingerprint


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key: what it is called, what it may do, and its times.

    `made_by`, `revoked_by`: ids of principals. `used_at`: exact to about half a minute; None: never. `directories`: of
    the tenants that its grants name, as far as they were known then: one that has such a name later is not meant.
    """

    id: str
    name: str
    grants: tuple[Grant, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    directories: Mapping[str, str] = field(default_factory=dict)

    def valid(self, at: datetime) -> bool:
        """Whether it opens anything at that time."""
        return self.revoked_at is None and at < self.expires_at


class ApiKeyStore(Protocol):
    """Holds keys for ever: who had which rights stays known after a key has ended.

    But for rights over a tenant that was deleted: they must not be over the next one of that name.
    """

    async def put(self, key: ApiKey, of: Fingerprint) -> None:
        """Store a key. One that is there gets this name, these grants and this end; one that was revoked stays so."""
        ...

    async def find(self, of: Fingerprint) -> ApiKey | None:
        """The key with this fingerprint, valid or not."""
        ...

    async def listed(self, made_by: str | None = None) -> Sequence[ApiKey]:
        """Keys, or those that somebody made, the newest first; 1,000 at most."""
        ...

    async def revoke(self, key_id: str, by: str, at: datetime, made_by: str | None = None) -> ApiKey:
        """End a key, if it is made by this principal where one is named. Idempotent: the first time stays.

        Raises `NotFound`.
        """
        ...

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        """When keys were used last, by their ids. A time never goes back."""
        ...

"""Who has lifted a tenant's privacy rules for himself, why, and until when. Methods may raise `Transient`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lift:
    """The privacy rules of a tenant do not apply to a principal from `began_at` on, before `ends_at`.

    `principal`: its id. `ended_at`: when somebody ended it, before it would have ended by itself.
    """

    id: str
    tenant: str
    principal: str
    principal_name: str
    reason: str
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.ended_at is None and self.began_at <= now < self.ends_at


class BreakGlassStore(Protocol):
    """Lifts are never changed but by their end, and are listed for a year."""

    async def begin(self, lift: Lift) -> None:
        """From now on it is in force."""
        ...

    async def end(self, tenant: str, lift_id: str, at: datetime, by: str) -> Lift | None:
        """It is in force no more: as it is now; None when there is none that is."""
        ...

    async def in_force(self, tenant: str, principal: str, now: datetime) -> list[Lift]:
        """Those of a principal over a tenant that have not ended."""
        ...

    async def get(self, tenant: str, lift_id: str) -> Lift | None:
        """One of a tenant's."""
        ...

    async def listed(self, tenant: str, principal: str | None, most: int) -> list[Lift]:
        """The newest of a tenant, of one principal only if that is given."""
        ...

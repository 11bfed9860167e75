"""A tenant as the registry in the database has it: its settings, what becomes of it, and who changed what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

type TenantState = Literal["active", "deleting", "deleted"]
"""`deleting`: nothing of it is collected or stored any more, and what there is is being removed. `deleted`: all is gone
but this record, which keeps what is still on its way from coming back."""

#: Changes that a record tells of; AOC's audit trail has all of them.
HISTORY: Final = 50


@dataclass(frozen=True, slots=True)
class TenantRevision:
    """A change of a tenant. `fields`: the names of the settings that it changed. `check`: what was found before."""

    revision: int
    at: datetime
    by: str
    what: str
    fields: tuple[str, ...] = ()
    check: str = ""


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant in the registry. `settings`: as an entry of a tenants file; empty once it is deleted.

    `revision`: grows by one with each change, over a deletion too. `added_at`: since when it is there.
    `history`: the newest changes, the newest first. `proof`: of a deletion, what was removed.
    """

    name: str
    state: TenantState
    revision: int
    added_at: datetime
    changed_at: datetime
    settings: Mapping[str, Any]
    history: Sequence[TenantRevision] = ()
    proof: Mapping[str, Any] = field(default_factory=dict)

    @property
    def own_history(self) -> Sequence[TenantRevision]:
        """Its changes since it was added. What stands behind them is of a tenant that had the name before."""
        added = next((place for place, step in enumerate(self.history) if step.what == "added"), len(self.history))
        return self.history[: added + 1]

    @property
    def named_since(self) -> datetime | None:
        """Since when the name has been its own; None where no other tenant had it before.

        Of a deleted one the end: who has the name now came later.
        """
        if self.state == "deleted":
            return self.changed_at
        own = self.own_history
        is_first = bool(own) and own[-1].what == "added" and own[-1].revision == 1
        return None if is_first else self.added_at


@dataclass(frozen=True, slots=True)
class Pause:
    """A span in which nothing is collected of a tenant, on purpose. `until`: None while it lasts.

    `since`: None when nobody noted it, as of a tenant in a file.
    """

    since: datetime | None
    until: datetime | None = None


def pauses(record: TenantRecord) -> list[Pause]:
    """The pauses that a record tells of, the newest first. Its history may begin in the middle of the oldest."""
    if record.state != "active":
        return []
    found, is_paused, end = list[Pause](), bool(record.settings.get("paused")), None
    for step in record.own_history:
        if "paused" not in step.fields:
            continue
        if is_paused:
            found.append(Pause(step.at, end))
        end, is_paused = step.at, not is_paused
    return [*found, Pause(None, end)] if is_paused else found


class Adding(NamedTuple):
    """A tenant that is just being added. `counted`: whether a licence counts it."""

    name: str
    tenant_id: str
    client_id: str
    counted: bool


class Conflict(AocError):  # noqa: N818  # the field's term
    """What was asked for does not go with what there is: the tenant is there already, or is being deleted."""


class Outdated(Conflict):
    """Somebody else has changed the tenant meanwhile; it was not changed."""


class NotAllowed(AocError):  # noqa: N818
    """The tenant cannot be changed here, or not added under the licence. The message says why, and what to do."""


class TenantSettingsStore(Protocol):
    """The records of tenants. Every method may raise `Transient` when the store is away."""

    async def record(self, name: str) -> TenantRecord | None:
        """A tenant's record, also that of a deleted one."""
        ...

    async def changed_since(self, moment: datetime | None) -> Sequence[TenantRecord]:
        """The records that were changed at or after this moment, in the order of their names; None: all."""
        ...

    async def put(self, record: TenantRecord) -> bool:
        """Store a record in place of the one with the revision before; False when that is not the stored one."""
        ...

    async def reserve(self, ticket: int, adding: Adding, now: datetime) -> bool:
        """Announce that a tenant is about to be added; False when somebody has done so since the ticket was read."""
        ...

    async def reservation(self, now: datetime) -> tuple[int, Adding | None]:
        """A ticket for `reserve`, and the tenant that is just being added, if any."""
        ...

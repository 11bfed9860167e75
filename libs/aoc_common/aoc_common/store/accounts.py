"""The account of what was collected: what is settled, what is on its way, what is missing.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.store.arrivals import RecentArrivals
from aoc_common.store.clock_corrections import AHEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Until the first content of a new subscription (office-365-management-activity-api-reference.md).
_WARM_UP: Final = timedelta(hours=12)


class GapCause(StrEnum):
    """Why something is missing."""

    EXPIRED = "expired"
    """Microsoft has deleted it: the gap is permanent."""
    LOST = "lost"
    """It could never be fetched: too old to be listed, too large for the bus."""
    BEHIND = "behind"
    """Not fetched yet; the source's last error says why."""
    WAITING = "waiting"
    """Content that is listed and not fetched yet."""
    DEAD_LETTER = "dead-letter"
    """Fetched, and given up by the normalizer: kept until somebody decides (`aoc deadletters`)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing from a source.

    `items`: how many, where that is known: content blobs, dead letters, records that expired in the quarantine.
    """

    cause: GapCause
    start: datetime
    end: datetime
    closable: bool
    items: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Content of a source that is listed and not fetched yet: how many blobs, and when the first dies at Microsoft."""

    blobs: int
    first_expiry: datetime | None


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """One source of a tenant.

    - `since`: the day on which begins what was collected without a hole until now. `watermark`: everything before it
      is on the bus. `complete_until`: everything before it is stored, known, or put aside; never after the watermark,
      nor after when content was created that is fetched and not stored, nor after where a clock ahead has begun to
      collect what is still to come, nor after the start of a subscription that warms up.
    - `records` of settled slices are `stored` + `changed` (new versions of events) + `duplicate` + `quarantined` +
      `dead_lettered` (and what a repeated fetch gave again).
    - `dead_letters`: pages (or jobs) that were given up and wait for a decision; `dead_lettered`: records in them.
      `waiting`: records in the quarantine, without an event, that nobody has decided about.
    - Of the stored, `not_understood` had a shape that no mapper knows (or its mapper stumbled), and `undated` do not
      say when they happened: they stand in 1970.
    - `slices`: an empty one that continues an empty one is part of that. `blobs_fetched`: ever.
    - `unsettled`: slices that are fetched, of which the normalizer still has pages.
    - `trouble`: the class of the last error (`contracts.troubles`); `code`: Microsoft's own.
    - `first_expiry`: when the first of the waiting blobs dies at Microsoft.
    - `subscribed_at`: when its subscription was started last. `recently`: how many records came, and how late.
    - `throttled`: share of the last hour's answers that asked for fewer requests.
    """

    tenant: str
    source: str
    since: datetime | None = None
    watermark: datetime | None = None
    complete_until: datetime | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    trouble: str | None = None
    code: str = ""
    slices: int = 0
    unsettled: int = 0
    pages: int = 0
    records: int = 0
    stored: int = 0
    changed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead_letters: int = 0
    dead_lettered: int = 0
    waiting: int = 0
    not_understood: int = 0
    undated: int = 0
    blobs_fetched: int = 0
    blobs_waiting: int = 0
    blobs_expired: int = 0
    first_expiry: datetime | None = None
    subscribed_at: datetime | None = None
    throttled: float | None = None
    recently: RecentArrivals = field(default_factory=RecentArrivals)
    gaps: tuple[Gap, ...] = ()

    def warms_up_until(self, now: datetime) -> datetime | None:
        """Until when its subscription may be without content, if it was just started and has given nothing yet."""
        begun, last = self.subscribed_at, self.recently.last_record
        if begun is None or not -AHEAD <= now - begun <= _WARM_UP or (last is not None and last > begun):
            return None
        return begun + _WARM_UP


class AccountStore(Protocol):
    """Settles slices and tells how complete sources are."""

    async def settle(self, at: datetime, limit: int) -> int:
        """Close the account of fetched slices whose every page the normalizer is done with; how many. Idempotent."""
        ...

    async def waiting(self) -> Mapping[tuple[str, str], Waiting]:
        """(tenant, source) -> content that waits, of all tenants: for operators only. Costs what waits."""
        ...

    async def accounts(self, tenant: str, now: datetime) -> list[SourceAccount]:
        """Every source of a tenant of which anything is known, by name; what came from files is one."""
        ...

"""What a wrong clock made of a source's account: what lies in the future was never collected.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

#: Clocks of machines differ by seconds. What is further ahead than this was written by one that was wrong.
AHEAD: Final = timedelta(minutes=5)
#: How the reason of a gap ends that comes from comparing its time with the present. Another present, another truth.
TOO_OLD: Final = "older than Microsoft keeps it"


class ClockCorrections(Protocol):
    """Takes back what a clock that was ahead has claimed of a source. All writes are idempotent."""

    async def first_in_future(self, tenant: str, source: str, now: datetime) -> datetime | None:
        """Where the first of what was collected, left behind or given up past `now` begins; None without any."""
        ...

    async def withdraw(self, tenant: str, source: str, now: datetime) -> None:
        """Stretches that reach past `now` are not collected any more, and re-scans of the future are forgotten.

        So are gaps that were noted in the future: what a clock that is ahead takes for too old may be to be had.
        The caller has added a stretch for all that they had to do. What somebody asked for stays.
        """
        ...

    async def pull_back(self, tenant: str, source: str, before: datetime, position: datetime, now: datetime) -> bool:
        """Move the position back to `position` if it still is `before`; times after `now` become `now`."""
        ...

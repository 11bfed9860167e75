"""Correction of a source's state after a collector's clock was ahead: nothing in the future was collected.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

#: Clocks of machines differ by seconds. A time further ahead than this was written by a wrong clock.
AHEAD: Final = timedelta(minutes=5)
#: The end of the reason of a gap that was noted by comparing its time with the clock: it holds for that clock only.
TOO_OLD: Final = "older than Microsoft keeps it"


class ClockCorrections(Protocol):
    """Reverts what a collector whose clock was ahead has written of a source. All writes are idempotent."""

    async def noted_ahead(self, tenant: str, after: datetime) -> set[str]:
        """The sources with something, other than a position, that was noted of or at a time after `after`.

        Open stretches that end then, re-scans that were added, gaps that were noted and content that expired then.
        What somebody asked for may be of any time.
        """
        ...

    async def first_in_future(self, tenant: str, source: str, now: datetime) -> datetime | None:
        """The start of the first slice, stretch or gap that ends after `now`; None without any."""
        ...

    async def withdraw(self, tenant: str, source: str, now: datetime) -> None:
        """Stretches that reach past `now` are not collected any more, and re-scans of the future are forgotten.

        So are gaps that were noted in the future, and their dead letters are settled: what a clock that is ahead takes
        for too old may be to be had.
        The caller has added a stretch for all that they had to do. What somebody asked for stays.
        """
        ...

    async def pull_back(self, tenant: str, source: str, before: datetime, position: datetime, now: datetime) -> bool:
        """Move the position back to `position` if it still is `before`; times after `now` become `now`."""
        ...

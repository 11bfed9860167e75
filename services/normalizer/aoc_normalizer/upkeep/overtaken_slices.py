"""Closes slices that nobody will end: their job was lost, and later slices have collected their time.

Until a slice is closed, what its pages gave is in no account. Whether somebody is still at work on it is seen by its
being tried again, not by its times: those are of the collector's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from datetime import timedelta

    from aoc_common.clock import Clock
    from aoc_common.store.overtaken import Overtaken, OvertakenStore

_log = logs.get(__name__)

#: Slices that are looked at in one turn.
_TOGETHER: Final = 500


class OvertakenSlices:
    """Closes slices that were overtaken, and not tried again for `patience`."""

    def __init__(self, store: OvertakenStore, clock: Clock, patience: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._patience_s = patience.total_seconds()
        self._next = ""
        #: Since when, by this process's own clock, which slices were found as they are now.
        self._since: dict[Overtaken, float] = {}
        self._found: dict[Overtaken, float] = {}

    async def look(self) -> int:
        """One turn; how many were closed. Raises `Transient`."""
        now = self._clock.monotonic()
        slices, self._next = await self._store.overtaken(self._next, _TOGETHER)
        ripe: list[Overtaken] = []
        for one in slices:
            since = self._found[one] = self._since.get(one, now)
            if now - since >= self._patience_s:
                ripe.append(one)
        if not self._next:
            # What was not found in this round has ended, or was tried again.
            self._since, self._found = self._found, {}
        closed = await self._store.close(ripe, self._clock.now()) if ripe else 0
        if closed:
            _log.warning("slices.overtaken", closed=closed, first=ripe[0].slice_id)
        return closed

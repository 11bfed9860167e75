"""How the collector handles a wrong clock: it waits after a jump, and corrects positions that lie in the future.

Durations are measured on the monotonic clock. Wall time is used only for what Microsoft and the account are about:
where slices begin and end, positions, when content expires. These are compared with the present after every jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.clock_corrections import AHEAD
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_collector.slices import Feed
    from aoc_common.clock import Clock
    from aoc_common.store.backlog import BacklogStore
    from aoc_common.store.clock_corrections import ClockCorrections
    from aoc_common.store.source_runs import SourceRuns
    from aoc_common.store.sources import SourceState

_log = logs.get(__name__)

#: Seconds after a jump in which nothing is scheduled: a clock that was set wrong is often corrected at once.
_DISTRUST_S: Final = 30.0


class ClockJumpDetector:
    """Detects jumps of the wall clock against the monotonic one. A machine that was suspended looks the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._measure_offset()
        self._distrusted_until = float("-inf")

    def trusted(self) -> bool:
        """Whether the wall clock has not jumped for half a minute, as far as it was compared."""
        offset, moment = self._measure_offset(), self._clock.monotonic()
        jumped = offset - self._offset
        if abs(jumped) > AHEAD.total_seconds():
            self._offset = offset
            self._distrusted_until = moment + _DISTRUST_S
            metrics.CLOCK_JUMPS.labels("forward" if jumped > 0 else "back").inc()
            _log.warning("clock.jumped", seconds=round(jumped))
        elif jumped:
            # A clock that is adjusted slowly does not jump.
            self._offset = offset
        return moment >= self._distrusted_until

    def _measure_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


class PositionCorrector:
    """Corrects positions that lie in the future, when it sees them a second time: the first time may be a clock jump.

    Nothing that was collected, or added to the backlog, past the present is trusted. The time from the beginning of the
    first of it until now becomes a stretch of the backlog, so the watermark moves back to its beginning; the live
    slices continue from now. Records that the stretch reads again are duplicates. The same rule applies after a clock
    that was behind for a while: time that was collected correctly may be read twice, none is lost.
    """

    def __init__(self, corrections: ClockCorrections, backlog: BacklogStore, sources: SourceRuns, clock: Clock) -> None:
        self._corrections = corrections
        self._backlog = backlog
        self._sources = sources
        self._clock = clock
        self._first_seen: dict[tuple[str, str], datetime] = {}

    async def corrected(self, feed: Feed, state: SourceState) -> SourceState:
        """The state from which the source is scheduled. Raises `Transient`."""
        now, position, key = self._clock.now(), state.position, (feed.tenant, feed.source)
        if position is None or position <= now + AHEAD:
            self._first_seen.pop(key, None)
            return state
        if key not in self._first_seen:
            self._first_seen[key] = now
            _log.warning("position.ahead", tenant=feed.tenant, source=feed.source, position=str(position))
            return state
        end = (now - feed.slicing.settle_delay).replace(microsecond=0)
        begin = await self._corrections.first_in_future(feed.tenant, feed.source, now)
        begin = min(end - feed.slicing.lookback if begin is None else begin, end)
        name = f"{begin:%Y-%m-%dT%H:%M:%SZ} clock {position:%Y-%m-%dT%H:%M:%SZ}"
        # In this order: after a crash in between, time is collected twice, never missed.
        await self._backlog.add(Stretch(feed.tenant, feed.source, Cause.BEHIND, name, begin, end, begin), now)
        await self._corrections.withdraw(feed.tenant, feed.source, now)
        if await self._corrections.pull_back(feed.tenant, feed.source, position, end, now):
            metrics.POSITIONS_CORRECTED.labels(feed.tenant, feed.source).inc()
            reason = f"its position was {position:%FT%TZ}, in the future: collected again from {begin:%FT%TZ} on"
            _log.error("position.corrected", tenant=feed.tenant, source=feed.source, reason=reason)
            await self._sources.note_error(feed.tenant, feed.source, f"a clock was wrong: {reason}", now)
        self._first_seen.pop(key, None)
        return await self._sources.state(feed.tenant, feed.source)

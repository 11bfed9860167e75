"""What the collector makes of clocks that are wrong: a jump is waited out, a position in the future is pulled back.

Durations are measured on the monotonic clock. What must be wall time is what Microsoft and the account speak of: where
slices begin and end, positions, when content expires. These are held against the present, whichever way it jumped.
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

#: After a jump, the time is not acted upon for this long: a clock that is set wrong is often set right at once.
_DOUBTED_S: Final = 30.0


class ClockWatch:
    """Sees the wall clock jump against the monotonic one. A machine that slept looks the same, and loses a moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._look()
        self._doubted_until = float("-inf")

    def trusted(self) -> bool:
        """Whether the wall clock has run evenly for the last half minute, as far as it was looked at."""
        offset, moment = self._look(), self._clock.monotonic()
        jumped = offset - self._offset
        if abs(jumped) > AHEAD.total_seconds():
            self._offset = offset
            self._doubted_until = moment + _DOUBTED_S
            metrics.CLOCK_JUMPS.labels("forward" if jumped > 0 else "back").inc()
            _log.warning("clock.jumped", seconds=round(jumped))
        elif jumped:
            # A clock that is slowly put right is none that jumps.
            self._offset = offset
        return moment >= self._doubted_until

    def _look(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


class Corrector:
    """Pulls back positions that lie in the future, at the second look (see `ClockWatch`: the first may be the lie).

    The rule: all that was collected, or left behind, past the present proves nothing. From where the first of it begins
    until now becomes a stretch of the backlog that was never collected, so the watermark goes back to its beginning;
    the live slices go on from now. What the stretch reads again and is stored already is a duplicate. The same rule
    serves a clock that fell back for a while: what it doubts in vain is read twice, never lost.
    """

    def __init__(self, corrections: ClockCorrections, backlog: BacklogStore, sources: SourceRuns, clock: Clock) -> None:
        self._corrections = corrections
        self._backlog = backlog
        self._sources = sources
        self._clock = clock
        self._seen: dict[tuple[str, str], datetime] = {}

    async def corrected(self, feed: Feed, state: SourceState) -> SourceState:
        """The state of a source as it is to be gone on from. Raises `Transient`."""
        now, position, key = self._clock.now(), state.position, (feed.tenant, feed.source)
        if position is None or position <= now + AHEAD:
            self._seen.pop(key, None)
            return state
        if key not in self._seen:
            self._seen[key] = now
            _log.warning("position.ahead", tenant=feed.tenant, source=feed.source, position=str(position))
            return state
        end = (now - feed.pace.settle).replace(microsecond=0)
        begin = await self._corrections.first_in_future(feed.tenant, feed.source, now)
        begin = min(end - feed.pace.lookback if begin is None else begin, end)
        name = f"{begin:%Y-%m-%dT%H:%M:%SZ} clock {position:%Y-%m-%dT%H:%M:%SZ}"
        # In this order: a crash in between leaves too much to collect, never too little, and is gone on from.
        await self._backlog.add(Stretch(feed.tenant, feed.source, Cause.BEHIND, name, begin, end, begin), now)
        await self._corrections.withdraw(feed.tenant, feed.source, now)
        if await self._corrections.pull_back(feed.tenant, feed.source, position, end, now):
            metrics.POSITIONS_CORRECTED.labels(feed.tenant, feed.source).inc()
            said = f"its position was {position:%FT%TZ}, in the future: collected again from {begin:%FT%TZ} on"
            _log.error("position.corrected", tenant=feed.tenant, source=feed.source, reason=said)
            await self._sources.note_error(feed.tenant, feed.source, f"a clock was wrong: {said}", now)
        self._seen.pop(key, None)
        return await self._sources.state(feed.tenant, feed.source)

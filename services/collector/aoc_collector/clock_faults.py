"""How the collector handles a wrong clock: it goes by Microsoft's, and corrects what a clock that was ahead has noted.

Durations are measured on the monotonic clock. Wall time is used only for what Microsoft and the account are about:
where slices begin and end, positions, when content expires. All of these are times of Microsoft, whose answers are
dated: where the clock of this machine differs by half a minute, the dates count. A jump is seen in the same reading
that gives the time, so no time of a clock that has just jumped decides anything. What a wrong clock has noted before it
was compared is corrected when it is found in the future.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_common.errors import Postponed
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.clock_corrections import AHEAD
from aoc_common.store.sources import SourceState
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from aoc_collector.slices import Feed
    from aoc_common.clock import Clock
    from aoc_common.store.backlog import BacklogStore
    from aoc_common.store.clock_corrections import ClockCorrections
    from aoc_common.store.source_runs import SourceRuns

_log = logs.get(__name__)

#: Seconds after a jump in which nothing is scheduled: a clock that was set wrong is often corrected at once.
_DISTRUST_S: Final = 30.0
#: Dates are whole seconds, and answers are on their way for some. By more than this no clock may differ from them.
_DIFFERENCE: Final = timedelta(seconds=30)
#: Answers in a row whose dates agree, until they count for more than the clock of this machine.
_DATED_ANSWERS: Final = 3
#: Seconds between two searches for what was noted in the future, beside positions, which are compared all the time.
_LOOKED_UP_EVERY_S: Final = 600.0
#: A server that is dated before this has a clock that was never set.
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """A time, and the monotonic seconds when it was the present."""

    at: datetime
    moment: float

    def later(self, moment: float) -> datetime:
        """What it has become since."""
        return self.at + timedelta(seconds=moment - self.moment)

    def passed(self, since: Reading) -> timedelta:
        """How long after another it was read, by whichever clock says more: a suspended machine stops one of them."""
        return max(self.at - since.at, timedelta(seconds=self.moment - since.moment))


class ClockJumpDetector:
    """Detects jumps of the wall clock against the monotonic one. A machine that was suspended looks the same.

    Answers of Microsoft confirm or correct it: three in a row that agree with each other, and not with the wall clock,
    give the time from then on, until one agrees with the wall clock, or three others with each other. An answer is as
    old as it was on its way, and one that was on its way for long says nothing: a collector that was paused reads
    answers that have lain there meanwhile. So no answer makes the present later than it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now().timestamp() - clock.monotonic()
        self._distrusted_until = float("-inf")
        #: By the answers: the present when the clock is wrong, and the last one that differed from it.
        self._corrected: Reading | None = None
        self._dated: Reading | None = None
        self._agreeing = 0

    def reading(self) -> Reading:
        """Both clocks, for `answered`: when a request is sent."""
        return Reading(self._clock.now(), self._clock.monotonic())

    def answered(self, date: str, sent: Reading) -> None:
        """An answer of Microsoft came just now, with this header `Date` (RFC 9110, 6.6.1), to what was `sent` then."""
        try:
            at = parsedate_to_datetime(date).replace(tzinfo=UTC)  # RFC 9110 knows no other zone
        except ValueError:
            return
        if at < _EARLIEST:
            return
        now, moment = self._read(), self._clock.monotonic()
        if Reading(now, moment).passed(sent) > _DIFFERENCE:
            return
        metrics.CLOCK_AHEAD_SECONDS.set((now - at).total_seconds())
        if abs(at - now) <= _DIFFERENCE:
            if self._corrected is not None:
                _log.info("clock.right")
            self._corrected, self._dated, self._agreeing, self._distrusted_until = None, None, 0, float("-inf")
            return
        before, self._dated = self._dated, Reading(at, moment)
        agrees = before is not None and abs(at - before.later(moment)) <= _DIFFERENCE
        self._agreeing = self._agreeing + 1 if agrees else 1
        if self._agreeing < _DATED_ANSWERS:
            return
        if self._corrected is None:
            _log.error("clock.wrong", seconds=round((now - at).total_seconds()), hint="set the clock of this machine")
        self._corrected = self._dated

    def trusted_now(self) -> datetime | None:
        """The present; None when the wall clock has jumped within half a minute, as far as it was compared."""
        now, moment = self._read(), self._clock.monotonic()
        if self._corrected is not None:
            return self._corrected.later(moment)
        return now if moment >= self._distrusted_until else None

    def _read(self) -> datetime:
        """The wall clock, compared with the monotonic one."""
        now, moment = self._clock.now(), self._clock.monotonic()
        offset = now.timestamp() - moment
        jumped = offset - self._offset
        # A clock that is adjusted slowly does not jump.
        self._offset = offset
        if abs(jumped) > AHEAD.total_seconds():
            self._distrusted_until = moment + _DISTRUST_S
            metrics.CLOCK_JUMPS.labels("forward" if jumped > 0 else "back").inc()
            _log.warning("clock.jumped", seconds=round(jumped))
        return now

    @property
    def distrusted_s(self) -> float:
        """Seconds until the clock is trusted again, if it does not jump once more."""
        return max(0.0, self._distrusted_until - self._clock.monotonic())


class JumpCheckedClock:
    """A `Clock` for what collects: after a jump it gives no time, so whatever is in work begins anew later.

    A slice that was read across a jump would take records for too old that are not, or order a record's states wrongly.
    """

    def __init__(self, clock: Clock, jumps: ClockJumpDetector) -> None:
        self._clock = clock
        self._jumps = jumps

    def now(self) -> datetime:
        """The present, in UTC. Raises `Postponed` while the wall clock is not trusted."""
        now = self._jumps.trusted_now()
        if now is None:
            raise Postponed("the clock of this machine has jumped", retry_after=self._jumps.distrusted_s)
        return now

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A source whose account lay in the future: its position then, by both clocks."""

    position: datetime | None
    now: datetime
    monotonic: float


class PositionCorrector:
    """Corrects what was noted in the future, when it sees it a second time: the first time may be a clock jump.

    Nothing that was collected, added to the backlog or given up as too old, past the present, is trusted. The time from
    the beginning of the first of it until now becomes a stretch of the backlog, so the watermark moves back to its
    beginning; a position in the future is set back, and the live slices continue from now. Records that the stretch
    reads again are duplicates. The same rule applies after a clock that was behind for a while: time that was collected
    correctly may be read twice, none is lost.
    """

    def __init__(self, corrections: ClockCorrections, backlog: BacklogStore, sources: SourceRuns, clock: Clock) -> None:
        self._corrections = corrections
        self._backlog = backlog
        self._sources = sources
        self._clock = clock
        self._seen: dict[tuple[str, str], _Sighting] = {}
        #: Tenant -> when they were looked up, and the sources with something that was noted ahead.
        self._noted: dict[str, tuple[float, set[str]]] = {}

    async def noted_ahead(self, tenant: str, now: datetime) -> AbstractSet[str]:
        """The sources of which something other than the position was noted in the future. Raises `Transient`.

        Looked up at the first call, and some minutes after the last time: it lasts, and costs more than a position.
        """
        moment, last = self._clock.monotonic(), self._noted.get(tenant)
        if last is None or moment - last[0] >= _LOOKED_UP_EVERY_S:
            last = self._noted[tenant] = (moment, await self._corrections.noted_ahead(tenant, now + AHEAD))
        return last[1]

    async def corrected(
        self, feed: Feed, state: SourceState, now: datetime, *, noted_ahead: bool = False
    ) -> SourceState:
        """The state from which the source is scheduled. `noted_ahead`: it is one of these. Raises `Transient`."""
        key, position = (feed.tenant, feed.source), state.position
        ahead = position is not None and position > now + AHEAD
        seen = self._seen.pop(key, None)
        if seen is None or not self._is_still_so(seen, position, now, doubtful=ahead or noted_ahead):
            if ahead or noted_ahead:
                self._seen[key] = _Sighting(position, now, self._clock.monotonic())
                _log.warning("position.ahead", tenant=feed.tenant, source=feed.source, position=str(position))
            return state
        await self._correct(feed, state, min(seen.now, now), now)
        self._noted.get(feed.tenant, (0.0, set[str]()))[1].discard(feed.source)
        states = {state.source: state for state in await self._sources.all_states(feed.tenant)}
        return states.get(feed.source) or SourceState(feed.tenant, feed.source)

    def _is_still_so(self, seen: _Sighting, position: datetime | None, now: datetime, *, doubtful: bool) -> bool:
        """Whether the clock has not jumped since a sighting, and nobody has corrected what was seen.

        Also when the present has come so near to the position meanwhile that it would be believed: what was collected
        before its time stays so.
        """
        passed_s = self._clock.monotonic() - seen.monotonic
        if abs((now - seen.now).total_seconds() - passed_s) > AHEAD.total_seconds():
            return False
        if doubtful or position is None or seen.position is None:
            return doubtful
        return position >= seen.position > seen.now + AHEAD

    async def _correct(self, feed: Feed, state: SourceState, since: datetime, now: datetime) -> None:
        """Collect again what reached past `since`, when it was first seen."""
        tenant, source, position = feed.tenant, feed.source, state.position
        end = (now - feed.slicing.settle_delay).replace(microsecond=0)
        begin = await self._doubtful_from(feed, state, since, end)
        name = f"{begin:%Y-%m-%dT%H:%M:%SZ} clock {position or now:%Y-%m-%dT%H:%M:%SZ} {now:%Y-%m-%dT%H:%M:%SZ}"
        # In this order: after a crash in between, time is collected twice, never missed.
        await self._backlog.add(Stretch(tenant, source, Cause.BEHIND, name, begin, end, begin), now)
        pulled_back = position is not None and position > end
        if position is not None and pulled_back:
            if not await self._corrections.pull_back(tenant, source, position, end, now):
                # Somebody collects on from there. To withdraw stretches now would leave out their time after `end`.
                return
            metrics.POSITIONS_CORRECTED.labels(tenant, source).inc()
        await self._corrections.withdraw(tenant, source, now)
        seen = f"its position was {position:%FT%TZ}, in the future" if pulled_back else "a time in the future was noted"
        reason = f"{seen}: collected again from {begin:%FT%TZ} on"
        _log.error("position.corrected", tenant=tenant, source=source, reason=reason)
        await self._sources.note_error(tenant, source, f"a clock was wrong: {reason}", now)

    async def _doubtful_from(self, feed: Feed, state: SourceState, since: datetime, end: datetime) -> datetime:
        """From when on nothing is proven. The look-back of a source that a clock ahead has begun was too short."""
        earliest = end - feed.slicing.initial_lookback
        begin = await self._corrections.first_in_future(feed.tenant, feed.source, since)
        is_young = state.started_at is None or state.started_at > earliest
        return min(end, earliest if begin is None else begin, earliest if is_young else end)

"""How a source's time is cut: the next live slice, and what becomes a stretch of the backlog. Pure. See also `rescan`.

Live slices follow the present, whatever happened before: when a source is further behind than `Slicing.live_window`,
the time between becomes a stretch of the backlog and is collected beside them, oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.deferral import LONGEST_DELAY
from aoc_common.contracts.jobs import CollectJob
from aoc_common.store.backlog import Cause, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST: Final = timedelta(minutes=1)
_WEEK: Final = timedelta(days=7)
_FEW_PAGES: Final = 2


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a source is cut into slices.

    `max_slice`: the longest slice. `settle_delay`: the newest time, for which records still arrive and which no slice
    covers. `live_window`: a source further behind than this leaves a stretch to the backlog. `rescan_age`: until which
    age late records are looked for; zero: not at all. `fetches_per_record`: how often a record may be fetched on
    average; None where a re-scan fetches no records.
    """

    lookback: timedelta
    overlap: timedelta
    max_slice: timedelta
    settle_delay: timedelta
    interval: timedelta
    live_window: timedelta
    rescan_age: timedelta = timedelta(0)
    fetches_per_record: float | None = None

    @property
    def initial_lookback(self) -> timedelta:
        """How long before its first slice the collection of a source begins."""
        return max(self.lookback, self.settle_delay + _SHORTEST)

    @property
    def min_settle_delay(self) -> timedelta:
        """The part of the settle delay that applies to polls, too: no later slice overlaps it."""
        return max(self.settle_delay - self.overlap, timedelta(0))


@dataclass(slots=True)
class Feed:
    """A source of a tenant, and the present length of its live slices and of those of its backlog."""

    tenant: str
    source: str
    slicing: Slicing
    live_length: timedelta = field(init=False)
    backlog_length: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self.live_length = self.backlog_length = self.slicing.max_slice

    def grow(self, job: CollectJob, pages: int) -> None:
        """A slice was read to its end and gave so many pages: the next of its kind may be longer.

        Where there are few records, slices of the backlog grow to a week: years without a record are read quickly.
        """
        if job.stretch is None:
            self.live_length = min(self.live_length * 2, self.slicing.max_slice)
        elif pages <= _FEW_PAGES:
            self.backlog_length = min(self.backlog_length * 2, max(self.slicing.max_slice, _WEEK))
        else:
            self.backlog_length = min(self.backlog_length * 2, self.slicing.max_slice)

    def halve(self, job: CollectJob) -> bool:
        """A slice could not be read to its end. True when the next of its kind will be half as long."""
        fresh = (
            min(job.length - self.slicing.overlap, self.live_length)
            if job.stretch is None
            else min(job.length, self.backlog_length)
        )
        if fresh < 2 * _SHORTEST:
            return False
        if job.stretch is None:
            self.live_length = fresh / 2
        else:
            self.backlog_length = fresh / 2
        return True


def next_live_slice(
    feed: Feed, position: datetime | None, now: datetime, *, in_turn: bool = False, at_once: bool = False
) -> CollectJob | None:
    """The next live slice, or None when nothing is due.

    It begins `overlap` before the position, for records that came late, and ends `settle_delay` before now. `in_turn`:
    the regular tick of the source; the next one is an interval away, so half of one is enough.
    `at_once`: a notification came, so no interval has to pass, and time that the next slice overlaps need not settle
    first. Slices end at whole seconds, this one at the next, since the notification may be of the present one.
    """
    slicing = feed.slicing
    if in_turn:
        slicing = replace(slicing, interval=slicing.interval / 2)
    if at_once:
        slicing = replace(slicing, settle_delay=slicing.min_settle_delay, interval=timedelta(0))
        now += timedelta(seconds=1)
    horizon = _whole_second(now - slicing.settle_delay)
    if position is None:
        done = _initial_position(slicing, now)
    else:
        done = position
        if horizon - done < slicing.interval:
            return None
    end = min(done + feed.live_length, horizon)
    if end <= done:
        return None
    return CollectJob(tenant=feed.tenant, source=feed.source, start=_whole_second(done - slicing.overlap), end=end)


def backlog_stretch(feed: Feed, position: datetime | None, now: datetime) -> Stretch | None:
    """The time that a source too far behind leaves to the backlog; its live slices continue at its end."""
    slicing = feed.slicing
    begin = _initial_position(slicing, now) if position is None else position
    end = _whole_second(now - slicing.settle_delay - slicing.live_window)
    if end - begin < max(slicing.live_window, _SHORTEST):
        return None
    return Stretch(feed.tenant, feed.source, Cause.BEHIND, _stamp(begin), begin, end, begin)


def next_backlog_slice(feed: Feed, waiting: Iterable[Stretch], now: datetime) -> CollectJob | None:
    """The next slice of the backlog: of the first of these stretches that is this source's and not deferred.

    Never of the future: Microsoft answers that with nothing, which would count as collected.
    """
    horizon = _whole_second(now - feed.slicing.settle_delay)
    for stretch in waiting:
        if (stretch.tenant, stretch.source) == (feed.tenant, feed.source) and not _is_deferred(stretch, now):
            begin = stretch.done_until
            if horizon < min(stretch.end, begin + _SHORTEST):
                continue
            # Records of the time before an outage may have come after the last live slice.
            overlap = feed.slicing.overlap if stretch.cause is Cause.BEHIND and begin == stretch.start else timedelta(0)
            end = min(begin + feed.backlog_length, stretch.end, horizon)
            return CollectJob(
                tenant=feed.tenant,
                source=feed.source,
                start=begin - overlap,
                # A stretch without remaining time is closed by a last slice at its end.
                end=max(end, begin + _SHORTEST),
                stretch=stretch.id,
            )
    return None


def _is_deferred(stretch: Stretch, now: datetime) -> bool:
    """Whether a stretch waits. A deferral longer than the longest was noted by a wrong clock, and ignored."""
    return stretch.not_before is not None and now < stretch.not_before <= now + 2 * LONGEST_DELAY


def _initial_position(slicing: Slicing, now: datetime) -> datetime:
    return _whole_second(now - slicing.initial_lookback)


def _whole_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

"""How a source's time is cut: the next live slice, and what is left behind for the backlog. Pure.

What is looked at again, and when, is in `rescan`.

Live slices follow the present, whatever happened before: when a source is further behind than `Pace.live`, the time
between becomes a stretch of the backlog and is collected beside them, oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.turns import LONGEST
from aoc_common.contracts.jobs import CollectJob
from aoc_common.store.backlog import Cause, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST: Final = timedelta(minutes=1)
_WEEK: Final = timedelta(days=7)
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How a source is cut into slices.

    `live`: a source that is further behind than this leaves a stretch to the backlog. `reach`: the age until which
    records are looked for that came late; zero for not at all. `fetches`: how often a record may be fetched on
    average; None where looking again costs no records.
    """

    lookback: timedelta
    overlap: timedelta
    longest: timedelta
    settle: timedelta
    interval: timedelta
    live: timedelta
    reach: timedelta = timedelta(0)
    fetches: float | None = None

    @property
    def beginning(self) -> timedelta:
        """How long before a source is first looked at its collection begins."""
        return max(self.lookback, self.settle + _SHORTEST)

    @property
    def unsettled(self) -> timedelta:
        """What is left alone even when there is news: no slice after it reads that again."""
        return max(self.settle - self.overlap, timedelta(0))


@dataclass(slots=True)
class Feed:
    """A source of a tenant. `longest` and `part`: the present length of its live slices, and of its backlog's."""

    tenant: str
    source: str
    pace: Pace
    longest: timedelta = field(init=False)
    part: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self.longest = self.part = self.pace.longest

    def grow(self, job: CollectJob, pages: int) -> None:
        """A slice was read to its end and gave so many pages: the next of its kind may be longer.

        Where there is little, slices of the backlog become as long as a week: years without a record are soon read.
        """
        if job.stretch is None:
            self.longest = min(self.longest * 2, self.pace.longest)
        elif pages <= _FEW:
            self.part = min(self.part * 2, max(self.pace.longest, _WEEK))
        else:
            self.part = min(self.part * 2, self.pace.longest)

    def halve(self, job: CollectJob) -> bool:
        """A slice could not be read to its end. True when the next of its kind will be half as long."""
        fresh = min(job.length - self.pace.overlap, self.longest) if job.stretch is None else min(job.length, self.part)
        if fresh < 2 * _SHORTEST:
            return False
        if job.stretch is None:
            self.longest = fresh / 2
        else:
            self.part = fresh / 2
        return True


def next_live(
    feed: Feed, position: datetime | None, now: datetime, *, in_turn: bool = False, at_once: bool = False
) -> CollectJob | None:
    """The next live slice, or None when nothing is due.

    It reaches back `overlap` before the position, for records that came late, and ends `settle` before now. `in_turn`:
    this is the source's turn, and the next one is an interval away, so what came out of turn must not cost it this
    one. `at_once`: there is news, so no interval has to pass, and what the next slice reads again anyway need not
    settle first. Slices end at whole seconds, this one at the next, since the news may be of the present one.
    """
    pace = feed.pace
    if in_turn:
        pace = replace(pace, interval=pace.interval / 2)
    if at_once:
        pace = replace(pace, settle=pace.unsettled, interval=timedelta(0))
        now += timedelta(seconds=1)
    horizon = _whole(now - pace.settle)
    if position is None:
        done = _first(pace, now)
    else:
        done = position
        if horizon - done < pace.interval:
            return None
    end = min(done + feed.longest, horizon)
    if end <= done:
        return None
    return CollectJob(tenant=feed.tenant, source=feed.source, start=_whole(done - pace.overlap), end=end)


def left_behind(feed: Feed, position: datetime | None, now: datetime) -> Stretch | None:
    """What a source that is too far behind leaves to the backlog; its live slices go on at the end of it."""
    pace = feed.pace
    begin = _first(pace, now) if position is None else position
    end = _whole(now - pace.settle - pace.live)
    if end - begin < max(pace.live, _SHORTEST):
        return None
    return Stretch(feed.tenant, feed.source, Cause.BEHIND, _stamp(begin), begin, end, begin)


def next_part(feed: Feed, waiting: Iterable[Stretch], now: datetime) -> CollectJob | None:
    """The next slice of the backlog: of the first of these stretches that is this source's, and whose turn it is.

    Never of what is still to come: Microsoft answers that with nothing, which would count as collected.
    """
    horizon = _whole(now - feed.pace.settle)
    for stretch in waiting:
        if (stretch.tenant, stretch.source) == (feed.tenant, feed.source) and not _put_off(stretch, now):
            begin = stretch.done_until
            if horizon < min(stretch.end, begin + _SHORTEST):
                continue
            # Records of the time before an outage may have come after the last live slice.
            late = feed.pace.overlap if stretch.cause is Cause.BEHIND and begin == stretch.start else timedelta(0)
            end = min(begin + feed.part, stretch.end, horizon)
            return CollectJob(
                tenant=feed.tenant,
                source=feed.source,
                start=begin - late,
                # A stretch with nothing left is closed by a last look at its end.
                end=max(end, begin + _SHORTEST),
                stretch=stretch.id,
            )
    return None


def _put_off(stretch: Stretch, now: datetime) -> bool:
    """Whether others are first. A turn that is longer away than any is put off came from a clock that was wrong."""
    return stretch.not_before is not None and now < stretch.not_before <= now + 2 * LONGEST


def _first(pace: Pace, now: datetime) -> datetime:
    return _whole(now - pace.beginning)


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

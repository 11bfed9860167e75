"""Hits are noted, and what they complete together with those before and after them is found.

All hits of a batch are noted before any window is looked at, by whichever replica: so who looks last sees all. What a
window has is given again as often as its hits are delivered again; an alert takes each event once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.contracts.alert import MOST_COUNTED
from aoc_common.contracts.ids import EPOCH, to_ms
from aoc_common.store.counted_hits import Stretch
from aoc_rules.correlation.ends import crowded_ends, ends_of
from aoc_rules.correlation.groups import MOST_EVENTS, Group, child_hit, found_of, seen_of
from aoc_rules.correlation.reading import MOST_DECIDED, MOST_HITS
from aoc_rules.correlation.windows import holding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.alert import FieldValue
    from aoc_common.store.alert_hits import HitKey
    from aoc_common.store.counted_hits import CountedHit, CountedHitStore
    from aoc_common.store.window_ends import WindowEnd
    from aoc_rules.correlation.groups import Counted
    from aoc_rules.correlation.plan import Correlation
    from aoc_rules.correlation.windows import Seen, Window
    from aoc_rules.correlations import Correlations
    from aoc_rules.grouping import Found

#: Groups that are looked up at once.
_AT_ONCE: Final = 8
#: Crowded groups that are remembered.
_MOST_CROWDS: Final = 1_000
#: Hits that are given to alerts at once: alerts count no further.
_MOST_GIVEN: Final = MOST_COUNTED

type NoteEnds = Callable[[Sequence[WindowEnd]], Awaitable[None]]
"""Notes when windows are over that are decided only then. Idempotent by their keys."""


class Watch(Protocol):
    """Who is told how much there is to do."""

    def counted(self, hits: int) -> None:
        """So many hits were noted."""
        ...

    def crowded(self) -> None:
        """A group had more hits than are looked at: the latest count."""
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """A window that holds, as events for an alert.

    `at`: when it was complete, in the time of the events. `common`: what they have in common.
    """

    at: datetime
    common: tuple[FieldValue, ...]
    found: tuple[Found, ...]


@dataclass(slots=True)
class _Fresh:
    """Hits of a batch that are of one group."""

    group: Group
    hits: dict[HitKey, CountedHit] = field(default_factory=dict)

    def near(self) -> list[list[CountedHit]]:
        """Those together that lie within a timespan: between hits of years may be more than is looked at."""
        made: list[list[CountedHit]] = []
        for hit in sorted(self.hits.values(), key=lambda one: one.at):
            if not made or hit.at - made[-1][0].at > self.group.plan.span:
                made.append([])
            made[-1].append(hit)
        return made


class Correlator:
    """Finds what correlations say.

    `lateness`: how late events may be for what is decided when windows are over. `home`: the tenant that has the alerts
    across tenants.
    """

    def __init__(
        self,
        hits: CountedHitStore,
        note_ends: NoteEnds,
        now: Callable[[], datetime],
        lateness: timedelta,
        home: str | None,
        watch: Watch,
    ) -> None:
        self._hits = hits
        self._note_ends = note_ends
        self._now = now
        self._lateness = lateness
        self._home = home
        self._watch = watch
        #: Keys of a group that was crowded when it was looked at last -> when the earliest of its latest hits was.
        self._crowded_since: dict[tuple[str, ...], datetime] = {}

    async def correlate(self, correlations: Correlations, counted: Sequence[Counted]) -> list[Completed]:
        """Note hits; the windows that they complete, as events for alerts. Raises `Transient`."""
        completed: list[Completed] = []
        level = list(counted)
        while level:  # correlations of correlations name no one that names them
            await self._hits.add([one.hit for one in level])
            self._watch.counted(len(level))
            fresh = _by_group(level)
            await self._note_ends([end for one in fresh if one.group.plan.settled for end in self._ends_of(one)])
            at_once = [(one, near) for one in fresh if not one.group.plan.settled for near in one.near()]
            level = []
            for start in range(0, len(at_once), _AT_ONCE):
                some = at_once[start : start + _AT_ONCE]
                for more, windows in await asyncio.gather(*(self._completed(*one, correlations) for one in some)):
                    completed += more
                    level += windows
        return completed

    def _ends_of(self, fresh: _Fresh) -> list[WindowEnd]:
        return ends_of(fresh.group, fresh.hits.values(), self._now(), self._lateness)

    async def _completed(
        self, fresh: _Fresh, near: Sequence[CountedHit], correlations: Correlations
    ) -> tuple[list[Completed], list[Counted]]:
        """What some hits of a batch complete, with all that is known, the others of the batch included."""
        group, plan = fresh.group, fresh.group.plan
        times = [hit.at for hit in near]
        first, last = min(times), max(times) + plan.span
        known = await self._latest(group, first - plan.span, last)
        if len(known) == MOST_HITS:
            # What was left out may complete something with these: a timer has all of it looked at.
            latest = max(known[-1].at, *times)
            await self._note_ends(crowded_ends(group, near, latest, self._now(), self._lateness))
        # Of those of the batch more is known than is stored.
        seen = seen_by(plan, [fresh.hits.get((hit.rule, hit.event), hit) for hit in known])
        windows = holding(plan, list(seen), to_ms(first), to_ms(last))
        if not windows:
            return [], []
        old = [one for one, hit in seen.items() if (hit.rule, hit.event) not in fresh.hits]
        before = holding(plan, old, to_ms(first), to_ms(last))
        return (
            self.alerts(group, windows, seen, frozenset["Seen"]().union(*(one.fresh for one in before))),
            windows_as_hits(group, windows, seen, correlations, {one.anchor for one in before}),
        )

    async def _latest(self, group: Group, start: datetime, end: datetime) -> Sequence[CountedHit]:
        """The latest hits of a stretch. Of a crowded group only the time is asked for in which as many were last.

        A server may read all that lies in the time that it is asked for, however few it is to give.
        """
        since = self._crowded_since.get(group.keys)
        if since is not None and start < since < end:
            found = await self._hits.within(Stretch(group.keys, since, end), MOST_HITS)
            if len(found) == MOST_HITS:
                self._crowded_since[group.keys] = found[0].at
                return found
        found = await self._hits.within(Stretch(group.keys, start, end), MOST_HITS)
        if len(found) == MOST_HITS:
            if len(self._crowded_since) >= _MOST_CROWDS:
                self._crowded_since.clear()
            self._crowded_since[group.keys] = found[0].at
        return found

    async def look(self, group: Group, start: datetime, end: datetime) -> Sequence[CountedHit]:
        """The hits of a group, of which the latest count where there are too many. Raises `Transient`."""
        found = await self._hits.within(Stretch(group.keys, start, end), MOST_DECIDED)
        if len(found) == MOST_DECIDED:
            self._watch.crowded()
        return found

    def alerts(
        self, group: Group, windows: Sequence[Window], seen: Mapping[Seen, CountedHit], known: frozenset[Seen]
    ) -> list[Completed]:
        """What is to be in alerts of these windows. `known`: hits that are there already.

        An event is given by the first window that has it, as it is when events come one by one.
        """
        if not group.plan.alerts:
            return []
        given, made = set(known), list[Completed]()
        for window in windows:
            if fresh := window.fresh - given:
                if len(given) - len(known) >= _MOST_GIVEN:
                    break
                given |= fresh
                found = found_of(group, [seen[hit] for hit in sorted(fresh, key=_in_time)], self._home)
                made.append(Completed(EPOCH + timedelta(milliseconds=window.end), group.field_values, tuple(found)))
        return made


def seen_by(plan: Correlation, hits: Iterable[CountedHit]) -> dict[Seen, CountedHit]:
    """Hits as windows see them, and themselves."""
    return {seen_of(plan, hit): hit for hit in hits}


def windows_as_hits(
    group: Group,
    windows: Sequence[Window],
    seen: Mapping[Seen, CountedHit],
    correlations: Correlations,
    known: Collection[int] = (),
) -> list[Counted]:
    """Windows as hits for the correlations that name this one. `known`: anchors of those that held before."""
    naming = correlations.naming.get(group.plan.id, ())
    if not naming:
        return []
    return [
        child_hit(group, window.end, [seen[hit] for hit in window.latest(MOST_EVENTS)], naming)
        for window in windows
        if window.anchor not in known
    ]


def _in_time(hit: Seen) -> tuple[int, int]:
    return hit.at, hit.event.int


def _by_group(counted: Sequence[Counted]) -> list[_Fresh]:
    fresh: dict[tuple[str, tuple[str, ...]], _Fresh] = {}
    for one in counted:
        for group in one.groups:
            held = fresh.setdefault((group.plan.id, group.keys), _Fresh(group))
            held.hits[one.hit.rule, one.hit.event] = one.hit
    return list(fresh.values())

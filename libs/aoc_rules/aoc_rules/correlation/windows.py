"""Which windows of a correlation hold, given the hits of one group. Pure.

A window is as long as the correlation's timespan, both ends included. It ends with a hit, and looks back; where
something is to be missing or few it begins with one, and looks ahead. So the same hits have the same windows, in
whatever order they became known.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Final

from aoc_rules.correlation.plan import COUNTING, HOLDS, TEMPORAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from aoc_rules.correlation.plan import Clause, Correlation

_ALL: Final = 100
#: A sum of as many as are looked at has room for such numbers.
_LARGEST: Final = 1e300


@dataclass(frozen=True, slots=True)
class Seen:
    """A hit as windows see it. `slot`: of the rule; `at`: milliseconds; `values`: of the field that counts."""

    slot: int
    event: UUID
    at: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Some of a list of hits, which all windows share: of many hits there may be as many windows."""

    of: Sequence[Seen]
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Window:
    """A window that holds. `anchor`: the time of the hit that it begins or ends with.

    `fresh`: of the hits that make it hold those that none has that was found before. `spans`: all of these hits.
    """

    anchor: int
    start: int
    end: int
    fresh: frozenset[Seen]
    spans: tuple[Span, ...]

    @property
    def hits(self) -> frozenset[Seen]:
        """The hits that make it hold."""
        return frozenset(hit for span in self.spans for hit in span.of[span.low : span.high])

    def latest(self, most: int) -> list[Seen]:
        """The latest of these, in the order of time."""
        ends = {hit for span in self.spans for hit in span.of[max(span.low, span.high - most) : span.high]}
        return sorted(ends, key=_in_time)[-most:]


def holding(plan: Correlation, hits: Sequence[Seen], first: int, last: int) -> list[Window]:
    """The windows whose anchor is between `first` and `last`, both included, in the order of time.

    `hits`: of one group, with all that are within a timespan of that stretch.
    """
    ordered = sorted(set(hits), key=_in_time)
    found: list[Window] = []
    for clause in plan.condition.clauses or (None,):
        found += _of_clause(plan, clause, ordered, first, last)
    found.sort(key=lambda window: (window.anchor, window.start))
    return [_merged(list(some)) for _, some in groupby(found, key=lambda window: (window.anchor, window.start))]


def _in_time(hit: Seen) -> tuple[int, int, UUID, tuple[str, ...]]:
    return hit.at, hit.slot, hit.event, hit.values


def _merged(windows: list[Window]) -> Window:
    """Several clauses of one window say the same together."""
    one = windows[0]
    fresh = frozenset[Seen]().union(*(window.fresh for window in windows))
    return Window(one.anchor, one.start, one.end, fresh, tuple(span for window in windows for span in window.spans))


def _of_clause(plan: Correlation, clause: Clause | None, hits: list[Seen], first: int, last: int) -> Iterator[Window]:
    ahead = bool(clause.absent) if clause is not None else plan.few
    times = [hit.at for hit in hits]
    opening = clause.present if clause is not None and ahead else range(len(plan.slots))
    anchors = {hit.at for hit in hits if first <= hit.at <= last and hit.slot in opening}
    order = _Order(plan, hits) if plan.kind == "temporal_ordered" else None
    tally, evidence = _Tally(plan), _evidence(plan, clause, hits, order)
    low, high = 0, 0
    for anchor in sorted(anchors):
        start, end = (anchor, anchor + plan.span_ms) if ahead else (anchor - plan.span_ms, anchor)
        to_low, to_high = bisect_left(times, start), bisect_right(times, end)
        tally.move(hits, low, high, to_low, to_high)
        low, high = to_low, to_high
        if _holds(plan, clause, tally, order, start, end) and (spans := evidence.spans(start, end)):
            yield Window(anchor, start, end, evidence.fresh(spans), spans)


class _Tally:
    """What a window that moves on has: each change costs what comes in and what goes out."""

    __slots__ = ("_pairs", "events", "numbers", "slots", "sums", "values")

    def __init__(self, plan: Correlation) -> None:
        self.events: Counter[UUID] = Counter()
        self.values: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()
        #: The numbers, in their order, for what is calculated with them. An event that several rules matched is one.
        self.numbers: list[float] = []
        #: Their sum, as several numbers of which none overlaps another: what comes in and goes out leaves nothing.
        self.sums: list[float] = []
        self._pairs: Counter[tuple[UUID, str]] | None = None if plan.kind in TEMPORAL | COUNTING else Counter()

    def move(self, hits: Sequence[Seen], low: int, high: int, to_low: int, to_high: int) -> None:
        """From the hits `low:high` to those of `to_low:to_high`, neither of which is smaller."""
        for hit in hits[high:to_high]:
            self._count(hit, 1)
        for hit in hits[low:to_low]:
            self._count(hit, -1)

    def _count(self, hit: Seen, by: int) -> None:
        _add(self.events, hit.event, by)
        _add(self.slots, hit.slot, by)
        for value in hit.values:
            _add(self.values, value, by)
            if self._pairs is not None:
                self._calculate(self._pairs, (hit.event, value), by)

    def _calculate(self, pairs: Counter[tuple[UUID, str]], pair: tuple[UUID, str], by: int) -> None:
        before = pairs[pair] > 0
        _add(pairs, pair, by)
        after = pairs[pair] > 0
        if before == after or (made := number(pair[1])) is None:
            return
        if after:
            insort(self.numbers, made)
        else:
            del self.numbers[bisect_left(self.numbers, made)]
        _sum_up(self.sums, made * by)


def _sum_up(sums: list[float], more: float) -> None:
    """Add a number to a sum without rounding (Shewchuk 1997, as `math.fsum` does it)."""
    kept = []
    for one in sums:
        large, small = (one, more) if abs(one) > abs(more) else (more, one)
        more = large + small
        if rest := small - (more - large):
            kept.append(rest)
    sums[:] = [*kept, more]


def _add[Key](counter: Counter[Key], key: Key, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


def _holds(plan: Correlation, clause: Clause | None, tally: _Tally, order: _Order | None, start: int, end: int) -> bool:
    if clause is not None:
        return clause.present <= tally.slots.keys() and not clause.absent & tally.slots.keys()
    figure = order.longest(start, end) if order is not None else _figure(plan, tally)
    return figure is not None and HOLDS[plan.condition.op](figure, plan.condition.count)


def _figure(plan: Correlation, tally: _Tally) -> float | None:
    """What a condition compares; None where there is nothing to calculate with."""
    match plan.kind:
        case "event_count":
            return len(tally.events)
        case "value_count":
            return len(tally.values)
        case "temporal":
            return len(tally.slots)
        case _:
            return _calculated(plan, tally)


def _calculated(plan: Correlation, tally: _Tally) -> float | None:
    numbers = tally.numbers
    if not numbers:
        return None
    if plan.kind == "value_sum":
        return math.fsum(tally.sums)
    if plan.kind == "value_avg":
        return math.fsum(tally.sums) / len(numbers)
    return _percentile(numbers, plan.condition.percentile)


def _percentile(numbers: Sequence[float], percentile: float) -> float:
    """Between two numbers in proportion."""
    place = (len(numbers) - 1) * percentile / _ALL
    below = int(place)
    if below + 1 >= len(numbers) or place == below:
        return numbers[below]
    return numbers[below] * (1 - (place - below)) + numbers[below + 1] * (place - below)


def number(text: str) -> float | None:
    """The number that a text spells as JSON does; None for any other, and for one that no sum could hold."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "-0123456789" or "_" in stripped or not stripped.isascii():
        return None
    try:
        made = float(stripped)
    except ValueError:
        return None
    return made if abs(made) <= _LARGEST else None


class _Order:
    """When each rule matched, for what asks for an order."""

    def __init__(self, plan: Correlation, hits: Sequence[Seen]) -> None:
        self.hits = [[hit for hit in hits if hit.slot == slot] for slot in range(len(plan.slots))]
        self.times = [[hit.at for hit in some] for some in self.hits]

    def longest(self, start: int, end: int) -> int:
        """How many rules matched one after another, in the order in which the correlation names them."""
        ends: dict[int, int] = {0: start - 1}  # how many -> the earliest end
        for times in self.times:
            for length, behind in sorted(ends.items(), reverse=True):
                after = bisect_right(times, behind)
                if after < len(times) and times[after] <= end:
                    ends[length + 1] = min(ends.get(length + 1, end), times[after])
        return max(ends)

    def sequence(self, slots: Sequence[int], start: int, end: int) -> Iterator[Span]:
        """The hits of each rule that stand after a beginning of the sequence and before its end."""
        after: dict[int, float] = {}
        earliest: float = start - 1
        for slot in slots:
            after[slot] = earliest
            times, place = self.times[slot], bisect_right(self.times[slot], earliest)
            earliest = times[place] if place < len(times) and times[place] <= end else math.inf
        latest: float = end + 1
        for slot in reversed(slots):
            times = self.times[slot]
            yield Span(self.hits[slot], bisect_right(times, after[slot]), bisect_left(times, latest))
            place = bisect_left(times, latest)
            latest = times[place - 1] if place and times[place - 1] >= start else -math.inf


class _Evidence:
    """Which hits make windows hold: more of them never take one away. Asked of windows in the order of time.

    `hits`: that have a part in it; `sequences`: of rules whose order is asked for, instead.
    """

    def __init__(
        self, hits: list[Seen], sequences: Sequence[tuple[int, ...]] = (), order: _Order | None = None
    ) -> None:
        self._hits, self._times = hits, [hit.at for hit in hits]
        self._sequences, self._order = sequences, order
        #: Span of a window, by its place -> up to where hits were given.
        self._given: dict[int, int] = {}

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """The hits of a window; none where none make it hold."""
        if self._order is None:
            found = [Span(self._hits, bisect_left(self._times, start), bisect_right(self._times, end))]
        else:
            found = [span for slots in self._sequences for span in self._order.sequence(slots, start, end)]
        return tuple(found) if any(span.low < span.high for span in found) else ()

    def fresh(self, spans: tuple[Span, ...]) -> frozenset[Seen]:
        """Those of them that were not given before."""
        made: list[Seen] = []
        for place, span in enumerate(spans):
            given = self._given.get(place, 0)
            made += span.of[max(given, span.low) : span.high]
            self._given[place] = max(given, span.high)
        return frozenset(made)


def _evidence(plan: Correlation, clause: Clause | None, hits: list[Seen], order: _Order | None) -> _Evidence:
    if order is not None:
        return _Evidence([], _sequences(plan, clause), order)
    if plan.kind not in TEMPORAL and plan.kind not in COUNTING:
        return _Evidence([hit for hit in hits if any(number(value) is not None for value in hit.values)])
    return _Evidence(hits if clause is None else [hit for hit in hits if hit.slot in clause.present])


def _sequences(plan: Correlation, clause: Clause | None) -> list[tuple[int, ...]]:
    """Rules that are to match one after the other, one of which is enough."""
    if clause is not None:
        return [tuple(sorted(clause.present))]
    more = plan.condition.op == "gt"
    needed = math.floor(plan.condition.count) + 1 if more else math.ceil(plan.condition.count)
    return list(combinations(range(len(plan.slots)), max(needed, 1)))

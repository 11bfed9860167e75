"""Which windows of a correlation hold, given the hits of one group. Pure.

A window is as long as the correlation's timespan, both ends included. It ends with a hit, and looks back; where
something is to be missing or few it begins with one, and looks ahead. So the same hits have the same windows, in
whatever order they became known.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
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


@dataclass(frozen=True, slots=True)
class Seen:
    """A hit as windows see it. `slot`: of the rule; `at`: milliseconds; `values`: of the field that counts."""

    slot: int
    event: UUID
    at: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A window that holds. `anchor`: the time of the hit that it begins or ends with. `hits`: that make it hold."""

    anchor: int
    start: int
    end: int
    hits: frozenset[Seen]


def holding(plan: Correlation, hits: Sequence[Seen], first: int, last: int) -> list[Window]:
    """The windows whose anchor is between `first` and `last`, both included, in the order of time.

    `hits`: of one group, with all that are within a timespan of that stretch.
    """
    ordered = sorted(set(hits), key=lambda hit: (hit.at, hit.slot, hit.event, hit.values))
    found: list[Window] = []
    for clause in plan.condition.clauses or (None,):
        found += _of_clause(plan, clause, ordered, first, last)
    found.sort(key=lambda window: (window.anchor, window.start))
    return [_merged(list(some)) for _, some in groupby(found, key=lambda window: (window.anchor, window.start))]


def _merged(windows: list[Window]) -> Window:
    """Several clauses of one window say the same together."""
    one = windows[0]
    return Window(one.anchor, one.start, one.end, frozenset[Seen]().union(*(window.hits for window in windows)))


def _of_clause(plan: Correlation, clause: Clause | None, hits: list[Seen], first: int, last: int) -> Iterator[Window]:
    ahead = bool(clause.absent) if clause is not None else plan.few
    times = [hit.at for hit in hits]
    opening = clause.present if clause is not None and ahead else range(len(plan.slots))
    anchors = {hit.at for hit in hits if first <= hit.at <= last and hit.slot in opening}
    tally, low, high = _Tally(), 0, 0
    # Counts decide of most kinds, so that hits need not be looked at where a window does not hold.
    by_tally = clause is not None or plan.kind in COUNTING or plan.kind == "temporal"
    for anchor in sorted(anchors):
        start, end = (anchor, anchor + plan.span_ms) if ahead else (anchor - plan.span_ms, anchor)
        to_low, to_high = bisect_left(times, start), bisect_right(times, end)
        tally.move(hits, low, high, to_low, to_high)
        low, high = to_low, to_high
        if by_tally and not _holds(plan, clause, tally, ()):
            continue
        inside = hits[low:high]
        if by_tally or _holds(plan, clause, tally, inside):
            makes = _evidence(plan, clause, inside)
            if makes:
                yield Window(anchor, start, end, frozenset(makes))


class _Tally:
    """What a window that moves on has: each change costs what comes in and what goes out."""

    __slots__ = ("events", "slots", "values")

    def __init__(self) -> None:
        self.events: Counter[UUID] = Counter()
        self.values: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()

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


def _add[Key](counter: Counter[Key], key: Key, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


def _holds(plan: Correlation, clause: Clause | None, tally: _Tally, inside: Sequence[Seen]) -> bool:
    if clause is not None:
        return clause.present <= tally.slots.keys() and not clause.absent & tally.slots.keys()
    figure = _figure(plan, tally, inside)
    return figure is not None and HOLDS[plan.condition.op](figure, plan.condition.count)


def _figure(plan: Correlation, tally: _Tally, inside: Sequence[Seen]) -> float | None:
    """What a condition compares; None where there is nothing to calculate with."""
    match plan.kind:
        case "event_count":
            return len(tally.events)
        case "value_count":
            return len(tally.values)
        case "temporal":
            return len(tally.slots)
        case "temporal_ordered":
            return _longest(plan, inside)
        case _:
            return _calculated(plan, inside)


def _calculated(plan: Correlation, inside: Sequence[Seen]) -> float | None:
    # An event that several rules matched is one.
    pairs = {(hit.event, value) for hit in inside for value in hit.values}
    numbers = sorted(one for one in (number(value) for _, value in pairs) if one is not None)
    if not numbers:
        return None
    if plan.kind == "value_sum":
        return math.fsum(numbers)
    if plan.kind == "value_avg":
        return math.fsum(numbers) / len(numbers)
    return _percentile(numbers, plan.condition.percentile)


def _percentile(numbers: Sequence[float], percentile: float) -> float:
    """Between two numbers in proportion."""
    place = (len(numbers) - 1) * percentile / _ALL
    below = int(place)
    if below + 1 >= len(numbers) or place == below:
        return numbers[below]
    return numbers[below] * (1 - (place - below)) + numbers[below + 1] * (place - below)


def number(text: str) -> float | None:
    """The finite number that a text spells as JSON does; None for any other."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "-0123456789" or "_" in stripped or not stripped.isascii():
        return None
    try:
        made = float(stripped)
    except ValueError:
        return None
    return made if math.isfinite(made) else None


def _longest(plan: Correlation, inside: Sequence[Seen]) -> int:
    """How many rules matched one after another, in the order in which the correlation names them."""
    ends: dict[int, float] = {0: -math.inf}  # how many -> the earliest end
    for slot in range(len(plan.slots)):
        times = [hit.at for hit in inside if hit.slot == slot]
        for length, end in sorted(ends.items(), reverse=True):
            after = bisect_right(times, end)
            if after < len(times):
                ends[length + 1] = min(ends.get(length + 1, math.inf), times[after])
    return max(ends)


def _evidence(plan: Correlation, clause: Clause | None, inside: Sequence[Seen]) -> list[Seen]:
    """The hits that make a window hold: more of them never take one away."""
    if plan.kind not in TEMPORAL and plan.kind not in COUNTING:
        return [hit for hit in inside if any(number(value) is not None for value in hit.values)]
    if plan.kind == "temporal_ordered":
        return _in_order(plan, clause, inside)
    if clause is not None:
        return [hit for hit in inside if hit.slot in clause.present]
    return list(inside)


def _in_order(plan: Correlation, clause: Clause | None, inside: Sequence[Seen]) -> list[Seen]:
    """The hits that are part of a sequence."""
    if clause is not None:
        sequences = [tuple(sorted(clause.present))]
    else:
        more = plan.condition.op == "gt"
        needed = math.floor(plan.condition.count) + 1 if more else math.ceil(plan.condition.count)
        sequences = list(combinations(range(len(plan.slots)), max(needed, 1)))
    found = {hit for sequence in sequences for hit in _of_sequence(sequence, inside)}
    return [hit for hit in inside if hit in found]


def _of_sequence(sequence: tuple[int, ...], inside: Sequence[Seen]) -> Iterator[Seen]:
    """Hits that stand after a beginning of the sequence and before its end."""
    times = {slot: [hit.at for hit in inside if hit.slot == slot] for slot in sequence}
    after, before = {}, {}
    earliest: float = -math.inf
    for slot in sequence:
        after[slot] = earliest
        place = bisect_right(times[slot], earliest)
        earliest = times[slot][place] if place < len(times[slot]) else math.inf
    latest: float = math.inf
    for slot in reversed(sequence):
        before[slot] = latest
        place = bisect_left(times[slot], latest)
        latest = times[slot][place - 1] if place else -math.inf
    for hit in inside:
        if hit.slot in after and after[hit.slot] < hit.at < before[hit.slot]:
            yield hit

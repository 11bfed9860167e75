"""Which of two lanes' records are one action. Pure, and the same answer in whatever order the records are given.

The rule behind all others: an event stands for another one only if it asserts all that the other asserts. So whatever
an attacker makes Microsoft write, nothing that is asserted only once is asserted by a second event alone.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import batched, islice, product
from typing import TYPE_CHECKING, Final, NamedTuple

from aoc_common.contracts.twins import TOLERANCE_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from aoc_common.contracts.twins import Candidate, Lane

type Pair = tuple[Candidate, Candidate]
"""A Graph record and a unified one."""

#: Graph records that are aligned together: the work grows with the square, and attackers can make many.
_ALIGNED: Final = 40


class _Properties(NamedTuple):
    """`TwinFacts.properties` taken apart: what has changed, and all values by name."""

    changes: frozenset[str]
    by_name: Mapping[str, frozenset[str]]
    whole: bool


def pairs(candidates: Iterable[Candidate], before: Collection[UUID] = frozenset()) -> list[Pair]:
    """One to one: what shares an id and tells the same first, then what shares an id, then what tells the same.

    `before`: those that were published already, so that their twins can only be second.
    """
    by_digest: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_digest[candidate.tenant, candidate.facts.digest].append(candidate)
    found: list[Pair] = []
    for group in by_digest.values():
        if len({one.facts.lane for one in group}) > 1:
            found += _Group(sorted(group, key=_order), before).pairs()
    return found


def stands_for(first: Candidate, second: Candidate) -> bool:
    """Whether the first asserts all that the second does. They do not contradict each other (`agree`)."""
    if second.facts.ip and not first.facts.ip:
        return False
    mine, its = _properties(first.facts.properties), _properties(second.facts.properties)
    return its.changes == mine.changes or (its.whole and mine.whole and its.changes < mine.changes)


def first_of(graph: Candidate, unified: Candidate, before: Collection[UUID], preferred: Lane) -> Candidate | None:
    """Which of two twins stands for both: what was there before, else the preferred one. None when it cannot."""
    if (graph.id in before) != (unified.id in before):
        first, second = (graph, unified) if graph.id in before else (unified, graph)
        return first if stands_for(first, second) else None
    chosen = (graph, unified) if preferred == "graph" else (unified, graph)
    return next((first for first, second in (chosen, chosen[::-1]) if stands_for(first, second)), None)


def agree(one: Candidate, other: Candidate) -> bool:
    """Whether nothing that both of them say differs: when, how it ended, ids, address, values. Of one digest."""
    mine, its = one.facts, other.facts
    if abs(one.time_ms - other.time_ms) > TOLERANCE_MS or mine.result != its.result:
        return False
    if (mine.ip and its.ip and mine.ip != its.ip) or (mine.session and its.session and mine.session != its.session):
        return False
    names, theirs = _properties(mine.properties).by_name, _properties(its.properties).by_name
    return all(values == theirs[name] for name, values in names.items() if name in theirs)


class _Group:
    """Candidates of one digest, in order of time."""

    def __init__(self, group: Sequence[Candidate], before: Collection[UUID]) -> None:
        self._group = group
        self._before = before
        self._free = {one.id for one in group}

    def pairs(self) -> list[Pair]:
        found: list[Pair] = []
        by_id = _buckets((hint, one) for one in self._group for hint in one.facts.hints)
        for alike in (True, False):
            for bucket in by_id:
                found += self._paired(bucket, alike=alike)
        # Without an id in common, one that says the same is the twin only of a success, and only if one lane tells
        # no id at all: failures are tried again, and different ids are different actions.
        done = [one for one in self._group if one.facts.result == "success"]
        by_changes = ((_properties(one.facts.properties).changes, one) for one in done)
        for bucket in _buckets((changes, one) for changes, one in by_changes if changes):
            if any(one.facts.session is None for one in bucket):
                found += self._paired(bucket, alike=True)
        return found

    def _paired(self, bucket: Sequence[Candidate], *, alike: bool) -> list[Pair]:
        graph = [one for one in bucket if one.facts.lane == "graph"]
        unified = [one for one in bucket if one.facts.lane == "unified"]
        found: list[Pair] = []
        for some in batched(graph, _ALIGNED):
            # Two changes can stand in one order in one lane and in the other order in the other: until none is left.
            while more := self._aligned(*self._left(some, unified), alike=alike):
                found += more
                self._free -= {one.id for pair in more for one in pair}
        return found

    def _left(
        self, graph: Sequence[Candidate], unified: Sequence[Candidate]
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Those of these Graph records that are free, and the free unified ones of their time."""
        rows = [one for one in graph if one.id in self._free]
        if not rows:
            return [], []
        low, high = rows[0].time_ms - TOLERANCE_MS, rows[-1].time_ms + TOLERANCE_MS
        columns = (one for one in unified if low <= one.time_ms <= high and one.id in self._free)
        return rows, list(islice(columns, 2 * _ALIGNED))

    def _fit(self, graph: Candidate, unified: Candidate, *, alike: bool) -> bool:
        if alike and _properties(graph.facts.properties).changes != _properties(unified.facts.properties).changes:
            return False
        return agree(graph, unified) and first_of(graph, unified, self._before, "graph") is not None

    def _aligned(self, graph: Sequence[Candidate], unified: Sequence[Candidate], *, alike: bool) -> list[Pair]:
        """As many pairs as can be in the order of time, and of these the closest. Both lists are in that order."""
        cost: dict[tuple[int, int], int] = {
            (row, column): abs(one.time_ms - other.time_ms)
            for (row, one), (column, other) in product(enumerate(graph), enumerate(unified))
            if self._fit(one, other, alike=alike)
        }
        return [(graph[row], unified[column]) for row, column in _cheapest(len(graph), len(unified), cost)]


def _buckets(keyed: Iterable[tuple[str | frozenset[str], Candidate]]) -> list[list[Candidate]]:
    """Candidates by key, those of both lanes: what few share first, in an order that depends on nothing but them."""
    found: dict[str | frozenset[str], list[Candidate]] = defaultdict(list)
    for key, one in keyed:
        found[key].append(one)
    both = [bucket for bucket in found.values() if len({one.facts.lane for one in bucket}) > 1]
    return sorted(both, key=lambda bucket: (len(bucket), [_order(one) for one in bucket]))


@lru_cache(maxsize=4096)
def _properties(entries: tuple[str, ...]) -> _Properties:
    by_name: dict[str, set[str]] = defaultdict(set)
    changes: set[str] = set()
    whole = True
    for entry in entries:
        name, mark, value = (*entry.partition(":"),) if ":" in entry else (*entry.partition("="),)
        if mark == ":":
            changes.add(entry)
        if entry.startswith("*:"):
            whole = False
        else:
            by_name[name].add(value)
    return _Properties(frozenset(changes), {name: frozenset(values) for name, values in by_name.items()}, whole)


def _cheapest(rows: int, columns: int, cost: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """As many cells as there can be in rising order of row and column, and of these the cheapest."""
    if not cost:
        return []
    # best[row][column]: (cells, minus their cost) among those from there on
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for row, column in product(reversed(range(rows)), reversed(range(columns))):
        best[row][column] = max(best[row + 1][column], best[row][column + 1])
        if (row, column) in cost:
            best[row][column] = max(best[row][column], _with(best[row + 1][column + 1], cost[row, column]))
    found: list[tuple[int, int]] = []
    row = column = 0
    while row < rows and column < columns:
        here = best[row][column]
        if (row, column) in cost and here == _with(best[row + 1][column + 1], cost[row, column]):
            found.append((row, column))
            row, column = row + 1, column + 1
        elif here == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return found


def _with(rest: tuple[int, int], cost: int) -> tuple[int, int]:
    return rest[0] + 1, rest[1] - cost


def _order(candidate: Candidate) -> tuple[int, int]:
    return candidate.time_ms, candidate.id.int

"""Which of two lanes' records are one action. Pure, and the same answer in whatever order the records are given."""

from __future__ import annotations

from collections import defaultdict
from itertools import batched, islice, product
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.twins import TOLERANCE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from aoc_common.contracts.twins import Candidate

type Pair = tuple[Candidate, Candidate]
"""A Graph record and a unified one."""

#: Graph records of one key that are aligned together: the work grows with the square, and attackers can make many.
_ALIGNED: Final = 40


def pairs(candidates: Iterable[Candidate]) -> list[Pair]:
    """One to one: first what shares an id, then what tells the same changes, then what is left, in order of time."""
    by_digest: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_digest[candidate.tenant, candidate.facts.digest].append(candidate)
    found: list[Pair] = []
    for group in by_digest.values():
        graph = sorted((one for one in group if one.facts.lane == "graph"), key=_order)
        unified = sorted((one for one in group if one.facts.lane == "unified"), key=_order)
        if graph and unified:
            found += _of_group(graph, unified)
    return found


def fits(one: Candidate, other: Candidate) -> bool:
    """Whether these two can be one action at all. They are of two lanes and have the same digest."""
    mine, its = one.facts, other.facts
    if abs(one.time_ms - other.time_ms) > TOLERANCE_MS:
        return False
    if mine.ip and its.ip and mine.ip != its.ip:
        return False
    if mine.session and its.session and mine.session != its.session and not _share_a_hint(one, other):
        return False
    return not (mine.told and its.told) or _tell_the_same(one, other)


def _of_group(graph: list[Candidate], unified: list[Candidate]) -> list[Pair]:
    found: list[Pair] = []
    free = {one.id for one in (*graph, *unified)}
    for rule in (_both, _share_a_hint, _tell_the_same, _anything):
        for some in batched(graph, _ALIGNED):
            # Two changes can stand in one order in one lane and in the other order in the other: until none is left.
            while more := _aligned(*_left(some, unified, free), rule):
                found += more
                free -= {one.id for pair in more for one in pair}
    return found


def _left(
    graph: Sequence[Candidate], unified: Sequence[Candidate], free: set[UUID]
) -> tuple[list[Candidate], list[Candidate]]:
    """Those of these Graph records that are free, and the free unified ones of their time."""
    rows = [one for one in graph if one.id in free]
    if not rows:
        return [], []
    low, high = rows[0].time_ms - TOLERANCE_MS, rows[-1].time_ms + TOLERANCE_MS
    columns = (one for one in unified if low <= one.time_ms <= high and one.id in free)
    return rows, list(islice(columns, 2 * _ALIGNED))


def _both(one: Candidate, other: Candidate) -> bool:
    return _share_a_hint(one, other) and _tell_the_same(one, other)


def _share_a_hint(one: Candidate, other: Candidate) -> bool:
    return not set(one.facts.hints).isdisjoint(other.facts.hints)


def _tell_the_same(one: Candidate, other: Candidate) -> bool:
    """Properties that both name have the same values, and there is one. A lane may tell more than the other."""
    mine, its = _values(one), _values(other)
    common = mine.keys() & its.keys()
    return bool(common) and all(mine[name] == its[name] for name in common)


def _anything(one: Candidate, other: Candidate) -> bool:
    del one, other
    return True


def _values(candidate: Candidate) -> dict[str, str]:
    return dict(told.split(":", 1) for told in candidate.facts.told)


def _aligned(
    graph: Sequence[Candidate], unified: Sequence[Candidate], rule: Callable[[Candidate, Candidate], bool]
) -> list[Pair]:
    """As many pairs as can be in the order of time, and of these the closest. Both lists are in that order."""
    cost: dict[tuple[int, int], int] = {
        (row, column): abs(one.time_ms - other.time_ms)
        for (row, one), (column, other) in product(enumerate(graph), enumerate(unified))
        if fits(one, other) and rule(one, other)
    }
    if not cost:
        return []
    rows, columns = len(graph), len(unified)
    # best[row][column]: (pairs, minus the milliseconds between them) among the records from there on
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for row, column in product(reversed(range(rows)), reversed(range(columns))):
        best[row][column] = max(best[row + 1][column], best[row][column + 1])
        if (row, column) in cost:
            best[row][column] = max(best[row][column], _with(best[row + 1][column + 1], cost[row, column]))
    found: list[Pair] = []
    row = column = 0
    while row < rows and column < columns:
        here = best[row][column]
        if (row, column) in cost and here == _with(best[row + 1][column + 1], cost[row, column]):
            found.append((graph[row], unified[column]))
            row, column = row + 1, column + 1
        elif here == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return found


def _with(rest: tuple[int, int], milliseconds: int) -> tuple[int, int]:
    return rest[0] + 1, rest[1] - milliseconds


def _order(candidate: Candidate) -> tuple[int, int]:
    return candidate.time_ms, candidate.id.int

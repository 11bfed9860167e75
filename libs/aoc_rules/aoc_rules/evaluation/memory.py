"""Hits and ends of windows in memory, for a stretch of history that is looked at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aoc_common.store.alert_hits import HitKey
    from aoc_common.store.counted_hits import CountedHit, Stretch
    from aoc_common.store.window_ends import WindowEnd


class MemoryHits:
    """`CountedHitStore` in memory, which knows when it is full: who fills it stops then. `most`: hits that it holds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[HitKey, CountedHit] = {}
        self._by_key: defaultdict[str, list[CountedHit]] = defaultdict(list)

    async def add(self, hits: Sequence[CountedHit]) -> None:
        """Note hits."""
        for hit in hits:
            key = hit.rule, hit.event
            if key not in self._held:
                self._held[key] = hit
                for one in hit.keys:
                    insort(self._by_key[one], hit, key=_time)

    async def within(self, stretch: Stretch, most: int) -> Sequence[CountedHit]:
        """The latest of a stretch, in the order of their time."""
        found: dict[HitKey, CountedHit] = {}
        for key in stretch.keys:
            hits = self._by_key.get(key, [])
            end = bisect_right(hits, stretch.end, key=_time)
            start = max(bisect_left(hits, stretch.start, key=_time), end - most)
            found |= {(hit.rule, hit.event): hit for hit in hits[start:end]}
        return sorted(found.values(), key=_time)[-most:]

    @property
    def full(self) -> bool:
        """Whether it holds as many as it should."""
        return len(self._held) >= self._most

    def of(self, rule: str) -> Iterator[CountedHit]:
        """All of a rule or correlation."""
        return (hit for hit in self._held.values() if hit.rule == rule)


class MemoryEnds:
    """When windows are over, by correlation."""

    def __init__(self) -> None:
        self._held: dict[str, WindowEnd] = {}
        self._due: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)

    async def add(self, ends: Sequence[WindowEnd]) -> None:
        """Note them. One with the same key stays as it was."""
        for end in ends:
            if end.key not in self._held:
                self._held[end.key] = end
                heappush(self._due[end.correlation], (end.due_at, end.key))

    def take(self, correlation: str, until: datetime) -> Iterator[WindowEnd]:
        """Those of a correlation that are due, the earliest first; they are forgotten."""
        due = self._due[correlation]
        while due and due[0][0] <= until:
            yield self._held.pop(heappop(due)[1])


def _time(hit: CountedHit) -> datetime:
    return hit.at

"""Marks of sinks in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.store.sink_marks import MOST_MARKS

if TYPE_CHECKING:
    from aoc_common.contracts.sink_states import Mark


class MemorySinkMarks:
    """`SinkMarkStore` in memory. `writes`: how many there were."""

    def __init__(self) -> None:
        self._marks: dict[tuple[str, str, str], Mark] = {}
        self.writes = 0

    async def of(self, sink: str) -> list[Mark]:
        return [mark for (whose, _, _), mark in self._marks.items() if whose == sink]

    async def put(self, sink: str, mark: Mark) -> None:
        self.writes += 1
        self._marks[sink, mark.replica, mark.lane] = mark

    async def prune(self, sink: str) -> None:
        for lane in {lane for whose, _, lane in self._marks if whose == sink}:
            there = [key for key in self._marks if key[0] == sink and key[2] == lane]
            for key in sorted(there, key=lambda key: self._marks[key].position, reverse=True)[MOST_MARKS:]:
                del self._marks[key]

    async def forget(self, sink: str) -> None:
        for key in [key for key in self._marks if key[0] == sink]:
            del self._marks[key]

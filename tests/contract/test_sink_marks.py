"""Marks of sinks are kept for each replica and lane, and the furthest ones for good."""

from __future__ import annotations

import pytest

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Mark
from aoc_common.store.mongo.sink_marks import MongoSinkMarks
from aoc_common.store.sink_marks import MOST_MARKS, SinkMarkStore
from marking import MemorySinkMarks


@pytest.fixture(params=["memory", "mongo"])
def marks(request: pytest.FixtureRequest) -> SinkMarkStore:
    if request.param == "memory":
        return MemorySinkMarks()
    return MongoSinkMarks(request.getfixturevalue("database"))


async def test_a_replica_has_one_mark_in_a_lane_and_only_the_furthest_stay(marks: SinkMarkStore) -> None:
    def mark(number: int, lane: str = "events") -> Mark:
        return Mark(f"replica-{number}", lane, Position("a", number))

    for number in range(MOST_MARKS + 3):
        await marks.put("siem", mark(number))
    await marks.put("siem", mark(0, "alerts"))
    await marks.put("other", mark(0))
    moved = Mark("replica-0", "events", Position("b", 1))
    await marks.put("siem", moved)
    await marks.prune("siem")

    kept = [moved, mark(0, "alerts"), *(mark(number) for number in range(4, MOST_MARKS + 3))]
    assert set(await marks.of("siem")) == set(kept)
    assert list(await marks.of("other")) == [mark(0)]

    await marks.forget("siem")
    assert (list(await marks.of("siem")), list(await marks.of("other"))) == ([], [mark(0)])

"""Checkpoints of readers of AOC_EVENTS, on any MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from aoc_common.contracts.publications import END, Position, Range
from aoc_common.contracts.reading import Checkpoint, Hole, UnnotedHole
from aoc_common.store.mongo.readers import MongoReaders

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
PLACE = Position("20261101T000000.000000Z", 41)
HOLE = Hole("dropped", AT, PLACE, replace(PLACE, sequence=END), PLACE, 1, 2, 3, AT)
STATE = Checkpoint(
    "alerting", PLACE, 7, 1, HOLE, (UnnotedHole(Range(PLACE.incarnation, 1, 9), AT),), (HOLE, HOLE), "me", AT
)


async def test_a_checkpoint_is_read_as_it_was_written(database) -> None:
    readers = MongoReaders(database)
    assert await readers.read("alerting") is None
    assert await readers.write(STATE)

    assert await readers.read("alerting") == replace(STATE, revision=1)


async def test_of_two_writers_that_read_the_same_one_wins(database) -> None:
    readers = MongoReaders(database)
    begun = [await readers.write(STATE), await readers.write(replace(STATE, head=9))]
    read = await readers.read("alerting")
    won = await asyncio.gather(*(readers.write(replace(read, head=head)) for head in range(10, 15)))

    assert begun == [True, False]
    assert sum(won) == 1
    assert (await readers.read("alerting")).head == 10 + won.index(True)


async def test_checkpoints_are_apart_and_listed_by_name(database) -> None:
    readers = MongoReaders(database)
    for name in ("b", "a"):
        await readers.write(Checkpoint(name, PLACE))

    assert [(one.name, one.hole, one.past) for one in await readers.all()] == [("a", None, ()), ("b", None, ())]

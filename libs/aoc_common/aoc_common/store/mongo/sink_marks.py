"""The `sink_marks` collection: a document for each sink, replica and lane."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Mark
from aoc_common.store.mongo.client import Database, translated
from aoc_common.store.sink_marks import MOST_MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence


class MongoSinkMarks:
    """`SinkMarkStore` over `sink_marks`."""

    def __init__(self, database: Database) -> None:
        self._marks = database["sink_marks"]

    async def of(self, sink: str) -> Sequence[Mark]:
        """Every mark of a sink."""
        with translated("sink marks"):
            return [
                Mark(document["replica"], document["lane"], Position(**document["position"]))
                async for document in self._marks.find({"sink": sink})
            ]

    async def put(self, sink: str, mark: Mark) -> None:
        """One document for each replica and lane."""
        with translated("sink marks"):
            document = {"sink": sink, **asdict(mark)}
            await self._marks.replace_one({"_id": _key(sink, mark)}, document, upsert=True)

    async def prune(self, sink: str) -> None:
        """The furthest ones of each lane stay."""
        lanes: defaultdict[str, list[Mark]] = defaultdict(list)
        for mark in await self.of(sink):
            lanes[mark.lane].append(mark)
        ordered = (sorted(marks, key=lambda mark: mark.position, reverse=True) for marks in lanes.values())
        if passed := [_key(sink, mark) for marks in ordered for mark in marks[MOST_MARKS:]]:
            with translated("sink marks"):
                await self._marks.delete_many({"_id": {"$in": passed}})

    async def forget(self, sink: str) -> None:
        """Remove a sink's marks."""
        with translated("sink marks"):
            await self._marks.delete_many({"sink": sink})


def _key(sink: str, mark: Mark) -> str:
    return f"{sink}/{mark.replica}/{mark.lane}"

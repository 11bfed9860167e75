"""Slices that were begun and never ended, and whose time others have collected since."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING

from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.ledger import abandoned
from aoc_common.store.overtaken import Overtaken
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_UNFINISHED: Final = {"$in": [SliceState.OPEN.value, SliceState.FAILED.value]}


class MongoOvertaken:
    """`OvertakenStore` over `ledger_slices`, `sources` and `backlog`."""

    def __init__(self, database: Database) -> None:
        self._slices = database["ledger_slices"]
        self._sources = database["sources"]
        self._backlog = database["backlog"]

    async def overtaken(self, after: str, limit: int) -> tuple[list[Overtaken], str]:
        """Of the next `limit` unfinished slices behind `after`, those whose time is collected; and where to go on.

        Collected is what lies before its source's position and in no stretch that is still to be collected. The second
        is empty at the end.
        """
        query: Document = {"state": _UNFINISHED, "_id": {"$gt": after}}
        fields = dict.fromkeys(("tenant", "source", "start", "end", "attempts"), 1)
        with translated("ledger"):
            documents = await self._slices.find(query, fields).sort("_id", ASCENDING).limit(limit).to_list(None)
            keys = sorted({f"{document['tenant']}/{document['source']}" for document in documents})
            positions: dict[str, datetime] = {}
            for some in batched(keys, BATCH_SIZE):
                async for source in self._sources.find({"_id": {"$in": list(some)}}, {"position": 1}):
                    if source.get("position") is not None:
                        positions[source["_id"]] = source["position"]
            behind = [document for document in documents if _position(document, positions) is not None]
            stretches = await self._open_stretches({document["tenant"] for document in behind})
        done = [
            Overtaken(document["_id"], document.get("attempts", 0))
            for document in behind
            if not any(_covers(stretch, document) for stretch in stretches)
        ]
        return done, documents[-1]["_id"] if len(documents) == limit else ""

    async def close(self, slices: Sequence[Overtaken], at: datetime) -> int:
        """Close those that nobody has tried again since; what they published counts. How many."""
        closed = 0
        with translated("ledger"):
            for overtaken in slices:
                same = {"_id": overtaken.slice_id, "state": _UNFINISHED, "attempts": overtaken.attempts}
                closed += (await self._slices.update_one(same, abandoned(at))).modified_count
        return closed

    async def _open_stretches(self, tenants: set[str]) -> list[Document]:
        fields = dict.fromkeys(("tenant", "source", "done_until", "end"), 1)
        stretches: list[Document] = []
        for some in batched(sorted(tenants), BATCH_SIZE):
            stretches += await self._backlog.find({"tenant": {"$in": list(some)}, "open": True}, fields).to_list(None)
        return stretches


def _position(document: Document, positions: dict[str, datetime]) -> datetime | None:
    position = positions.get(f"{document['tenant']}/{document['source']}")
    return position if position is not None and document["end"] <= position else None


def _covers(stretch: Document, document: Document) -> bool:
    same_source = (stretch["tenant"], stretch["source"]) == (document["tenant"], document["source"])
    return same_source and bool(stretch["done_until"] < document["end"] and document["start"] < stretch["end"])

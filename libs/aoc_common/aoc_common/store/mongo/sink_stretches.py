"""The `sink_stretches` collection: changed by compare-and-set on `revision`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Stretch
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence


class MongoSinkStretches:
    """`SinkStretchStore` over `sink_stretches`."""

    def __init__(self, database: Database) -> None:
        self._stretches = database["sink_stretches"]

    async def of(self, sink: str) -> Sequence[Stretch]:
        """Every stretch of a sink, by key."""
        with translated("sink stretches"):
            found = self._stretches.find({"sink": sink}).sort("_id", ASCENDING)
            return [_stretch(document) async for document in found]

    async def put(self, stretch: Stretch) -> Stretch | None:
        """Compare and set."""
        stored = replace(stretch, revision=stretch.revision + 1)
        document = asdict(stored) | {"_id": stretch.key}
        del document["key"]
        with translated("sink stretches"):
            if stretch.revision:
                query = {"_id": stretch.key, "revision": stretch.revision}
                done = await self._stretches.replace_one(query, document)
                return stored if done.matched_count else None
            try:
                await self._stretches.insert_one(document)
            except DuplicateKeyError:
                return None
        return stored

    async def forget(self, sink: str) -> None:
        """Remove a sink's stretches."""
        with translated("sink stretches"):
            await self._stretches.delete_many({"sink": sink})


def _stretch(document: Document) -> Stretch:
    held: dict[str, Any] = {name: value for name, value in document.items() if name != "_id"}
    for name in ("since", "position", "upto"):
        held[name] = None if held[name] is None else Position(**held[name])
    return Stretch(key=document["_id"], **held)

"""The `readers` collection: a checkpoint for each reader, changed by compare-and-set on `revision`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.publications import Position, Range
from aoc_common.contracts.reading import Checkpoint, Hole, UnnotedHole
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping


class MongoReaders:
    """`CheckpointStore` over `readers`."""

    def __init__(self, database: Database) -> None:
        self._readers = database["readers"]

    async def read(self, name: str) -> Checkpoint | None:
        """The checkpoint of a reader; None when there is none."""
        with translated("readers"):
            document = await self._readers.find_one({"_id": name})
        return None if document is None else _state(document)

    async def write(self, state: Checkpoint) -> bool:
        """Compare and set."""
        document = asdict(state) | {"_id": state.name, "revision": state.revision + 1}
        del document["name"]
        with translated("readers"):
            if state.revision:
                query = {"_id": state.name, "revision": state.revision}
                return bool((await self._readers.replace_one(query, document)).matched_count)
            try:
                await self._readers.insert_one(document)
            except DuplicateKeyError:
                return False
        return True

    async def forget(self, name: str) -> None:
        """Remove the checkpoint of a reader that is gone for good."""
        with translated("readers"):
            await self._readers.delete_one({"_id": name})

    async def all(self) -> list[Checkpoint]:
        """Every checkpoint, by name."""
        with translated("readers"):
            return [_state(document) async for document in self._readers.find().sort("_id", ASCENDING)]


def _state(document: Document) -> Checkpoint:
    held: dict[str, Any] = {name: value for name, value in document.items() if name != "_id"}
    return Checkpoint(
        **held
        | {
            "name": document["_id"],
            "position": Position(**document["position"]),
            "hole": None if document["hole"] is None else _hole(document["hole"]),
            "sought": tuple(UnnotedHole(Range(**sought["range"]), sought["since"]) for sought in document["sought"]),
            "past": tuple(_hole(hole) for hole in document["past"]),
        }
    )


def _hole(document: Mapping[str, Any]) -> Hole:
    return Hole(**{**document, **{name: Position(**document[name]) for name in ("after", "upto", "then")}})

"""The `sinks` collection: a document a sink, changed by compare-and-set on `revision`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.sink_states import SinkRecord
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence


class MongoSinks:
    """`SinkStore` over `sinks`."""

    def __init__(self, database: Database) -> None:
        self._sinks = database["sinks"]

    async def all(self) -> Sequence[SinkRecord]:
        """Every sink, by name."""
        with translated("sinks"):
            return [_record(document) async for document in self._sinks.find().sort("_id", ASCENDING)]

    async def get(self, name: str) -> SinkRecord | None:
        """One sink."""
        with translated("sinks"):
            document = await self._sinks.find_one({"_id": name})
        return None if document is None else _record(document)

    async def put(self, record: SinkRecord) -> bool:
        """Compare and set."""
        document: Document = {
            "_id": record.name,
            "revision": record.revision,
            "settings": dict(record.settings),
            "changed_at": record.changed_at,
            "changed_by": record.changed_by,
        }
        with translated("sinks"):
            if record.revision > 1:
                query = {"_id": record.name, "revision": record.revision - 1}
                return bool((await self._sinks.replace_one(query, document)).matched_count)
            try:
                await self._sinks.insert_one(document)
            except DuplicateKeyError:
                return False
        return True

    async def remove(self, name: str) -> bool:
        """Remove a sink."""
        with translated("sinks"):
            return bool((await self._sinks.delete_one({"_id": name})).deleted_count)


def _record(document: Document) -> SinkRecord:
    return SinkRecord(
        document["_id"], document["revision"], document["settings"], document["changed_at"], document["changed_by"]
    )

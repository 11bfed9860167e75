"""The `events` collection: mapping stored records again, in place. Nothing is published by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts import ids
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.events import duplicates, page_of, to_document
from aoc_common.store.renewals import StoredRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_common.contracts.event import Event

#: What an event keeps when its record is mapped again.
_KEPT: Final = ("_id", "page", "expire_at")
_FIELDS: Final = dict.fromkeys(
    ("source", "raw", "page", "raw_seq", "expire_at", "mapper", "mapper_version", "event.metadata"), 1
)
_NOTHING: Final = timedelta()
_OPTIONAL: Final = ("actor", "ip", "correlation_id", "tags", "unmapped", "unnamed", "twin_key", "twin_facts")


class MongoRenewal:
    """`EventRenewal` over `events`, and reading everything."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]

    async def batches(self, tenant: str, size: int) -> AsyncGenerator[list[StoredRecord]]:
        """All records of a tenant, in no order. One cursor: it may show an event again that `renew` has moved."""
        found: list[StoredRecord] = []
        with translated("events"):
            async for document in self._events.find({"tenant": check_tenant(tenant)}, _FIELDS).batch_size(size):
                found.append(_record(document))
                if len(found) == size:
                    yield found
                    found = []
        if found:
            yield found

    async def unnamed(self, tenant: str, keys: Sequence[str], limit: int) -> list[StoredRecord]:
        """Records whose events have one of these ids without a name."""
        wanted = {"tenant": check_tenant(tenant), "unnamed": {"$in": list(keys)}}
        with translated("events"):
            return [_record(document) async for document in self._events.find(wanted, _FIELDS).limit(limit)]

    async def renew(self, pairs: Sequence[tuple[StoredRecord, Event]]) -> None:
        """Write renewed events. Idempotent; one whose identity changed moves to its new id."""
        writes: list[Any] = []
        for record, event in pairs:
            event.ocsf["metadata"]["processed_time"] = record.processed_ms
            document = to_document(event, record.page, record.expire_at, _NOTHING)
            if event.id == record.id:
                values = {name: value for name, value in document.items() if name not in _KEPT}
                gone = {name: "" for name in _OPTIONAL if name not in values}
                change: Document = {"$set": values} | ({"$unset": gone} if gone else {})
                writes.append(UpdateOne({"_id": record.id, "tenant": event.tenant}, change))
            else:
                writes += [InsertOne(document), DeleteOne({"_id": record.id, "tenant": event.tenant})]
        if not writes:
            return
        with translated("events"):
            try:
                await self._events.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                # A moved event can be there already; any other refusal is raised.
                duplicates(error.details)


def _record(document: Document) -> StoredRecord:
    metadata = document["event"]["metadata"]
    return StoredRecord(
        id=document["_id"],
        source=document["source"],
        raw=document["raw"],
        page=page_of(document),
        logged=ids.from_ms(metadata["logged_time"]),
        processed_ms=metadata.get("processed_time", metadata["logged_time"]),
        expire_at=document["expire_at"],
        mapper=document["mapper"],
        mapper_version=document["mapper_version"],
    )

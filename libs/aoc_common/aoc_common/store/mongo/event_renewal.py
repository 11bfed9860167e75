"""The `events` collection: mapping stored records again, in place. Nothing is published by it."""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts import ids
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import TOGETHER, Database, Document, translated
from aoc_common.store.mongo.event_versions import version_key
from aoc_common.store.mongo.events import duplicates, page_of, to_document
from aoc_common.store.mongo.moved_twins import MovedTwins
from aoc_common.store.renewals import StoredRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_common.contracts.event import Event

#: What an event keeps when its record is mapped again, if it has it.
_KEPT: Final = ("page", "raw_seq", "origin", "text", "expire_at", "forget_at", "version", "versions", "twin_of", "twin")
_FIELDS: Final = dict.fromkeys(("source", "raw", "mapper", "mapper_version", "event.metadata", *_KEPT), 1)
_NOTHING: Final = timedelta()
_OPTIONAL: Final = ("actor", "ip", "correlation_id", "tags", "unmapped", "unnamed", "twin_key", "twin_facts")


class MongoRenewal:
    """`EventRenewal` over `events`, and reading everything."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._twins = MovedTwins(database)

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
        # The ids first: the local server takes the index of the first field that has one.
        wanted = {"unnamed": {"$in": list(keys)}, "tenant": check_tenant(tenant)}
        with translated("events"):
            return [_record(document) async for document in self._events.find(wanted, _FIELDS).limit(limit)]

    async def renew(self, pairs: Sequence[tuple[StoredRecord, Event]]) -> None:
        """Write renewed events. Idempotent; one whose identity changed moves to its new id.

        An event that moves is there under its new id, with all its versions and its twin, before any of the old ones
        goes. Where the new id is another record's already, or another one's twin, the old event stays.
        """
        moving: list[tuple[StoredRecord, Document]] = []
        writes: list[Any] = []
        versions: list[Any] = []
        for record, event in pairs:
            event.ocsf["metadata"]["processed_time"] = record.processed_ms
            document = to_document(event, record.page, record.expire_at, _NOTHING)
            if record.id not in {event.id, *event.former, ids.beside(event.id, event.operation)}:
                moving.append((record, {**document, **record.kept}))
                continue
            change = _in_place(document, record)
            # Not where another version is shown by now, or the text was repaired: it is another text.
            as_read = {name: record.kept.get(name) for name in ("version", "text")}
            writes.append(UpdateOne({"_id": record.id, "tenant": event.tenant, **as_read}, change))
            if "version" in record.kept:
                of_version = {"_id": version_key(record.id, record.kept["version"]), "text": as_read["text"]}
                versions.append(UpdateOne(of_version, change))
        with translated("events"):
            if writes:
                await self._events.bulk_write(writes, ordered=False)
            if versions:
                await self._versions.bulk_write(versions, ordered=False)
            for together in batched(moving, TOGETHER):
                await self._move(together)

    async def _move(self, moving: Sequence[tuple[StoredRecord, Document]]) -> None:
        """Raises `Permanent` for an event that its new id cannot hold, with nothing deleted."""
        try:
            await self._events.insert_many([document for _, document in moving], ordered=False)
        except BulkWriteError as error:
            # A moved event can be there already, of a try that was cut off; any other refusal is raised.
            duplicates(error.details)
        wanted = {"_id": {"$in": [document["_id"] for _, document in moving]}}
        there = {one["_id"]: one["raw"] async for one in self._events.find(wanted, {"raw": 1}) if "raw" in one}
        moved = {
            record.id: document["_id"] for record, document in moving if there.get(document["_id"]) == document["raw"]
        }
        moved, as_read = await self._twins.follow(moved)
        if not moved:
            return
        old = await self._versions.find({"event_id": {"$in": list(moved)}}).to_list(None)
        copies = [
            {**one, "_id": version_key(moved[one["event_id"]], one["number"]), "event_id": moved[one["event_id"]]}
            for one in old
        ]
        if copies:
            try:
                await self._versions.insert_many(copies, ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)
            await self._versions.delete_many({"_id": {"$in": [one["_id"] for one in old]}})
        # Not one that has got a twin since: the next run moves it with that.
        await self._events.bulk_write([DeleteOne({"_id": one, **as_read[one]}) for one in moved], ordered=False)


def _in_place(document: Document, record: StoredRecord) -> Document:
    """Of an event with versions the search terms are those of all: none is taken away."""
    left = {"_id", *_KEPT} | ({"terms"} if "version" in record.kept else set())
    values = {name: value for name, value in document.items() if name not in left}
    gone = {name: "" for name in _OPTIONAL if name not in values}
    change: Document = {"$set": values} | ({"$unset": gone} if gone else {})
    return change | ({"$addToSet": {"terms": {"$each": document["terms"]}}} if "terms" in left else {})


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
        kept={name: document[name] for name in _KEPT if name in document},
    )

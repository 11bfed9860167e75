"""The `events` collection: mapping stored records again, in place. Nothing is published by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts import ids
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.event_notes import move_notes
from aoc_common.store.mongo.event_outline import MongoOutline
from aoc_common.store.mongo.event_versions import version_key
from aoc_common.store.mongo.events import OPTIONAL, duplicates, page_of, to_document
from aoc_common.store.mongo.moved_twins import MovedTwins
from aoc_common.store.mongo.publications import RETENTION
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.store.renewals import StoredRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.event import Event

#: What an event keeps when its record is mapped again, if it has it.
_STORED_FIELDS: Final = (
    "page",
    "raw_seq",
    "origin",
    "text",
    "expire_at",
    "forget_at",
    "version",
    "versions",
    "twin_of",
    "twin",
)
#: What a record is read with.
RECORD_FIELDS: Final = dict.fromkeys(("source", "raw", "mapper", "mapper_version", "event", *_STORED_FIELDS), 1)
_NOTHING: Final = timedelta()
_NO_SPELLINGS: Final[Mapping[UUID, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ConflictingRecord:
    """A stored record under the id that another one would have today."""

    id: UUID
    source: str
    raw: str
    logged: datetime


class MongoRenewal:
    """`EventRenewal` over `events`, and reading everything."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._forwards = database["moved_events"]
        self._twins = MovedTwins(database)
        self._vocabulary = MongoVocabulary(database)
        self._outline = MongoOutline(database)
        self._clock = clock or SystemClock()

    async def batches(self, tenant: str, size: int) -> AsyncGenerator[list[StoredRecord]]:
        """All records of a tenant, in no order, then the versions of them that are not shown.

        A cursor each: it may show an event again that `renew` has moved.
        """
        of_tenant = {"tenant": check_tenant(tenant)}
        records: list[StoredRecord] = []
        with translated("events"):
            async for document in self._events.find(of_tenant, RECORD_FIELDS).batch_size(size):
                records.append(stored_record(document))
                if len(records) == size:
                    yield records
                    records = []
        if records:
            yield records
        async for past in self._past(of_tenant, size):
            yield past

    async def _past(self, of_tenant: Document, size: int) -> AsyncGenerator[list[StoredRecord]]:
        fields = {**RECORD_FIELDS, "event_id": 1, "number": 1}
        documents: list[Document] = []
        with translated("event_versions"):
            async for document in self._versions.find(of_tenant, fields).batch_size(size):
                documents.append(document)
                if len(documents) == size:
                    yield await self._not_shown(documents)
                    documents = []
            if documents:
                yield await self._not_shown(documents)

    async def _not_shown(self, versions: Sequence[Document]) -> list[StoredRecord]:
        query = {"_id": {"$in": [version["event_id"] for version in versions]}}
        shown = {event["_id"]: event.get("version", 1) async for event in self._events.find(query, {"version": 1})}
        return [
            stored_record({**version, "_id": version["event_id"], "version": version["number"]}, past=True)
            for version in versions
            if version["number"] != shown.get(version["event_id"], version["number"])
        ]

    async def unnamed(self, tenant: str, keys: Sequence[str], limit: int) -> list[StoredRecord]:
        """Records whose events have one of these ids without a name."""
        # The ids first: the local server takes the index of the first field that has one.
        query = {"unnamed": {"$in": list(keys)}, "tenant": check_tenant(tenant)}
        with translated("events"):
            return [stored_record(document) async for document in self._events.find(query, RECORD_FIELDS).limit(limit)]

    async def renew(self, pairs: Sequence[tuple[StoredRecord, Event]]) -> int:
        """Write renewed events; how many have moved. Idempotent; one whose identity changed moves to its new id.

        An event that moves is there under its new id, with all its versions and its twin, before any of the old ones
        goes. Where the new id is another record's already, or another one's twin, the event stays under its old one.
        """
        moving: list[tuple[StoredRecord, Document]] = []
        staying: list[tuple[StoredRecord, Document]] = []
        for record, event in pairs:
            event.ocsf["metadata"]["processed_time"] = record.processed_ms
            document = to_document(event, record.page, record.expire_at, _NOTHING)
            self._vocabulary.note(event.tenant, event.terms, record.expire_at)
            self._outline.note_document(document)
            same = {event.id, *event.former, *event.kin}
            same |= {ids.beside(id_, event.operation) for id_ in same}
            if record.past or record.id in same:
                staying.append((record, document))
            else:
                moving.append((record, {**document, **record.stored_fields}))
        moved: set[UUID] = set()
        await self._vocabulary.write()
        await self._outline.write()
        with translated("events"):
            await self._write(staying)
            for together in batched(moving, BATCH_SIZE):
                moved |= await self._move(together)
            await self._write([pair for pair in moving if pair[0].id not in moved])
        return len(moved)

    async def rivals(self, tenant: str, wanted: Collection[UUID]) -> dict[UUID, ConflictingRecord]:
        """The records that are stored under these ids."""
        query = {"_id": {"$in": list(wanted)}, "tenant": check_tenant(tenant), "raw": {"$exists": True}}
        fields = {"raw": 1, "source": 1, "event.metadata.logged_time": 1}
        with translated("events"):
            return {
                found["_id"]: ConflictingRecord(
                    found["_id"], found["source"], found["raw"], ids.from_ms(found["event"]["metadata"]["logged_time"])
                )
                async for found in self._events.find(query, fields)
            }

    async def merge(self, same: Sequence[tuple[StoredRecord, Event, ConflictingRecord]]) -> int:
        """Remove events whose record is stored under another id too, which takes over their twins; how many are gone.

        Each with the event that today's mappers make of it, and the record under that event's id. Idempotent. One stays
        whose other id holds another text by now, or is another one's twin already.
        """
        gone: set[UUID] = set()
        with translated("events"):
            for together in batched(same, BATCH_SIZE):
                moving = []
                for record, event, _ in together:
                    event.ocsf["metadata"]["processed_time"] = record.processed_ms
                    document = to_document(event, record.page, record.expire_at, _NOTHING)
                    moving.append((record, {**document, **record.stored_fields}))
                gone |= await self._move(moving, {record.id: rival.raw for record, _, rival in together})
        return len(gone)

    async def _write(self, staying: Sequence[tuple[StoredRecord, Document]]) -> None:
        """Renew events and versions where they are."""
        events: list[Any] = []
        versions: list[Any] = []
        for record, document in staying:
            change = _in_place(document, record)
            # Not where another version is shown by now, or a whole text is in the place of a damaged one.
            read = {"tenant": document["tenant"], "text": record.stored_fields.get("text")}
            if record.past:
                every = {"$addToSet": {"terms": {"$each": document["terms"]}}}
                events.append(UpdateOne({"_id": record.id, "tenant": document["tenant"]}, every))
            else:
                events.append(
                    UpdateOne({"_id": record.id, "version": record.stored_fields.get("version"), **read}, change)
                )
            if "version" in record.stored_fields:
                versions.append(
                    UpdateOne({"_id": version_key(record.id, record.stored_fields["version"]), **read}, change)
                )
        if events:
            await self._events.bulk_write(events, ordered=False)
        if versions:
            await self._versions.bulk_write(versions, ordered=False)

    async def _move(
        self, moving: Sequence[tuple[StoredRecord, Document]], spelt: Mapping[UUID, str] = _NO_SPELLINGS
    ) -> set[UUID]:
        """Those that are gone from their old ids. Raises `Permanent` for one that its new id cannot hold.

        `spelt`: of an event, the other text that says the same, under its new id.
        """
        try:
            await self._events.insert_many([document for _, document in moving], ordered=False)
        except BulkWriteError as error:
            # A moved event can be there already, of a try that was cut off; any other refusal is raised.
            duplicates(error.details)
        query = {"_id": {"$in": [document["_id"] for _, document in moving]}}
        there = {event["_id"]: event["raw"] async for event in self._events.find(query, {"raw": 1}) if "raw" in event}
        moved = {
            record.id: document["_id"]
            for record, document in moving
            if there.get(document["_id"]) in {document["raw"], spelt.get(record.id, document["raw"])}
        }
        moved, as_read = await self._twins.follow(moved)
        if not moved:
            return set()
        old = await self._versions.find({"event_id": {"$in": list(moved)}}).to_list(None)
        copies = [
            {
                **version,
                "_id": version_key(moved[version["event_id"]], version["number"]),
                "event_id": moved[version["event_id"]],
            }
            for version in old
        ]
        if copies:
            try:
                await self._versions.insert_many(copies, ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)
            await self._versions.delete_many({"_id": {"$in": [version["_id"] for version in old]}})
        await move_notes(self._database, moved)
        await self._forward(moved)
        # Not one that has got a twin since: the next run moves it with that.
        await self._events.bulk_write([DeleteOne({"_id": id_, **as_read[id_]}) for id_ in moved], ordered=False)
        return set(moved)

    async def _forward(self, moved: Mapping[UUID, UUID]) -> None:
        """Say where events went: they were published under their old ids, and may have to be delivered once more."""
        until = self._clock.now() + RETENTION
        writes = [
            UpdateOne({"_id": old}, {"$set": {"to": new, "expire_at": until}}, upsert=True)
            for old, new in moved.items()
        ]
        await self._forwards.bulk_write(writes, ordered=False)


def _in_place(document: Document, record: StoredRecord) -> Document:
    """Of an event with versions the search terms are those of all: none is taken away."""
    unchanged = {"_id", *_STORED_FIELDS} | ({"terms"} if "version" in record.stored_fields else set())
    values = {name: value for name, value in document.items() if name not in unchanged}
    removed = {name: "" for name in OPTIONAL if name not in values}
    change: Document = {"$set": values} | ({"$unset": removed} if removed else {})
    return change | ({"$addToSet": {"terms": {"$each": document["terms"]}}} if "terms" in unchanged else {})


def stored_record(document: Document, *, past: bool = False) -> StoredRecord:
    """The record of a document of `events`, or of `event_versions` under its event's id."""
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
        stored_fields={name: document[name] for name in _STORED_FIELDS if name in document},
        past=past,
        ocsf=document["event"],
    )

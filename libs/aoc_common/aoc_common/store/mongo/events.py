"""The `events` collection: writing.

A document is `_id` (event id), the facets, `terms`, `event` (OCSF, queryable), `unmapped` (JSON text: its keys are the
record's own and would be hostile as field names) and `raw` (the record's own text).
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import bson
import orjson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DocumentTooLarge

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts import ids, twins
from aoc_common.contracts.event import text_digest
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.mongo.client import CODEC, RAW_CODEC, Database, Document, translated
from aoc_common.store.mongo.event_outline import Kind, MongoOutline
from aoc_common.store.mongo.server_kinds import server_of
from aoc_common.store.mongo.vocabulary import MongoVocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from aoc_common.contracts.event import Event
    from aoc_common.contracts.twins import TwinFacts

#: Documents in one insert: large enough to spare round trips, small enough to bound memory and one command's time.
_CHUNK: Final = 500
_DUPLICATE_KEY: Final = 11000
#: What MongoDB says of a document that it will never take: BadValue, InvalidBSON, DollarPrefixedFieldName,
#: InvalidIdField, DocumentValidationFailure, BSONObjectTooLarge, KeyTooLong.
_NEVER: Final = frozenset({2, 22, 52, 53, 121, 10334, 17280})

#: Source -> how long the ids of its events are recognised, though retention be shorter: as long as Microsoft keeps its
#: records, so that a look back or a backfill can give them again.
_REMEMBERED: Final = {
    "graph-intune": timedelta(days=366),
    "graph-alerts": timedelta(days=181),
    # entra-docs, reference-reports-data-retention.md: 90 days with P2;
    # who is at risk, and PIM alerts, are kept without limit.
    "graph-risk-detections": timedelta(days=91),
    "graph-risk-detections-serviceprincipal": timedelta(days=91),
    "graph-risky-users": timedelta(days=366),
    "graph-risky-serviceprincipals": timedelta(days=366),
    "graph-pim-alerts": timedelta(days=366),
}
#: What a file brought any source may bring too, as long after it happened as the most patient of them.
_REMEMBERED_OF_FILES: Final = max(_REMEMBERED.values())
_REMEMBERED_OF_GRAPH: Final = timedelta(days=31)
#: The Management API keeps content for 7 days, and has sent some again after 8.
_REMEMBERED_ELSE: Final = timedelta(days=14)
#: All of an event but what recognises it.
_CONTENT: Final = (
    "tenant", "time", "source", "service", "operation", "result", "terms", "class_uid", "mapper", "mapper_version",
    "event", "raw", "actor", "ip", "correlation_id", "unnamed", "tags", "unmapped", "twin_key", "twin_facts",
    "twin_of", "twin", "version", "versions", "forget_at",
)  # fmt: skip
#: Fields that an event lacks where its record says nothing of the kind.
OPTIONAL: Final = ("actor", "ip", "correlation_id", "tags", "unmapped", "unnamed", "twin_key", "twin_facts")

type Retention = Callable[[str, str], timedelta]
"""(tenant, source) -> how long an event is kept after it was stored."""


def to_document(event: Event, page: str, stored_at: datetime, retention: timedelta) -> Document:
    """The document of an event."""
    document: Document = {
        "_id": event.id,
        "tenant": event.tenant,
        "time": ids.from_ms(event.time_ms),
        "source": event.source,
        "service": event.service,
        "operation": event.operation,
        "result": event.result,
        "terms": list(event.terms),
        "class_uid": event.class_uid,
        "mapper": event.mapper,
        "mapper_version": event.mapper_version,
        "event": event.ocsf,
        "raw": event.raw,
        "page": page,
        "text": event.text or text_digest(event.raw),
        "expire_at": stored_at + retention,
    }
    if event.actor is not None:
        document["actor"] = event.actor
    if event.ip is not None:
        document["ip"] = event.ip
    if event.correlation_id is not None:
        document["correlation_id"] = event.correlation_id
    if event.unnamed:
        document["unnamed"] = list(event.unnamed)
    if event.tags:
        document["tags"] = list(event.tags)
    if event.unmapped:
        document["unmapped"] = orjson.dumps(event.unmapped).decode()
    if (facts := event.twin_facts) is not None:
        document |= twin_fields(facts, event.time_ms)
    return document


def twin_fields(facts: TwinFacts, time_ms: int) -> Document:
    """What the document of an event that can have a twin holds for it; `store.mongo.twins` reads it."""
    stored: Document = {"lane": facts.lane}
    if facts.properties:
        # The name that stored events have it under.
        stored["told"] = list(facts.properties)
    if facts.hints:
        stored["hints"] = list(facts.hints)
    if facts.session is not None:
        stored["session"] = facts.session
    if facts.ip is not None:
        stored["ip"] = facts.ip
    if facts.result != "unknown":
        stored["result"] = facts.result
    return {"twin_key": twins.key(facts, time_ms), "twin_facts": stored}


class MongoEvents:
    """`EventStore` over `events`."""

    def __init__(self, database: Database, retention: Retention, clock: Clock | None = None) -> None:
        self._database = database
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._retention = retention
        self._vocabulary = MongoVocabulary(database)
        self._clock = clock or SystemClock()
        self._outline = MongoOutline(database)
        self._turns: AbstractAsyncContextManager[object] | None = None

    def encoded(self, event: Event, page: str) -> bytes:
        """The event as it will be stored. Raises `Permanent` for one that no document can hold."""
        now = self._clock.now()
        event.ocsf["metadata"]["processed_time"] = ids.to_ms(now)
        retention = self._retention(event.tenant, event.source)
        known = remembered(event.source, event.time_ms, now)
        document = to_document(event, page, now, max(retention, known))
        if retention < known:
            document["forget_at"] = now + retention
        self._vocabulary.note(event.tenant, event.terms, document["expire_at"])
        self._outline.note(
            event.tenant, Kind(event.source, event.service, event.operation, event.result), event.time_ms
        )
        try:
            return bson.encode(document, codec_options=CODEC)
        except (BSONError, OverflowError, ValueError) as error:
            raise Permanent(f"events: a document cannot be stored: {str(error)[:300]}") from error

    def forget_tenant(self, tenant: str) -> None:
        """A tenant was deleted: what this process remembers of it is neither written, nor taken to be there."""
        self._vocabulary.forget_tenant(tenant)
        self._outline.forget_tenant(tenant)

    async def insert(self, events: Sequence[Event], pages: Sequence[str]) -> set[int]:
        """Store events that are not stored yet; the indices of the new ones."""
        return await self.insert_encoded([self.encoded(event, page) for event, page in zip(events, pages, strict=True)])

    async def insert_encoded(self, documents: Sequence[bytes]) -> set[int]:
        """Unordered inserts in chunks; the indices of the documents that were new."""
        await self._outline.write()
        new: set[int] = set()
        await self._vocabulary.write()
        for start in range(0, len(documents), _CHUNK):
            chunk = [RawBSONDocument(document, RAW_CODEC) for document in documents[start : start + _CHUNK]]
            known = await self._insert_chunk(chunk)
            new.update(start + index for index in range(len(chunk)) if index not in known)
        return new

    async def count(self) -> None:
        """Count in the outline what is stored and not counted yet. Raises `Unreachable`."""
        await self._outline.write_all()

    async def _insert_chunk(self, chunk: Sequence[RawBSONDocument]) -> set[int]:
        """Insert; the indices that existed already."""
        try:
            with translated("events"):
                await self._insert_many(chunk)
        except _Known as known:
            return known.indices
        return set()

    async def _insert_many(self, chunk: Sequence[RawBSONDocument]) -> None:
        try:
            async with await self._turn():
                await self._events.insert_many(chunk, ordered=False)
        except BulkWriteError as error:
            raise _Known(duplicates(error.details)) from None
        except DocumentTooLarge as error:
            raise Permanent(f"events: a document cannot be stored: {str(error)[:300]}") from error

    async def _turn(self) -> AbstractAsyncContextManager[object]:
        """What an insert is done within: one after the other, where the server takes longer for several at once."""
        if self._turns is None:
            server = await server_of(self._database)
            self._turns = self._turns or (nullcontext() if server.parallel else asyncio.Lock())
        return self._turns

    def under_id(self, document: bytes, identity: UUID) -> bytes:
        """An encoded event under another id."""
        return bson.encode({**bson.decode(document, codec_options=CODEC), "_id": identity}, codec_options=CODEC)

    async def revive(self, documents: Sequence[bytes]) -> None:
        """Store events of which retention has left the id. Idempotent."""
        decoded = [bson.decode(document, codec_options=CODEC) for document in documents]
        await self._outline.write()
        with translated("events"):
            await self._events.bulk_write(
                [ReplaceOne({"_id": document["_id"], "forgotten": True}, document) for document in decoded],
                ordered=False,
            )

    async def forget(self, now: datetime, tenant: str | None = None) -> int:
        """Remove what retention no longer keeps of (a tenant's) events whose ids are to be recognised; of how many."""
        due: Document = {"forget_at": {"$lte": now}, **({} if tenant is None else {"tenant": tenant})}
        with translated("events"):
            await self._versions.delete_many(due)
            done = await self._events.update_many(
                due, {"$set": {"forgotten": True}, "$unset": dict.fromkeys(_CONTENT, "")}
            )
        return done.modified_count


def remembered(source: str, time_ms: int, stored_at: datetime) -> timedelta:
    """How long the id of an event is recognised after it was stored, however short its retention is."""
    if source == IMPORT_SOURCE:
        since = stored_at - ids.from_ms(time_ms)
        return min(_REMEMBERED_OF_FILES, max(_REMEMBERED_OF_FILES - since, timedelta()))
    return _REMEMBERED.get(source, _REMEMBERED_OF_GRAPH if source.startswith("graph-") else _REMEMBERED_ELSE)


def page_of(document: Document) -> str:
    """The page that an event came from; of one that was stored before pages had ids, `#` and its sequence."""
    return str(document["page"]) if "page" in document else f"#{document['raw_seq']}"


class _Known(Exception):  # noqa: N818  # not an error: the answer "these exist"
    def __init__(self, indices: set[int]) -> None:
        super().__init__()
        self.indices = indices


def duplicates(details: Mapping[str, Any]) -> set[int]:
    """Indices refused as duplicates. Raises `Permanent` or `Unreachable` when any was refused for another reason."""
    errors = details.get("writeErrors", [])
    other = [error for error in errors if error["code"] != _DUPLICATE_KEY] + details.get("writeConcernErrors", [])
    for error in other:
        kind = Permanent if error.get("code") in _NEVER else Unreachable
        raise kind(f"events: {error.get('errmsg', '')[:300]}")
    return {error["index"] for error in errors}

"""Counts over the whole store, for operators' tools. Not for requests: nothing here is bound to one tenant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.ids import to_ms
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """Which record an event was made of. `record_id` is the record's own id (`metadata.uid`)."""

    id: UUID
    tenant: str
    source: str
    record_id: str
    operation: str
    twin_of: UUID | None = None
    twin: UUID | None = None


@dataclass(frozen=True, slots=True)
class StoredStatement(StoredRecord):
    """All that an event in the store says of its record that can be checked; `raw` is the record's own text.

    `ocsf_ms`, `ocsf_class`, `status_id`, `event_code`: from the OCSF event; the others are facets. `processed_ms`: when
    it was stored. `expire_at`: until when its id is known; `forget_at`: until when its content is kept, where that is
    shorter.
    """

    time_ms: int = 0
    ocsf_ms: int = 0
    class_uid: int = 0
    ocsf_class: int = 0
    result: str = ""
    status_id: int = 0
    event_code: str = ""
    actor: str | None = None
    ip: str | None = None
    versions: int = 1
    processed_ms: int = 0
    expire_at: datetime | None = None
    forget_at: datetime | None = None
    raw: str = ""


#: What `statements` reads of an event.
_STATEMENT_FIELDS: Final = (
    "tenant", "source", "operation", "twin_of", "twin", "time", "class_uid", "result", "actor", "ip", "versions",
    "expire_at", "forget_at", "raw", "event.metadata.uid", "event.metadata.event_code", "event.metadata.processed_time",
    "event.time", "event.class_uid", "event.status_id",
)  # fmt: skip


class MongoCensus:
    """Counts and lists over all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(self) -> int:
        """Roughly how many events are stored: from the collection's metadata, so it costs nothing."""
        with translated("census"):
            return int(await self._database["events"].estimated_document_count())

    async def quarantined(self) -> int:
        """How many parts of pages were put aside."""
        with translated("census"):
            return int(await self._database["quarantine"].estimated_document_count())

    async def dead_letters(self) -> int:
        """How many messages were given up and wait for a decision."""
        with translated("census"):
            return int(await self._database["dead_letters"].count_documents({"state": "open"}))

    async def pages(self) -> int:
        """How many raw pages were settled."""
        with translated("census"):
            return int(await self._database["ledger_pages"].estimated_document_count())

    async def accounted(self) -> dict[tuple[str, str], int]:
        """(Tenant, source) -> events stored, as the ledger has it."""
        pipeline: list[Document] = [
            {"$group": {"_id": {"tenant": "$tenant", "source": "$source"}, "stored": {"$sum": "$stored"}}}
        ]
        with translated("census"):
            groups = await self._database["ledger_pages"].aggregate(pipeline).to_list(None)
        return {(group["_id"]["tenant"], group["_id"]["source"]): group["stored"] for group in groups}

    async def texts(self, ids: Collection[UUID]) -> AsyncIterator[tuple[UUID, int, str]]:
        """These events' versions: event, number, and the record's own text as it was then."""
        with translated("census"):
            for some in batched(ids, BATCH_SIZE):
                one_of = {"$in": list(some)}
                async for document in self._database["events"].find({"_id": one_of}, {"raw": 1, "version": 1}):
                    yield document["_id"], document.get("version", 1), document["raw"]
                others = self._database["event_versions"].find({"event_id": one_of})
                async for document in others:
                    yield document["event_id"], document["number"], document["raw"]

    async def put_aside(self) -> AsyncIterator[tuple[str, str]]:
        """Tenant and text of everything that was put aside."""
        with translated("census"):
            async for document in self._database["quarantine"].find({}, {"tenant": 1, "text": 1}):
                yield document["tenant"], document["text"]

    async def records(self) -> AsyncIterator[StoredRecord]:
        """Every stored event's record."""
        fields = {"tenant": 1, "source": 1, "operation": 1, "event.metadata.uid": 1, "twin_of": 1, "twin": 1}
        with translated("census"):
            async for document in self._database["events"].find({}, fields):
                yield StoredRecord(
                    id=document["_id"],
                    tenant=document["tenant"],
                    source=document["source"],
                    record_id=str(document["event"].get("metadata", {}).get("uid", "")),
                    operation=document["operation"],
                    twin_of=document.get("twin_of"),
                    twin=document.get("twin"),
                )

    async def statements(self) -> AsyncIterator[StoredStatement]:
        """Every stored event, with what it says of its record. What retention has emptied says nothing."""
        unforgotten = {"forgotten": {"$exists": False}}
        with translated("census"):
            async for document in self._database["events"].find(unforgotten, dict.fromkeys(_STATEMENT_FIELDS, 1)):
                yield _statement(document)

    async def pages_by_source(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """(Tenant, source) -> raw pages in the ledger; and the later versions that these gave."""
        pages: Counter[tuple[str, str]] = Counter()
        changed: Counter[tuple[str, str]] = Counter()
        with translated("census"):
            async for page in self._database["ledger_pages"].find({}, {"tenant": 1, "source": 1, "changed": 1}):
                pages[page["tenant"], page["source"]] += 1
                changed[page["tenant"], page["source"]] += page.get("changed", 0)
        return pages, changed


def _statement(document: Document) -> StoredStatement:
    event = document["event"]
    metadata = event.get("metadata", {})
    return StoredStatement(
        id=document["_id"],
        tenant=document["tenant"],
        source=document["source"],
        record_id=str(metadata.get("uid", "")),
        operation=document["operation"],
        twin_of=document.get("twin_of"),
        twin=document.get("twin"),
        time_ms=to_ms(document["time"]),
        ocsf_ms=event.get("time", 0),
        class_uid=document["class_uid"],
        ocsf_class=event.get("class_uid", 0),
        result=document["result"],
        status_id=event.get("status_id", 0),
        event_code=str(metadata.get("event_code", "")),
        actor=document.get("actor"),
        ip=document.get("ip"),
        versions=document.get("versions", 1),
        processed_ms=metadata.get("processed_time", 0),
        expire_at=document.get("expire_at"),
        forget_at=document.get("forget_at"),
        raw=document["raw"],
    )

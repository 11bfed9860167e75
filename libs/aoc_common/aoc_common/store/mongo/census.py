"""Counts over the whole store, for operators' tools. Not for requests: nothing here is bound to one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from aoc_common.store.mongo.client import TOGETHER, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
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
            for some in batched(ids, TOGETHER):
                wanted = {"$in": list(some)}
                async for document in self._database["events"].find({"_id": wanted}, {"raw": 1, "version": 1}):
                    yield document["_id"], document.get("version", 1), document["raw"]
                others = self._database["event_versions"].find({"event_id": wanted})
                async for document in others:
                    yield document["event_id"], document["number"], document["raw"]

    async def put_aside(self) -> AsyncIterator[tuple[str, str]]:
        """Tenant and text of everything that was put aside."""
        with translated("census"):
            async for document in self._database["quarantine"].find({}, {"tenant": 1, "text": 1}):
                yield document["tenant"], document["text"]

    async def records(self) -> AsyncIterator[StoredRecord]:
        """Every stored event's record."""
        wanted = {"tenant": 1, "source": 1, "operation": 1, "event.metadata.uid": 1, "twin_of": 1}
        with translated("census"):
            async for document in self._database["events"].find({}, wanted):
                yield StoredRecord(
                    id=document["_id"],
                    tenant=document["tenant"],
                    source=document["source"],
                    record_id=str(document["event"].get("metadata", {}).get("uid", "")),
                    operation=document["operation"],
                    twin_of=document.get("twin_of"),
                )

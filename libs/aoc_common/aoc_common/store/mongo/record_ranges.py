"""Stored records of a stretch of time, in the order of their ids, and how far a work on them has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from pymongo import ASCENDING

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.event_renewal import RECORD_FIELDS, stored_record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_common.store.mongo.client import Database, Document
    from aoc_common.store.renewals import StoredRecord

#: Works of which the position is kept for each tenant, in `upgrades`.
WORKS: Final = ("replay", "dedupe")
_HIGHEST: Final = UUID(int=(1 << 128) - 1)


class MongoRecordRanges:
    """Reads records. An id begins with the time of its event, so a stretch of time is a stretch of ids."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]

    async def batches(
        self, tenant: str, source: str | None, low: UUID | None, high: UUID | None, size: int
    ) -> AsyncGenerator[list[StoredRecord]]:
        """A tenant's records from `low` on (exclusive) and below `high`, each with its versions that are not shown.

        At most `size` events at a time. What retention has left only the id of has no record.
        """
        at = low
        of_source = {} if source is None else {"source": source}
        while True:
            below = {"$lt": _HIGHEST if high is None else high}
            query: Document = {
                "tenant": check_tenant(tenant),
                "_id": below if at is None else {"$gt": at, **below},
                **of_source,
            }
            with translated("events"):
                events = await self._events.find(query, RECORD_FIELDS).sort("_id", ASCENDING).limit(size).to_list(size)
            if not events:
                return
            at = events[-1]["_id"]
            yield [stored_record(event) for event in events if "raw" in event] + await self._past(tenant, events)
            if len(events) < size:
                return

    async def _past(self, tenant: str, events: Sequence[Document]) -> list[StoredRecord]:
        shown = {event["_id"]: event["version"] for event in events if "version" in event}
        if not shown:
            return []
        fields = {**RECORD_FIELDS, "event_id": 1, "number": 1}
        query = {"event_id": {"$in": list(shown)}, "tenant": tenant}
        with translated("event_versions"):
            versions = await self._versions.find(query, fields).to_list(None)
        return [
            stored_record({**version, "_id": version["event_id"], "version": version["number"]}, past=True)
            for version in versions
            if version["number"] != shown[version["event_id"]] and "raw" in version
        ]


class MongoPosition:
    """How far a work on a tenant's records has come: a document of `upgrades`.

    `what`: all that the work depends on. A position that was noted for something else does not count.
    """

    def __init__(self, database: Database, work: str, tenant: str, what: str) -> None:
        self._upgrades = database["upgrades"]
        self._id = f"{work} {check_tenant(tenant)}"
        self._what = what

    async def read(self) -> UUID | None:
        """The last id that is done; None at the beginning."""
        with translated("upgrades"):
            document: Document | None = await self._upgrades.find_one({"_id": self._id, "what": self._what})
        return None if document is None else document["at"]

    async def note(self, at: UUID) -> None:
        """All up to this id is done."""
        with translated("upgrades"):
            await self._upgrades.update_one({"_id": self._id}, {"$set": {"what": self._what, "at": at}}, upsert=True)

    async def forget(self) -> None:
        """The work is done: the next run begins anew."""
        with translated("upgrades"):
            await self._upgrades.delete_one({"_id": self._id})

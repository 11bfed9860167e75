"""Correction of a source's state after a collector's clock was ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.backlog import Cause
from aoc_common.store.clock_corrections import TOO_OLD
from aoc_common.store.mongo.backlog import REMEMBERED
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.review_queues import ItemState

if TYPE_CHECKING:
    from datetime import datetime

#: Slices are at most a week long: one that reaches past a moment begins within this before it.
_LONGEST_SLICE: Final = timedelta(days=8)
_RETENTION: Final = timedelta(days=90)
_TOO_OLD_GAP: Final[Document] = {"reason": {"$regex": f"{TOO_OLD}$"}}
#: The last two: those of the versions before.
_RESCANS: Final = [Cause.LATE.value, "hourly", "daily"]


class MongoClockCorrections:
    """`ClockCorrections` over `sources`, `backlog`, and the slices, gaps and blobs of the ledger."""

    def __init__(self, database: Database) -> None:
        self._sources = database["sources"]
        self._backlog = database["backlog"]
        self._slices = database["ledger_slices"]
        self._gaps = database["ledger_gaps"]
        self._blobs = database["ledger_blobs"]
        self._letters = database["dead_letters"]

    async def noted_ahead(self, tenant: str, after: datetime) -> set[str]:
        """The sources with an open stretch, re-scan, gap or expired content of, or noted at, a time after `after`."""
        of_tenant, later = {"tenant": check_tenant(tenant)}, {"$gt": after}
        ours = {"$ne": Cause.ASKED.value}
        with translated("backlog"):
            return {
                *await self._backlog.distinct("source", {**of_tenant, "open": True, "cause": ours, "end": later}),
                *await self._backlog.distinct("source", {**of_tenant, "cause": {"$in": _RESCANS}, "added_at": later}),
                *await self._gaps.distinct("source", {**of_tenant, "noted_at": later, **_TOO_OLD_GAP}),
                *await self._blobs.distinct("source", {**of_tenant, "state": "expired", "expired_at": later}),
            }

    async def first_in_future(self, tenant: str, source: str, now: datetime) -> datetime | None:
        """The start of the first slice, stretch or gap that ends after `now`."""
        past: Document = {"tenant": check_tenant(tenant), "source": source, "end": {"$gt": now}}
        with translated("backlog"):
            stretch = await self._backlog.find_one({**past, "cause": Cause.BEHIND.value}, sort=[("start", ASCENDING)])
            slice_ = await self._slices.find_one(
                {**past, "start": {"$gte": now - _LONGEST_SLICE}}, sort=[("start", ASCENDING)]
            )
            gap = await self._gaps.find_one(
                {"tenant": tenant, "source": source, "noted_at": {"$gt": now}, **_TOO_OLD_GAP},
                sort=[("start", ASCENDING)],
            )
        starts: list[datetime] = [document["start"] for document in (stretch, slice_, gap) if document]
        return min(starts, default=None)

    async def withdraw(self, tenant: str, source: str, now: datetime) -> None:
        """Stretches that reach past `now` are closed; re-scans of the future, and gaps noted there, are forgotten.

        The dead letters of such gaps are settled: their time is collected.
        """
        of_source: Document = {"tenant": check_tenant(tenant), "source": source}
        ours = {"cause": {"$ne": Cause.ASKED.value}, "end": {"$gt": now}, "open": True}
        with translated("backlog"):
            # By their names they would count as done when their time comes.
            await self._backlog.delete_many({**of_source, "cause": {"$in": _RESCANS}, "added_at": {"$gt": now}})
            # Kept for a while: they tell from where on there is doubt, should this be done again.
            await self._backlog.update_many(
                {**of_source, **ours}, {"$set": {"open": False, "withdrawn_at": now, "expire_at": now + REMEMBERED}}
            )
            # What that clock took for too old is to be had still, or will be found to be gone once more. The letters
            # first: it is by the gaps that this is done again after a crash.
            letters = {**of_source, "state": ItemState.OPEN.value, "failed_at": {"$gt": now}, **_TOO_OLD_GAP}
            await self._letters.update_many(letters, {"$set": {"state": ItemState.RETRIED.value, "decided_at": now}})
            await self._gaps.delete_many({**of_source, "noted_at": {"$gt": now}, **_TOO_OLD_GAP})
            expired = {**of_source, "state": "expired", "expired_at": {"$gt": now}}
            listed = {"state": "listed", "next_try_at": now, "expire_at": now + _RETENTION}
            await self._blobs.update_many(expired, {"$set": listed, "$unset": {"expired_at": ""}})

    async def pull_back(self, tenant: str, source: str, before: datetime, position: datetime, now: datetime) -> bool:
        """Move the position back to `position` if it still is `before`; times after `now` become `now`."""
        identity = f"{check_tenant(tenant)}/{source}"
        with translated("sources"):
            moved = await self._sources.update_one(
                {"_id": identity, "position": before}, {"$set": {"position": position}}
            )
            if not moved.modified_count:
                return False
            await self._sources.bulk_write(
                [
                    UpdateOne({"_id": identity, name: {"$gt": now}}, {"$set": {name: now}})
                    for name in ("last_success", "started_at", "last_error_at", "subscribed_at")
                ]
            )
        return True

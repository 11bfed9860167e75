"""What the ledger makes of pages that are gone from the bus before they were settled."""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.dead_letters import is_retried
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.losses import LostWindow
from aoc_common.store.lost_pages import LostSlice
from aoc_common.store.mongo.account import lacks_pages
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_FETCHED: Final = SliceState.FETCHED.value
#: Longer than Microsoft keeps anything that could bring their records again.
_REMEMBERED: Final = timedelta(days=400)


class MongoLostPages:
    """`LostPages` over the ledger and the backlog."""

    def __init__(self, database: Database) -> None:
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]
        self._blobs = database["ledger_blobs"]
        self._lost = database["ledger_gone"]
        self._ledger = MongoLedger(database)
        self._backlog = MongoBacklog(database)

    async def waiting(self, before: datetime | None, after: datetime | None, limit: int) -> list[PublishedPage]:
        """Pages that have waited since before a moment (and since `after` or later), the longest first."""
        since: Document = {"$exists": True}
        since |= ({} if before is None else {"$lt": before}) | ({} if after is None else {"$gte": after})
        with translated("ledger"):
            cursor = self._pages.find({"waiting_since": since}).sort("waiting_since", ASCENDING).limit(limit)
            return [_page(document) async for document in cursor]

    async def of_slices(self, slice_ids: Sequence[str]) -> list[PublishedPage]:
        """All pages of these slices that wait, however short."""
        pages: list[PublishedPage] = []
        with translated("ledger"):
            for some in batched(slice_ids, BATCH_SIZE):
                query = {"slice_id": {"$in": list(some)}, "waiting_since": {"$exists": True}}
                pages += [_page(document) async for document in self._pages.find(query)]
        return pages

    async def incomplete(self, before: datetime, after: datetime, limit: int) -> list[str]:
        """Slices that wait for no page and are not settled: the ledger never heard of some.

        Those that were fetched before a moment, or after one: by a clock that was ahead.

        An older version noted only pages that were settled. One that lacks nothing was not looked at since its last
        page was settled, since somebody died before it said so: it is looked at.
        """
        query: Document = {"state": _FETCHED, "unchecked": {"$exists": False}}
        slices: dict[str, Document] = {}
        with translated("ledger"):
            for fetched in ({"$lt": before}, {"$gt": after}):
                some = self._slices.find({**query, "fetched_at": fetched}, {"pages": 1, "seen": 1}).limit(limit)
                slices |= {document["_id"]: document async for document in some}
            if not slices:
                return []
            of_slices: Document = {"slice_id": {"$in": list(slices)}}
            waiting = set(await self._pages.distinct("slice_id", {**of_slices, "waiting_since": {"$exists": True}}))
            summed = [{"$match": of_slices}, {"$group": {"_id": "$slice_id", "seen": {"$sum": 1}}}]
            seen = {group["_id"]: int(group["seen"]) async for group in self._pages.aggregate(summed)}
            idle = [slice_id for slice_id in slices if slice_id not in waiting]
            complete = [slice_id for slice_id in idle if not lacks_pages(slices[slice_id], seen.get(slice_id, 0))]
            if complete:
                await self._slices.update_many({"_id": {"$in": complete}}, {"$set": {"unchecked": True}})
        return [slice_id for slice_id in idle if slice_id not in complete]

    async def mark_lost(self, slice_id: str, pages: Sequence[str], at: datetime) -> LostSlice | None:
        """These pages of a slice will never be settled: forget them, and have its time collected again.

        Crash-safe: what has to happen is written before the pages are forgotten, and writing it twice changes nothing.
        None when the slice is not known, or the pages have been settled meanwhile.
        """
        with translated("ledger"):
            document = await self._slices.find_one({"_id": slice_id})
            if document is None:
                return None
            waiting_pages = {"slice_id": slice_id, "page": {"$in": list(pages)}, "waiting_since": {"$exists": True}}
            if pages and not await self._pages.count_documents(waiting_pages, limit=1):
                # Settled between the look into the ledger and the one into the stream.
                return None
            retried = is_retried(slice_id)
            recollect = document["source"] != IMPORT_SOURCE and not retried
            waiting = await self._pages.distinct("waiting_since", waiting_pages)
            if not retried:
                await (
                    self._recollect(document, waiting, at) if recollect else self._note_gap(document, len(pages), at)
                )
            if pages:
                # What they stored and did not publish is published by the page that brings it again.
                await self._lost.bulk_write(
                    [
                        UpdateOne(
                            {"_id": page},
                            {"$setOnInsert": {"slice_id": slice_id, "at": at, "expire_at": at + _REMEMBERED}},
                            upsert=True,
                        )
                        for page in pages
                    ],
                    ordered=False,
                )
                # A page that was in work when it was lost may have come to its end by now; from here on it cannot.
                # Those of which there is nothing any more were found by another replica.
                done = await self._pages.distinct("page", {**waiting_pages, "waiting_since": {"$exists": False}})
                if done:
                    await self._lost.delete_many({"_id": {"$in": done}})
                pages = [page for page in pages if page not in done]
            await self._slices.update_one(
                {"_id": slice_id, "state": {"$in": [_FETCHED, SliceState.SETTLED.value]}},
                {
                    # It holds nothing up any more: what came of it counts, what is missing is the stretch's.
                    "$set": {"state": _FETCHED, "again": True, "abandoned": True, "pages": 0, "unchecked": True},
                    "$inc": {"gone": len(pages), "touched": 1},
                    "$unset": {"first_seq": "", "last_seq": ""},
                },
            )
            await self._pages.delete_many({**waiting_pages, "page": {"$in": list(pages)}})
            # It may have been looked at while they still waited.
            await self._slices.update_one({"_id": slice_id, "state": _FETCHED}, {"$set": {"unchecked": True}})
        return LostSlice(slice_id, document["tenant"], document["source"], len(pages), recollect)

    async def _recollect(self, document: Document, waiting: Sequence[datetime], at: datetime) -> None:
        tenant, source, start, end = (document[name] for name in ("tenant", "source", "start", "end"))
        # A blob that had been put off is listed before the time of the slice that has fetched it.
        start = min(start, document.get("content_from", start).replace(microsecond=0))
        fetched: Document = {"tenant": tenant, "source": source, "state": "fetched"}
        known = await self._blobs.find_one({"slice_id": document["_id"]}, {"_id": 1})
        # Blobs of before they named their slice, and those that were fetched again when other pages of it were lost
        # before, are told by the time that it covers.
        fetched |= (
            {"slice_id": document["_id"]}
            if known and not document.get("gone")
            else {"created": {"$gte": start, "$lt": end}}
        )
        await self._blobs.update_many({**fetched, "expires": {"$gt": at}}, {"$set": {"state": "listed"}})
        await self._blobs.update_many(
            {**fetched, "expires": {"$lte": at}},
            {"$set": {"state": "expired", "expired_at": at}, "$unset": {"expire_at": ""}},
        )
        # What is lost later is collected later: what came in between did not know that it was lost.
        since = f" {min(waiting):%Y%m%dT%H%M%S.%f}" if waiting else ""
        name = f"gone {document['_id'].rsplit('/', 1)[-1]}{since}"
        # Afresh: a collector may be about to note, for pages that are lost already, that their blobs were fetched.
        await self._backlog.add(Stretch(tenant, source, Cause.BEHIND, name, start, end, start, afresh=True), at)

    async def _note_gap(self, document: Document, pages: int, at: datetime) -> None:
        reason = (
            f"{pages} pages of import {document['_id'].rsplit('/', 1)[-1]} were lost on the bus: import the files again"
        )
        await self._ledger.note_loss(
            document["tenant"], document["source"], LostWindow(document["start"], document["end"], reason), at
        )


def _page(document: Document) -> PublishedPage:
    return PublishedPage(
        page=document["page"],
        tenant=document["tenant"],
        source=document["source"],
        slice_id=document["slice_id"],
        sequence=document["sequence"],
        at=document["waiting_since"],
    )

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
        self._gone = database["ledger_gone"]
        self._ledger = MongoLedger(database)
        self._backlog = MongoBacklog(database)

    async def waiting(self, before: datetime | None, after: datetime | None, limit: int) -> list[PublishedPage]:
        """Pages that have waited since before a moment (and since `after` or later), the longest first."""
        since: Document = {"$exists": True}
        since |= ({} if before is None else {"$lt": before}) | ({} if after is None else {"$gte": after})
        with translated("ledger"):
            found = self._pages.find({"waiting_since": since}).sort("waiting_since", ASCENDING).limit(limit)
            return [_page(document) async for document in found]

    async def of_slices(self, slice_ids: Sequence[str]) -> list[PublishedPage]:
        """All pages of these slices that wait, however short."""
        found: list[PublishedPage] = []
        with translated("ledger"):
            for some in batched(slice_ids, BATCH_SIZE):
                wanted = {"slice_id": {"$in": list(some)}, "waiting_since": {"$exists": True}}
                found += [_page(document) async for document in self._pages.find(wanted)]
        return found

    async def incomplete(self, before: datetime, after: datetime, limit: int) -> list[str]:
        """Slices that wait for no page and are not settled: the ledger never heard of some.

        Those that were fetched before a moment, or after one: by a clock that was ahead.

        An older version noted only pages that were settled. One that lacks nothing was not looked at since its last
        page was settled, since somebody died before it said so: it is looked at.
        """
        wanted: Document = {"state": _FETCHED, "unchecked": {"$exists": False}}
        found: dict[str, Document] = {}
        with translated("ledger"):
            for fetched in ({"$lt": before}, {"$gt": after}):
                some = self._slices.find({**wanted, "fetched_at": fetched}, {"pages": 1, "seen": 1}).limit(limit)
                found |= {one["_id"]: one async for one in some}
            if not found:
                return []
            mine: Document = {"slice_id": {"$in": list(found)}}
            waiting = set(await self._pages.distinct("slice_id", {**mine, "waiting_since": {"$exists": True}}))
            summed = [{"$match": mine}, {"$group": {"_id": "$slice_id", "seen": {"$sum": 1}}}]
            seen = {group["_id"]: int(group["seen"]) async for group in self._pages.aggregate(summed)}
            idle = [one for one in found if one not in waiting]
            whole = [one for one in idle if not lacks_pages(found[one], seen.get(one, 0))]
            if whole:
                await self._slices.update_many({"_id": {"$in": whole}}, {"$set": {"unchecked": True}})
        return [one for one in idle if one not in whole]

    async def gone(self, slice_id: str, pages: Sequence[str], at: datetime) -> LostSlice | None:
        """These pages of a slice will never be settled: forget them, and have its time collected again.

        Crash-safe: what has to happen is written before the pages are forgotten, and writing it twice changes nothing.
        None when the slice is not known, or the pages have been settled meanwhile.
        """
        with translated("ledger"):
            one = await self._slices.find_one({"_id": slice_id})
            if one is None:
                return None
            mine = {"slice_id": slice_id, "page": {"$in": list(pages)}, "waiting_since": {"$exists": True}}
            if pages and not await self._pages.count_documents(mine, limit=1):
                # Settled between the look into the ledger and the one into the stream.
                return None
            retried = is_retried(slice_id)
            again = one["source"] != IMPORT_SOURCE and not retried
            waiting = await self._pages.distinct("waiting_since", mine)
            if not retried:
                await (self._collect_again(one, waiting, at) if again else self._note_gap(one, len(pages), at))
            if pages:
                # What they stored and did not publish is published by the page that brings it again.
                await self._gone.bulk_write(
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
                done = await self._pages.distinct("page", {**mine, "waiting_since": {"$exists": False}})
                if done:
                    await self._gone.delete_many({"_id": {"$in": done}})
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
            await self._pages.delete_many({**mine, "page": {"$in": list(pages)}})
            # It may have been looked at while they still waited.
            await self._slices.update_one({"_id": slice_id, "state": _FETCHED}, {"$set": {"unchecked": True}})
        return LostSlice(slice_id, one["tenant"], one["source"], len(pages), again)

    async def _collect_again(self, one: Document, waiting: Sequence[datetime], at: datetime) -> None:
        tenant, source, start, end = (one[name] for name in ("tenant", "source", "start", "end"))
        mine: Document = {"tenant": tenant, "source": source, "state": "fetched"}
        known = await self._blobs.find_one({"slice_id": one["_id"]}, {"_id": 1})
        # Blobs of before they named their slice, and those that were fetched again when other pages of it were lost
        # before, are told by the time that it covers.
        mine |= {"slice_id": one["_id"]} if known and not one.get("gone") else {"created": {"$gte": start, "$lt": end}}
        await self._blobs.update_many({**mine, "expires": {"$gt": at}}, {"$set": {"state": "listed"}})
        await self._blobs.update_many(
            {**mine, "expires": {"$lte": at}},
            {"$set": {"state": "expired", "expired_at": at}, "$unset": {"expire_at": ""}},
        )
        # What is lost later is collected later: what came in between did not know that it was lost.
        since = f" {min(waiting):%Y%m%dT%H%M%S.%f}" if waiting else ""
        name = f"gone {one['_id'].rsplit('/', 1)[-1]}{since}"
        # Afresh: a collector may be about to note, for pages that are lost already, that their blobs were fetched.
        await self._backlog.add(Stretch(tenant, source, Cause.BEHIND, name, start, end, start, afresh=True), at)

    async def _note_gap(self, one: Document, pages: int, at: datetime) -> None:
        reason = f"{pages} pages of import {one['_id'].rsplit('/', 1)[-1]} were lost on the bus: import the files again"
        await self._ledger.note_loss(one["tenant"], one["source"], LostWindow(one["start"], one["end"], reason), at)


def _page(document: Document) -> PublishedPage:
    return PublishedPage(
        page=document["page"],
        tenant=document["tenant"],
        source=document["source"],
        slice_id=document["slice_id"],
        sequence=document["sequence"],
        at=document["waiting_since"],
    )

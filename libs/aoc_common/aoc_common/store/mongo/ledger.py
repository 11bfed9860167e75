"""The account of slices, pages and blobs, and the sources' watermarks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import UpdateMany, UpdateOne

from aoc_common.clock import SystemClock
from aoc_common.store.mongo.blobs import MongoBlobs
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.missing_slices import insert_missing
from aoc_common.store.mongo.outcomes import OPEN, page_key, write
from aoc_common.store.page_ledger import PageOutcome, SliceTotals
from aoc_common.store.slices import EmptySlice, SliceFetched, SliceState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.store.losses import LostWindow
    from aoc_common.store.pages import PublishedPage

#: A page that the normalizer is done with; the others wait.
DONE: Final[Document] = {"waiting_since": {"$exists": False}}
#: A page that the normalizer has made something of; those that it gave up are not.
HANDLED: Final[Document] = {**DONE, "dead_lettered": {"$not": {"$gt": 0}}}
#: A slice that gave nothing is only kept to be looked at.
_RETENTION_EMPTY: Final = timedelta(days=7)
#: A slice that nobody tries any more is closed after this, while its pages are still there to be counted.
LAPSE: Final = timedelta(days=80)


class MongoLedger(MongoBlobs):
    """`SliceLedger`, `PublishedPages`, `PageLedger`, `PageStates`, `LossLedger` and `BlobLedger`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        super().__init__(database)
        self._clock = clock or SystemClock()
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]
        self._gaps = database["ledger_gaps"]
        self._lost = database["ledger_gone"]

    async def open_slice(
        self, slice_id: str, tenant: str, source: str, start: datetime, end: datetime, *, rereading: bool = False
    ) -> None:
        """A slice is about to be fetched. `rereading`: all of it was collected before."""
        described: Document = {"tenant": tenant, "source": source, "start": start, "end": end}
        with translated("ledger"):
            await self._slices.update_one(
                {"_id": slice_id},
                {
                    "$set": {
                        **described,
                        **({"again": True} if rereading else {}),
                        "state": SliceState.OPEN.value,
                        "lapses_at": self._clock.now() + LAPSE,
                    },
                    # A replica that cuts otherwise may have given it up before: now it counts for itself.
                    "$unset": {"abandoned": ""} if rereading else {"abandoned": "", "again": ""},
                    "$inc": {"attempts": 1},
                },
                upsert=True,
            )

    async def note_pages(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are on the bus; one write for all. Changes nothing of a page that is settled already.

        One that was there before, on a stream that was purged or made anew since, is where it is now.
        """
        if pages:
            with translated("ledger"):
                await self._noted(pages)

    async def pages_received(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are in work: what they store is theirs from now on, also if nobody has noted them before."""
        if pages:
            with translated("ledger"):
                new = await self._noted(pages)
                await insert_missing(self._slices, [pages[number] for number in new])

    async def _noted(self, pages: Sequence[PublishedPage]) -> set[int]:
        """The numbers of those that were not known."""
        written = await self._pages.bulk_write(
            [
                UpdateOne(
                    {"_id": page_key(page.slice_id, page.page)},
                    {
                        # Where it lies now: it may have been put on the bus again after it was lost there.
                        "$set": {"sequence": page.sequence},
                        "$setOnInsert": {name: value for name, value in _waits(page).items() if name != "sequence"},
                    },
                    upsert=True,
                )
                for page in pages
            ],
            ordered=False,
        )
        return set(written.upserted_ids or {})

    async def slice_fetched(self, fetched: SliceFetched) -> None:
        """All pages of a slice are on the bus."""
        with translated("ledger"):
            await self._slices.update_one(
                {"_id": fetched.slice_id},
                {
                    "$set": {
                        "state": SliceState.FETCHED.value,
                        "pages": fetched.pages,
                        "records": fetched.records,
                        "fetched_at": fetched.at,
                        "unchecked": True,
                    },
                    "$unset": {"error": "", "lapses_at": ""},
                },
            )

    async def slice_empty(self, slice_id: str, empty: EmptySlice) -> None:
        """A slice gave nothing: it is settled at once, as a part of an empty one that it continues if there is one."""
        with translated("ledger"):
            if await self._slices.find_one({"_id": slice_id}, {"_id": 1}):
                # An earlier try was noted, and may have given something: this is another.
                await self._slices.update_one({"_id": slice_id}, {"$inc": {"attempts": 1}})
                await self.slice_fetched(SliceFetched(slice_id, 0, 0, empty.at))
                return
            day = empty.since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            of_source = {"tenant": empty.tenant, "source": empty.source}
            lasting = {"fetched_at": empty.at, "expire_at": empty.at + _RETENTION_EMPTY}
            if empty.end <= day + timedelta(days=1) and await self._grown(empty, day, lasting):
                return
            nothing = {"attempts": 1, "pages": 0, "records": 0}
            settled = {"settled_at": empty.at, "unsummed": True, **lasting}
            rereading = {"again": True} if empty.rereading else {}
            span = {"start": empty.since, "end": empty.end}
            await self._slices.update_one(
                {"_id": slice_id},
                {
                    "$setOnInsert": {
                        **of_source,
                        **span,
                        **nothing,
                        **settled,
                        **rereading,
                        "state": SliceState.SETTLED.value,
                        "quiet": True,
                    }
                },
                upsert=True,
            )

    async def _grown(self, empty: EmptySlice, day: datetime, lasting: Document) -> bool:
        """Whether an empty slice of that day goes on until the end of this one; makes one that it continues go on.

        Asked for by all fields of an index and no other: the local server would read all slices of the tenant.
        """
        ends = {"$in": [empty.since, empty.end]}
        query = {"tenant": empty.tenant, "state": SliceState.SETTLED.value, "source": empty.source, "end": ends}
        fields = dict.fromkeys(("start", "end", "quiet", "again"), 1)
        adjoining = [
            document
            async for document in self._slices.find(query, fields)
            if document.get("quiet") and bool(document.get("again")) == empty.rereading
        ]
        if any(document["end"] == empty.end for document in adjoining):
            return True  # a try before this one has written it, and did not come to say so
        for document in adjoining:
            if document["start"] >= day:
                still = {"_id": document["_id"], "end": empty.since, "merging": None, "merged_into": None}
                grown = await self._slices.update_one(still, {"$set": {"end": empty.end, **lasting}})
                if grown.matched_count:
                    return True
        return False

    async def slice_abandoned(self, slice_id: str, at: datetime) -> None:
        """A slice is given up for shorter ones; what it published counts."""
        unfinished = {"$in": [SliceState.OPEN.value, SliceState.FAILED.value]}
        with translated("ledger"):
            # Not one that somebody else has read to its end meanwhile: he may have been away for long who gives it up.
            await self._slices.update_one({"_id": slice_id, "state": unfinished}, abandoned(at))

    async def lapse(self, at: datetime) -> int:
        """Give up slices that were opened, or failed, and are tried no more; how many. What they published counts.

        So none stays for ever, and none expires uncounted. Records that it did not get are the watermark's gap.
        """
        unfinished = {"state": {"$in": [SliceState.OPEN.value, SliceState.FAILED.value]}}
        with translated("ledger"):
            # Those of a version that did not know when.
            await self._slices.update_many(
                {**unfinished, "lapses_at": {"$exists": False}}, {"$set": {"lapses_at": at + LAPSE}}
            )
            lapsed = await self._slices.update_many({**unfinished, "lapses_at": {"$lte": at}}, abandoned(at))
        return int(lapsed.modified_count)

    async def slice_failed(self, slice_id: str, reason: str, at: datetime) -> None:
        """An open slice could not be fetched this time."""
        with translated("ledger"):
            await self._slices.update_one(
                # What failed after the slice was fetched (to say so, or to move the position) does not undo it.
                {"_id": slice_id, "state": {"$in": [SliceState.OPEN.value, SliceState.FAILED.value]}},
                {
                    "$set": {
                        "state": SliceState.FAILED.value,
                        "error": reason[:500],
                        "failed_at": at,
                        "lapses_at": at + LAPSE,
                    }
                },
            )

    async def note_loss(self, tenant: str, source: str, lost: LostWindow, at: datetime) -> None:
        """A permanent gap, kept for good. Noted once, however often it is found; it grows when more is found lost."""
        gap = {"start": lost.start, "reason": lost.reason[:500]}
        identity = f"{tenant}/{source}/{lost.start:%Y-%m-%dT%H:%M:%S}/{lost.reason[:200]}"
        with translated("ledger"):
            await self._gaps.update_one(
                {"_id": identity},
                {
                    "$setOnInsert": {"tenant": tenant, "source": source, "noted_at": at, **gap},
                    "$max": {"end": lost.end},
                },
                upsert=True,
            )

    async def taking_on(self, pages: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages that may take on what lost pages had stored: those that are not settled.

        It is noted of them first: who settles one from here on has to know of it.
        """
        waiting: Document = {"_id": {"$in": [page_key(*page) for page in pages]}, **OPEN}
        with translated("ledger"):
            await self._pages.update_many(waiting, {"$inc": {"adoptions": 1}})
        return {*pages} - await self.settled(pages)

    async def pages_settled(self, outcomes: Sequence[PageOutcome]) -> dict[tuple[str, str], int]:
        """The normalizer is done with these pages; one write for all. What was settled before stays as it was.

        Those that have taken on more than their outcome knows of stay open: how often they did.
        """
        if not outcomes:
            return {}
        with translated("ledger"):
            settled_before, new = await write(self._pages, outcomes)
            await insert_missing(self._slices, [outcomes[number] for number in new])
            before = [outcomes[number] for number in settled_before]
            unknown = await self._taken_on((outcome.slice_id, outcome.page) for outcome in before)
            await self._touch(
                outcome.slice_id for number, outcome in enumerate(outcomes) if number not in settled_before
            )
            if repeated := {outcome.slice_id for outcome in before}:
                # Whoever settled them may have died before it said so at their slices.
                open_slices: Document = {"_id": {"$in": sorted(repeated)}, "state": SliceState.FETCHED.value}
                await self._slices.update_many(open_slices, {"$set": {"unchecked": True}})
        return unknown

    async def _taken_on(self, pages: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Those of these pages that are not settled, and how often they took something on."""
        keys = {page_key(*page): page for page in pages}
        found = self._pages.find({"_id": {"$in": [*keys]}, **OPEN}, {"adoptions": 1})
        return {keys[document["_id"]]: document.get("adoptions", 0) async for document in found} if keys else {}

    async def page_given_up(self, outcome: PageOutcome) -> bool:
        """The normalizer gave this page up; False when it is settled already, by another replica or an earlier try."""
        with translated("ledger"):
            settled_before, new = await write(self._pages, [outcome])
            if settled_before:
                return False
            await insert_missing(self._slices, [outcome] if new else [])
            await self._touch([outcome.slice_id])
        return True

    async def _touch(self, slice_ids: Iterable[str]) -> None:
        # A page of an earlier try can come after its slice was settled, or while it is: its account is made again.
        touched = sorted(set(slice_ids))
        if not touched:
            return
        slices = {"_id": {"$in": touched}}
        await self._slices.bulk_write(
            [
                UpdateMany(slices, {"$inc": {"touched": 1}, "$set": {"unchecked": True}}),
                UpdateMany(
                    {**slices, "state": SliceState.SETTLED.value}, {"$set": {"state": SliceState.FETCHED.value}}
                ),
            ]
        )

    async def settled(self, pages: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages that the normalizer is done with; not those that it gave up: they may come again."""
        keys = {page_key(*page): page for page in pages}
        settled: set[tuple[str, str]] = set()
        with translated("ledger"):
            for some in batched(keys, BATCH_SIZE):
                cursor = self._pages.find({"_id": {"$in": list(some)}, **HANDLED}, {"_id": 1})
                settled |= {keys[document["_id"]] async for document in cursor}
        return settled

    async def lost(self, pages: Collection[str]) -> set[str]:
        """Those of these pages that were lost on the bus before they were settled. Nearly always there are none.

        Not one that was in work just then, and was settled after all.
        """
        lost: dict[str, str] = {}
        with translated("ledger"):
            if not pages or await self._lost.find_one({}, {"_id": 1}) is None:
                return set()
            for some in batched(pages, BATCH_SIZE):
                async for document in self._lost.find({"_id": {"$in": list(some)}}, {"slice_id": 1}):
                    lost[document["_id"]] = document.get("slice_id", "")
        return lost.keys() - {page for _, page in await self.settled((name, page) for page, name in lost.items())}

    async def returned(self, pages: Sequence[PublishedPage]) -> None:
        """These pages were lost on the bus, and are there again. They wait again: what is lost once more is found."""
        with translated("ledger"):
            await self._pages.bulk_write(
                [
                    UpdateOne({"_id": page_key(page.slice_id, page.page)}, {"$setOnInsert": _waits(page)}, upsert=True)
                    for page in (replace(page, at=self._clock.now()) for page in pages)
                ],
                ordered=False,
            )
            await self._lost.delete_many({"_id": {"$in": [page.page for page in pages]}})

    async def totals(self, tenant: str, slice_id: str) -> SliceTotals:
        """What became of a slice's pages so far."""
        pipeline: list[Document] = [
            {"$match": {"slice_id": slice_id, "tenant": tenant, **DONE}},
            {
                "$group": {
                    "_id": None,
                    "pages": {"$sum": 1},
                    "stored": {"$sum": "$stored"},
                    "changed": {"$sum": "$changed"},
                    "duplicate": {"$sum": "$duplicate"},
                    "quarantined": {"$sum": "$quarantined"},
                    "dead_lettered": {"$sum": "$dead_lettered"},
                    "not_understood": {"$sum": "$not_understood"},
                    "undated": {"$sum": "$undated"},
                }
            },
            {"$project": {"_id": 0}},
        ]
        with translated("ledger"):
            groups = await self._pages.aggregate(pipeline).to_list(1)
        return SliceTotals(**groups[0]) if groups else SliceTotals()

    async def examples(self, tenant: str, slice_id: str) -> dict[str, UUID]:
        """An event of the slice that was `not_understood`, and one that is `undated`, where there are any."""
        by_reason: dict[str, UUID] = {}
        with translated("ledger"):
            for kind in ("not_understood", "undated"):
                page = await self._pages.find_one({"slice_id": slice_id, "tenant": tenant, kind: {"$gt": 0}})
                if page is not None and kind in page.get("examples", {}):
                    by_reason[kind] = page["examples"][kind]
        return by_reason


def abandoned(at: datetime) -> Document:
    """The change by which a slice is given up: it holds nothing up any more, and what it published counts."""
    given_up = {"state": SliceState.FETCHED.value, "again": True, "abandoned": True, "pages": 0, "records": 0}
    return {"$set": {**given_up, "fetched_at": at, "unchecked": True}, "$unset": {"lapses_at": ""}}


def _waits(page: PublishedPage) -> Document:
    named = {name: getattr(page, name) for name in ("tenant", "source", "slice_id", "page", "sequence")}
    return {**named, "waiting_since": page.at}

"""Merges settled slices of a source that follow each other on one UTC day, so that a quiet day costs few documents.

Nothing of the account changes: totals are kept apart (`sums`), a merged slice has those of its parts, and ends where
the last of them did. Never merged: what is not settled, was tried more than once, was given up, has
quarantined or dead-lettered records, has failed, was imported, or lies beyond a gap, a failed slice, or the end of the
day. ADR 0015.

A merge is one intention, written at the slice that stays (`merging`), and steps that whoever finds it takes to the
end: claim the others, take them in (one write), move their pages, delete them. Each step may be taken twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import batched
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.sums import COUNTED
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DAY: Final = timedelta(days=1)
#: Slices are left alone so long after they were fetched and settled: an empty one may still grow.
_REST: Final = timedelta(minutes=30)
#: The pages of a merged slice are looked at together when one of them is settled again.
_MOST_PAGES: Final = 500
_SUMMED: Final = ("slices", *COUNTED)


class MongoCompaction:
    """Compacts `ledger_slices`. Any number of replicas may do it at once."""

    def __init__(self, database: Database) -> None:
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]
        self._gaps = database["ledger_gaps"]

    async def compact(self, at: datetime, limit: int) -> int:
        """Merge slices that came to rest, looking at so many; how many documents are fewer. Idempotent."""
        rested = at - _REST
        with translated("ledger"):
            await self._resume(limit)
            loose: Document = {"loose": True, "settled_at": {"$lte": rested}}
            slices = await self._slices.find(loose, {"tenant": 1, "source": 1, "start": 1}).to_list(limit)
            days = {(document["tenant"], document["source"], _day(document["start"])) for document in slices}
            fewer = 0
            for tenant, source, day in sorted(days):
                fewer += await self._compact_day(tenant, source, day, rested)
        return fewer

    async def _compact_day(self, tenant: str, source: str, day: datetime, rested: datetime) -> int:
        of_source = {"tenant": tenant, "source": source}
        of_day = {**of_source, "start": {"$gte": day, "$lt": day + _DAY}}
        slices = await self._slices.find(of_day).sort("start", ASCENDING).to_list(None)
        lost = await self._gaps.find({**of_source, "start": {"$lt": day + _DAY}, "end": {"$gt": day}}).to_list(None)
        given_up = set[str]()
        for some in batched([document["_id"] for document in slices if document.get("pages")], BATCH_SIZE):
            letters: Document = {"slice_id": {"$in": list(some)}, "dead_lettered": {"$gt": 0}}
            given_up |= {page["slice_id"] async for page in self._pages.find(letters, {"slice_id": 1})}
        # What is complete is told by the last slice that ends before the first that is not settled.
        unsettled = {**of_source, "state": SliceState.FETCHED.value, "again": {"$ne": True}}
        first = await self._slices.find_one(unsettled, {"end": 1}, sort=[("end", ASCENDING)])
        slices = [{**document, "gone": document["_id"] in given_up or document.get("gone")} for document in slices]
        fewer = 0
        for group in groups(slices, day, rested, first["end"] if first else None, lost):
            fewer += await self._merge(group)
        examined = [
            document["_id"]
            for document in slices
            if document.get("loose") and document.get("settled_at", rested) <= rested
        ]
        for some in batched(examined, BATCH_SIZE):
            rested_slices = {"_id": {"$in": list(some)}, "settled_at": {"$lte": rested}}
            await self._slices.update_many(rested_slices, {"$unset": {"loose": ""}})
        return fewer

    async def _resume(self, limit: int) -> None:
        """Go on with what somebody began, and free what belongs to no merge."""
        for document in await self._slices.find({"merging.token": {"$exists": True}}, {"_id": 1}).to_list(limit):
            await self._carry_on(document["_id"])
        claimed = await self._slices.find({"merged_into": {"$exists": True}}, {"merged_into": 1}).to_list(limit)
        for token in {document["merged_into"] for document in claimed}:
            if await self._slices.find_one({"merging.token": token}, {"_id": 1}) is None:
                await self._free(token)

    async def _merge(self, group: Sequence[Document]) -> int:
        stays, *others = group
        token = token_hex(8)
        members = [{"id": document["_id"], **_as_it_was(document)} for document in others]
        begun = await self._slices.update_one(
            {"_id": stays["_id"], **_as_it_was(stays), **_FREE},
            {"$set": {"merging": {"token": token, "members": members}}},
        )
        return await self._carry_on(stays["_id"]) if begun.matched_count else 0

    async def _carry_on(self, stays_id: str) -> int:
        stays = await self._slices.find_one({"_id": stays_id})
        if stays is None or "merging" not in stays:
            return 0
        token = stays["merging"]["token"]
        if "absorbed" not in stays["merging"] and not await self._absorb(stays):
            return 0
        stays = await self._slices.find_one({"_id": stays_id, "merging.token": token}) or {}
        absorbed = stays.get("merging", {}).get("absorbed", [])
        for some in batched(absorbed, BATCH_SIZE):
            await self._pages.update_many({"slice_id": {"$in": list(some)}}, {"$set": {"slice_id": stays_id}})
            await self._slices.delete_many({"_id": {"$in": list(some)}, "merged_into": token})
        await self._free(token)
        await self._slices.update_one({"_id": stays_id, "merging.token": token}, {"$unset": {"merging": ""}})
        return len(absorbed)

    async def _absorb(self, stays: Document) -> bool:
        """Claim the members and take them in. False when the slice that stays has changed: then nothing is merged."""
        token = stays["merging"]["token"]
        claims = [
            UpdateOne(
                {"_id": member["id"], **{name: value for name, value in member.items() if name != "id"}, **_FREE},
                {"$set": {"merged_into": token}},
            )
            for member in stays["merging"]["members"]
        ]
        await self._slices.bulk_write(claims, ordered=False)
        claimed = await self._slices.find({"merged_into": token}).sort("start", ASCENDING).to_list(None)
        members = list(_without_hole(stays, claimed))
        still = {"_id": stays["_id"], **_as_it_was(stays), "merging.token": token, "merging.absorbed": None}
        written = await self._slices.update_one(still, {"$set": _together(stays, members)})
        if written.matched_count:
            return True
        ours = await self._slices.find_one({"_id": stays["_id"], "merging.token": token}, {"merging.absorbed": 1})
        if ours and "absorbed" in ours["merging"]:
            return True
        # First the intention goes, so that nobody else takes the members in any more; then they are free.
        await self._slices.update_one(
            {"_id": stays["_id"], "merging.token": token, "merging.absorbed": None}, {"$unset": {"merging": ""}}
        )
        if await self._slices.find_one({"_id": stays["_id"], "merging.token": token}, {"_id": 1}):
            return True
        await self._free(token)
        return False

    async def _free(self, token: str) -> None:
        await self._slices.update_many({"merged_into": token}, {"$unset": {"merged_into": ""}})


def groups(
    slices: Iterable[Document],
    day: datetime,
    rested: datetime,
    unsettled_end: datetime | None,
    lost: Sequence[Document],
) -> Iterator[list[Document]]:
    """Slices of a source's day, by start, that can be one: two or more each.

    `unsettled_end`: where the first slice ends that is not settled. `lost`: gaps of the source (`start`, `end`).
    """
    open_groups: dict[bool, list[Document]] = {False: [], True: []}
    for document in slices:
        rereading = bool(document.get("again"))
        if not _mergeable(document, day + _DAY, rested, unsettled_end) or any(
            gap["start"] < document["end"] and gap["end"] > document["start"] for gap in lost
        ):
            # Also what is merely young: nothing is merged across it now, and it may be later.
            for key in {rereading} if document["state"] == SliceState.SETTLED.value else (False, True):
                yield from _closed(open_groups, key)
            continue
        group = open_groups[rereading]
        if group and (
            document["start"] > max(part["end"] for part in group)
            or sum(part.get("pages") or 0 for part in (*group, document)) > _MOST_PAGES
        ):
            yield from _closed(open_groups, rereading)
        open_groups[rereading].append(document)
    for key in open_groups:
        yield from _closed(open_groups, key)


def _closed(open_groups: dict[bool, list[Document]], key: bool) -> Iterator[list[Document]]:  # a key
    group, open_groups[key] = open_groups[key], []
    if len(group) > 1:
        yield group


#: What waits to be settled again, or may come again: a quarantined record, or a page that somebody retries.
_UNFIT: Final = ("unsummed", "unchecked", "abandoned", "gone", "error", "quarantined", "merging", "merged_into")


def _mergeable(document: Document, midnight: datetime, rested: datetime, unsettled_end: datetime | None) -> bool:
    return (
        document["state"] == SliceState.SETTLED.value
        and document["source"] != IMPORT_SOURCE
        and "summed" in document
        and document.get("attempts", 1) == 1
        and not any(document.get(name) for name in _UNFIT)
        and document["end"] <= midnight
        and document["fetched_at"] <= rested
        and document["settled_at"] <= rested
        and (unsettled_end is None or document["end"] < unsettled_end)
    )


_FREE: Final[Document] = {"merging": None, "merged_into": None, "unsummed": None}


def _as_it_was(document: Document) -> Document:
    """A slice as it was looked at: a filter that only that matches."""
    return {name: document.get(name) for name in ("state", "end", "settled_at", "touched")}


def _without_hole(stays: Document, others: Iterable[Document]) -> Iterator[Document]:
    """Those that follow without a hole: one that changed in the meantime is not among the claimed."""
    end = stays["end"]
    for document in others:
        if document["start"] > end:
            return
        end = max(end, document["end"])
        yield document


def _together(stays: Document, others: Sequence[Document]) -> dict[str, Any]:
    """What is set at the slice that stays."""
    parts = [stays, *others]
    summed = {name: sum(part["summed"].get(name, 0) for part in parts) for name in _SUMMED}
    return {
        "end": max(part["end"] for part in parts),
        "slices": sum(part.get("slices", 1) for part in parts),
        **{name: sum(part.get(name) or 0 for part in parts) for name in COUNTED},
        "seen": sum(part.get("seen", part.get("pages") or 0) for part in parts),
        "summed": {**summed, "version": max(part["summed"]["version"] for part in parts)},
        # Merged is not empty and growing any more: the next empty slice begins anew.
        "quiet": False,
        "fetched_at": max(part["fetched_at"] for part in parts),
        "expire_at": max(part["expire_at"] for part in parts),
        "merging.absorbed": [document["_id"] for document in others],
    }


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

"""Running totals of each source: what its settled slices gave, and how many blobs were fetched. ADR 0015.

Each slice and blob is counted once, whoever counts it, however often it is settled again, and wherever a crash comes.
A source's document holds its totals and, written with them in one step, what they have just taken in (`pending`). Only
when that is noted at the slices themselves (`summed`) is it cleared, and only then can more be taken in; `version`
makes each step one replica's. So the cost is that of what changed, not of what there is.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import batched
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateMany, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: What is summed up of each slice. `slices` is more than one where several were merged (see `compaction`).
COUNTED: Final = (
    "pages", "records", "stored", "changed", "duplicate", "quarantined", "not_understood", "undated",
)  # fmt: skip
_NAMES: Final = ("slices", *COUNTED)
_DAY: Final = timedelta(days=1)
#: Days of before that are looked at at once: all of their slices are noted in one document, of 16 MiB at most.
_DAYS_TOGETHER: Final = 10
_OF_A_SUM: Final[Mapping[str, int]] = {
    **dict.fromkeys(_NAMES, 1),
    **dict.fromkeys(("tenant", "source", "start", "settled_at", "touched", "summed", "again"), 1),
}


class MongoSums:
    """Totals over `ledger_sums`, a document a source. `ledger_days` holds those of the versions before."""

    def __init__(self, database: Database) -> None:
        self._slices = database["ledger_slices"]
        self._blobs = database["ledger_blobs"]
        self._days = database["ledger_days"]
        self._sums = database["ledger_sums"]

    async def of(self, tenant: str) -> dict[str, Document]:
        """Source -> its totals (`slices`, `COUNTED`, `blobs`) and `since`, the day of its own first slice."""
        with translated("ledger"):
            return {
                document["source"]: document async for document in self._sums.find({"tenant": check_tenant(tenant)})
            }

    async def begin(self) -> None:
        """Begin the totals of all sources that the versions before have summed up: also where nothing is new."""
        with translated("ledger"):
            named = {"_id": {"tenant": "$tenant", "source": "$source"}}
            before = {
                (group["_id"]["tenant"], group["_id"]["source"])
                async for group in self._days.aggregate([{"$group": named}])
            }
            begun = {
                (document["tenant"], document["source"])
                async for document in self._sums.find({}, {"tenant": 1, "source": 1})
            }
            for tenant, source in sorted(before - begun):
                await self._begin(tenant, source)

    async def add_up(self, limit: int) -> int:
        """Take in settled slices and fetched blobs that are in no total yet, `limit` each; how many. Idempotent."""
        with translated("ledger"):
            keys = await self._unsummed(limit)
            if not keys:
                return 0
            books = await self._books(keys)
            # First what a crash has left: it may be what was found.
            await self._note([book for book in books.values() if book.get("pending")])
            ready = {key: book for key, book in books.items() if not book.get("pending")}
            # After the books: what is read now is as it was, or newer, if a book can still be written.
            updates, token = await self._intakes(ready, limit), token_hex(8)
            if not updates:
                return 0
            await self._sums.bulk_write(
                [
                    UpdateOne(
                        {"_id": key, "version": ready[key]["version"]},
                        {
                            "$inc": {**intake.totals, "blobs": len(intake.blobs), "version": 1},
                            "$set": {"pending": intake.pending, "writer": token},
                            **({"$min": {"since": intake.since}} if intake.since else {}),
                        },
                    )
                    for key, intake in updates.items()
                ],
                ordered=False,
            )
            written = [
                book
                for some in batched(updates, BATCH_SIZE)
                for book in await self._sums.find({"_id": {"$in": list(some)}, "writer": token}).to_list(None)
                if book.get("pending")
            ]
            await self._note(written)
        return sum(intake.count for intake in updates.values())

    async def _unsummed(self, limit: int) -> set[tuple[str, str]]:
        fields = {"tenant": 1, "source": 1}
        slices = await self._slices.find({"unsummed": True}, fields).to_list(limit)
        blobs = await self._blobs.find({"uncounted": True, "state": "fetched"}, fields).to_list(limit)
        return {(document["tenant"], document["source"]) for document in (*slices, *blobs)}

    async def _books(self, keys: Iterable[tuple[str, str]]) -> dict[str, Document]:
        sources = {f"{tenant}/{source}": (tenant, source) for tenant, source in keys}
        by_key: dict[str, Document] = {}
        for some in batched(sources, BATCH_SIZE):
            by_key |= {document["_id"]: document async for document in self._sums.find({"_id": {"$in": list(some)}})}
        for key in sources.keys() - by_key.keys():
            await self._begin(*sources[key])
            if book := await self._sums.find_one({"_id": key}):
                by_key[key] = book
        return by_key

    async def _begin(self, tenant: str, source: str) -> None:
        """The totals of a source that has none: what the versions before have summed up by day, or nothing."""
        of_source = {"tenant": tenant, "source": source}
        days = await self._days.find(of_source).to_list(None)
        before = {name: sum(day.get(name, 0) for day in days) for name in _NAMES}
        since = {"since": min(day["day"] for day in days)} if days else {}
        # Blobs of before have no mark: those that are fetched are counted here, the others get it.
        unmarked = {**of_source, "uncounted": {"$exists": False}}
        await self._blobs.update_many({**unmarked, "state": "listed"}, {"$set": {"uncounted": True}})
        blobs = await self._blobs.count_documents({**unmarked, "state": "fetched"})
        await self._sums.update_one(
            {"_id": f"{tenant}/{source}"},
            {"$setOnInsert": {**of_source, **before, **since, "blobs": blobs, "version": 0, "legacy": bool(days)}},
            upsert=True,
        )

    async def _intakes(self, books: Mapping[str, Document], limit: int) -> dict[str, _Intake]:
        intakes: dict[str, _Intake] = defaultdict(_Intake)
        unsummed = await self._slices.find({"unsummed": True}, _OF_A_SUM).to_list(limit)
        legacy = await self._legacy(slice_ for slice_ in unsummed if books.get(_source_of(slice_), {}).get("legacy"))
        for slice_ in unsummed:
            key = _source_of(slice_)
            if key in books and _day_of(slice_) not in legacy:
                intakes[key].take(slice_)
        for day in list(legacy.values())[:_DAYS_TOGETHER]:
            if (key := _source_of(day)) in books:
                await self._convert(day, intakes[key])
        uncounted = {"uncounted": True, "state": "fetched"}
        for blob in await self._blobs.find(uncounted, {"tenant": 1, "source": 1}).to_list(limit):
            if (key := _source_of(blob)) in books:
                intakes[key].blobs.append(blob["_id"])
        return intakes

    async def _legacy(self, slices: Iterable[Document]) -> dict[str, Document]:
        """Days of the versions before that some of these slices may already be counted in."""
        day_ids = sorted({_day_of(slice_) for slice_ in slices if "summed" not in slice_})
        days: dict[str, Document] = {}
        for some in batched(day_ids, BATCH_SIZE):
            cursor = self._days.find({"_id": {"$in": list(some)}, "converted": {"$ne": True}})
            days |= {day["_id"]: day async for day in cursor}
        return days

    async def _convert(self, day: Document, intake: _Intake) -> None:
        """Take in what a day lacks as the version before did: all of its slices are looked at, this once.

        Also those that are not settled at the moment and were before: the day may have them, as they were.
        """
        of_day = {"tenant": day["tenant"], "source": day["source"], "settled_at": {"$exists": True}}
        settled = {**of_day, "start": {"$gte": day["day"], "$lt": day["day"] + _DAY}}
        slices = await self._slices.find(settled, _OF_A_SUM).to_list(None)
        for slice_ in slices:
            intake.note(slice_)
        for name in _NAMES:
            # Sums only grow: slices without a record are kept for a week only.
            intake.totals[name] += max(0, sum(_totals(slice_)[name] for slice_ in slices) - day.get(name, 0))
        intake.days.append(day["_id"])

    async def _note(self, books: Sequence[Document]) -> None:
        """Note at slices, blobs and days that the totals have taken them in. May be done twice, and late."""
        if not books:
            return
        notes: list[UpdateOne] = []
        blobs: list[str] = []
        days: list[str] = []
        for book in books:
            version, pending = book["version"], book["pending"]
            for entry in pending["slices"]:
                summed = {"$set": {"summed": {**entry["totals"], "version": version}}}
                # Also where there is none. (An `$or` would make the local server go through all slices, for each.)
                newer: Document = {"_id": entry["id"], "summed.version": {"$not": {"$gte": version}}}
                # The mark goes if the slice is as it was when it was taken in: not what was settled again since.
                same = {"settled_at": entry["settled_at"], "touched": entry["touched"]}
                # What is in the totals may be merged (`compaction`).
                done: Document = {"$set": {**summed["$set"], "loose": True}, "$unset": {"unsummed": ""}}
                notes += [UpdateOne({**newer, **same}, done), UpdateOne(newer, summed)]
            blobs += pending["blobs"]
            days += pending["days"]
        if notes:
            # In order: the second is for those that the first leaves.
            await self._slices.bulk_write(notes)
        if blobs:
            marks = [
                UpdateMany({"_id": {"$in": list(some)}}, {"$unset": {"uncounted": ""}})
                for some in batched(blobs, BATCH_SIZE)
            ]
            await self._blobs.bulk_write(marks, ordered=False)
        for day in days:
            await self._days.update_one({"_id": day}, {"$set": {"converted": True}})
        await self._sums.bulk_write(
            [
                UpdateOne(
                    {"_id": book["_id"], "version": book["version"]},
                    {"$inc": {"version": 1}, "$unset": {"pending": ""}},
                )
                for book in books
            ],
            ordered=False,
        )


class _Intake:
    """What one source's totals take in at once."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = dict.fromkeys(_NAMES, 0)
        self.slices: list[Document] = []
        self.blobs: list[str] = []
        self.days: list[str] = []
        self.since: datetime | None = None

    def take(self, slice_: Document) -> None:
        """A slice: what it is more than the totals have of it."""
        totals, before = self.note(slice_), slice_.get("summed") or {}
        for name, value in totals.items():
            self.totals[name] += value - before.get(name, 0)

    def note(self, slice_: Document) -> dict[str, int]:
        """A slice whose totals are taken in."""
        totals = _totals(slice_)
        entry: dict[str, Any] = {"id": slice_["_id"], "totals": totals}
        self.slices.append(entry | {"settled_at": slice_.get("settled_at"), "touched": slice_.get("touched")})
        if not slice_.get("again"):
            # What somebody asked for can lie long before, with nothing between (`SourceState.requested`).
            day = _day(slice_["start"])
            self.since = min(self.since or day, day)
        return totals

    @property
    def pending(self) -> Document:
        """What is to be noted."""
        return {"slices": self.slices, "blobs": self.blobs, "days": self.days}

    @property
    def count(self) -> int:
        """How many slices and blobs."""
        return len(self.slices) + len(self.blobs)


def _totals(slice_: Document) -> dict[str, int]:
    return {"slices": slice_.get("slices", 1), **{name: int(slice_.get(name) or 0) for name in COUNTED}}


def _source_of(document: Document) -> str:
    return f"{document['tenant']}/{document['source']}"


def _day_of(slice_: Document) -> str:
    return f"{_source_of(slice_)}/{_day(slice_['start']):%Y-%m-%d}"


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

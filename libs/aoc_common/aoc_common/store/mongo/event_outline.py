"""The `event_outline` collection: what kinds of events a tenant has, and about how many happened when.

A kind is what source, service, operation and result of an event are together. A tenant has some hundred of them, so a
filter on these fields, whatever it says of them, is answered by kinds, which the index `kinds` leads to. All that is
stored is of a kind that was noted before. Counts are only hints: windows of a search are as wide as they say. They are
written seldom, so a process that was killed has not counted its last thousand events.

Documents, by `_id`:

- `{tenant} kinds`: `kinds`, key -> `of` [source, service, operation, result] and `n`; `full` when there are too many.
- `{tenant} months`: `months`, `2026-11` -> events.
- `{tenant} 2026-11`: `hours`, hour of that month -> events.
- `complete`: nothing was stored before this collection was there, or all that was has been noted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pymongo import UpdateOne, WriteConcern

from aoc_common.store.mongo.client import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.store.mongo.client import Database, Document

HOUR_MS: Final = 3_600_000
_COMPLETE: Final = "complete"
#: Kinds of a tenant that are noted, and characters of all of them: a hostile file can hold one a line.
_MOST_KINDS: Final = 4_000
_MOST_TEXT: Final = 1_000_000
#: Events after which counts of kinds are written.
_SELDOM: Final = 5_000
#: Events after which counts of hours are: one write for many, and yet no window of a search is much too wide.
_MOST_UNCOUNTED: Final = 1_000
#: Events are counted by hour between these times.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FIRST_HOUR: Final = int(_FIRST.timestamp()) // 3600
_LAST_HOUR: Final = int(_LAST.timestamp()) // 3600


class Kind(NamedTuple):
    """What is the same of many events."""

    source: str
    service: str
    operation: str
    result: str


@dataclass(frozen=True, slots=True)
class Outline:
    """Of one tenant. `kinds`: each with about how many events; None when not all are known. `months`: likewise."""

    kinds: Mapping[Kind, int] | None
    months: Mapping[str, int] | None


class MongoOutline:
    """Notes and reads outlines."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._outline = database["event_outline"]
        # Hints: not worth waiting for a disk.
        self._hints = self._outline.with_options(write_concern=WriteConcern(w=1))
        self._writing = asyncio.Lock()
        self._known: dict[str, set[Kind]] = {}
        self._full: set[str] = set()
        self._kinds: Counter[tuple[str, Kind]] = Counter()
        self._hours: Counter[tuple[str, int]] = Counter()
        self._complete = False
        self._begun = False

    def note(self, tenant: str, kind: Kind, time_ms: int) -> None:
        """An event of this kind is going to be stored."""
        self._kinds[tenant, kind] += 1
        self._hours[tenant, time_ms // HOUR_MS] += 1

    def forget_tenant(self, tenant: str) -> None:
        """A tenant was deleted: what was counted of it is not written, and none of its kinds is there any more."""
        self._known.pop(tenant, None)
        self._full.discard(tenant)
        for counted in (self._kinds, self._hours):
            for key in [key for key in counted if key[0] == tenant]:
                del counted[key]

    def note_document(self, document: Mapping[str, Any]) -> None:
        """As `note`, of an event's document."""
        kind = Kind(document["source"], document["service"], document["operation"], document["result"])
        self.note(document["tenant"], kind, document["_id"].int >> 80)

    async def write(self) -> None:
        """Note new kinds, to be done before their events are stored; count, when there is enough to count.

        Raises `Unreachable`; the next try has it.
        """
        await self._write(_MOST_UNCOUNTED, _SELDOM)

    async def write_all(self) -> None:
        """As `write`, and count all that was noted."""
        await self._write(1, 1)

    async def _write(self, least_by_hour: int, least_by_kind: int) -> None:
        async with self._writing:
            with translated("event_outline"):
                if not self._begun:
                    await self._begin()
                for tenant in {tenant for tenant, _ in self._kinds} - self._known.keys():
                    await self._recall(tenant)
                new = [key for key in self._kinds if key[1] not in self._known[key[0]] and key[0] not in self._full]
                if new or self._kinds.total() >= least_by_kind:
                    await self._write_kinds(new)
                if new or self._hours.total() >= least_by_hour:
                    await self._write_hours()

    async def _begin(self) -> None:
        """Where nothing is stored as yet, all that will be is noted."""
        if await self._events.find_one({}, {"_id": 1}) is None:
            await _complete(self._outline)
        self._begun = True

    async def _write_kinds(self, new: Sequence[tuple[str, Kind]]) -> None:
        counts, self._kinds = self._kinds, Counter()
        try:
            collection = self._outline if new else self._hints
            for tenant in {tenant for tenant, _ in counts}:
                mine = {kind: count for (of, kind), count in counts.items() if of == tenant}
                await collection.update_one({"_id": f"{tenant} kinds"}, self._change(tenant, mine), upsert=True)
        except BaseException:
            self._kinds.update(counts)
            raise
        for tenant, kind in new:
            self._known[tenant].add(kind)

    async def _write_hours(self) -> None:
        hours, self._hours = self._hours, Counter()
        try:
            if changes := _counted(hours):
                await self._hints.bulk_write(changes, ordered=False)
        except BaseException:
            self._hours.update(hours)
            raise

    async def _recall(self, tenant: str) -> None:
        """What is noted of a tenant already."""
        document = await self._outline.find_one({"_id": f"{tenant} kinds"}) or {}
        self._known[tenant] = set(_kinds_of(document))
        if "full" in document:
            self._full.add(tenant)

    def _change(self, tenant: str, counts: Mapping[Kind, int]) -> Document:
        """Kinds beyond the bounds are not noted, but that there are such."""
        known = self._known[tenant]
        size = sum(len(text) for kind in known for text in kind)
        added: Document = {}
        change: Document = {"$inc": added}
        for kind, count in counts.items():
            key = f"kinds.{_key(kind)}"
            if kind not in known:
                size += sum(map(len, kind))
                if len(known) + len(added) >= _MOST_KINDS or size > _MOST_TEXT or tenant in self._full:
                    self._full.add(tenant)
                    change.setdefault("$set", {})["full"] = True
                    continue
                change.setdefault("$set", {})[f"{key}.of"] = list(kind)
            added[f"{key}.n"] = count
        return change if added else {name: value for name, value in change.items() if name != "$inc"}

    async def read(self, tenant: str, *, kinds: bool = True) -> Outline:
        """What is noted of a tenant; its kinds only when they are asked for. Raises the driver's errors."""
        keys = [f"{tenant} months", *([f"{tenant} kinds"] if kinds else []), *([] if self._complete else [_COMPLETE])]
        documents = {document["_id"]: document async for document in self._outline.find({"_id": {"$in": keys}})}
        self._complete = self._complete or _COMPLETE in documents
        if not self._complete:
            return Outline(None, None)
        noted = documents.get(f"{tenant} kinds", {})
        months = documents.get(f"{tenant} months", {}).get("months", {})
        return Outline(None if "full" in noted or not kinds else _kinds_of(noted), months)

    async def hours(self, tenant: str, month: str) -> dict[int, int]:
        """Hour since 1970 -> about how many events, of one month. Raises the driver's errors."""
        document = await self._outline.find_one({"_id": f"{tenant} {month}"}) or {}
        first = int(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp()) // 3600
        return {first + int(hour): count for hour, count in document.get("hours", {}).items()}


async def fill(database: Database) -> int:
    """Note all that is stored, unless that was done; of how many events. No older version may be at work any more."""
    with translated("event_outline"):
        if await database["event_outline"].find_one({"_id": _COMPLETE}) is not None:
            return 0
        outline, noted = MongoOutline(database), 0
        fields = dict.fromkeys(("tenant", *Kind._fields), 1)
        async for document in database["events"].find({}, fields).batch_size(_SELDOM):
            if "operation" in document:  # not one of which retention has left the id
                outline.note_document(document)
                noted += 1
                if noted % _SELDOM == 0:
                    await outline.write()
        await outline.write_all()
        await _complete(database["event_outline"])
    return noted


async def _complete(outline: AsyncIOMotorCollection[Document]) -> None:
    await outline.update_one({"_id": _COMPLETE}, {"$setOnInsert": {"at": datetime.now(UTC)}}, upsert=True)


def _kinds_of(document: Mapping[str, Any]) -> dict[Kind, int]:
    return {Kind(*kind["of"]): kind.get("n", 0) for kind in document.get("kinds", {}).values()}


def _key(kind: Kind) -> str:
    return blake2b("\0".join(kind).encode(), digest_size=12).hexdigest()


def _counted(hours: Mapping[tuple[str, int], int]) -> list[UpdateOne]:
    """The changes that count these events."""
    months: dict[tuple[str, str], Counter[str]] = {}
    for (tenant, hour), count in hours.items():
        if _FIRST_HOUR <= hour < _LAST_HOUR:
            at = datetime.fromtimestamp(hour * 3600, UTC)
            of_month = (at.day - 1) * 24 + at.hour
            months.setdefault((tenant, f"{at:%Y-%m}"), Counter())[f"hours.{of_month}"] += count
    changes = [
        UpdateOne({"_id": f"{tenant} {month}"}, {"$inc": dict(counts)}, upsert=True)
        for (tenant, month), counts in months.items()
    ]
    totals: dict[str, Counter[str]] = {}
    for (tenant, month), counts in months.items():
        totals.setdefault(tenant, Counter())[f"months.{month}"] += counts.total()
    return changes + [
        UpdateOne({"_id": f"{tenant} months"}, {"$inc": dict(counts)}, upsert=True) for tenant, counts in totals.items()
    ]

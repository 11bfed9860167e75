"""Content that expired, counted by day: there may be much of it in the end, and every account tells of it.

The count of a day is absolute (of all blobs that are marked as counted), and is believed only when it was written after
the last mark (`open`): until then the day's marked blobs are counted one by one. So the account is exact wherever a
crash comes, and however many count at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Blobs that expired so long ago stay expired: Microsoft keeps them for 7 days, whatever a clock has said.
_FOR_GOOD: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)
_COUNT: Final[Document] = {
    "$group": {"_id": None, "count": {"$sum": 1}, "first": {"$min": "$created"}, "last": {"$max": "$created"}}
}


class MongoExpired:
    """Counts over `ledger_blobs`, in documents of `ledger_gaps` with a `day`."""

    def __init__(self, database: Database) -> None:
        self._blobs = database["ledger_blobs"]
        self._gaps = database["ledger_gaps"]

    async def fold(self, at: datetime, limit: int) -> int:
        """Count the blobs of at most so many days; how many days. What a crash left is done first."""
        done = 0
        with translated("ledger"):
            for unfinished in await self._gaps.find({"open": {"$exists": True}}).to_list(limit):
                await self._count(unfinished, at)
                done += 1
            while done < limit:
                blob = await self._blobs.find_one({"state": "expired", "expired_at": {"$lte": at - _FOR_GOOD}})
                if blob is None:
                    break
                await self._count({**blob, "day": _day(blob["created"])}, at)
                done += 1
        return done

    async def _count(self, gap: Document, at: datetime) -> None:
        tenant, source, day, token = gap["tenant"], gap["source"], gap["day"], token_hex(8)
        identity = f"{tenant}/{source}/expired/{day:%Y-%m-%d}"
        named = {"tenant": tenant, "source": source, "day": day, "start": day, "end": day, "items": 0}
        await self._gaps.update_one({"_id": identity}, {"$set": {"open": token}, "$setOnInsert": named}, upsert=True)
        old = {**_of_day(gap), "state": "expired", "expired_at": {"$lte": at - _FOR_GOOD}}
        await self._blobs.update_many(old, {"$set": {"state": "counted"}})
        [counted] = await self._counted(gap) or [{"count": 0, "first": day, "last": day}]
        counts = {"items": counted["count"], "start": counted["first"], "end": counted["last"]}
        await self._gaps.update_one({"_id": identity, "open": token}, {"$set": counts, "$unset": {"open": ""}})

    async def _counted(self, gap: Document) -> list[Document]:
        return await self._blobs.aggregate([{"$match": {**_of_day(gap), "state": "counted"}}, _COUNT]).to_list(1)

    async def counts(self, tenant: str) -> Mapping[str, Document]:
        """Source -> `count`, and when the `first` and the `last` of it was created."""
        by_source: dict[str, Document] = {}
        async for gap in self._gaps.find({"tenant": tenant, "day": {"$exists": True}}):
            if "open" in gap:
                counted = await self._counted(gap)
            else:
                counted = [{"count": gap["items"], "first": gap["start"], "last": gap["end"]}]
            for more in counted:
                by_source[gap["source"]] = added(by_source.get(gap["source"]), more)
        return by_source


def added(some: Document | None, more: Document | None) -> Document:
    """Two counts as one."""
    if not some or not more or not more["count"]:
        return some or more or {}
    first, last = min(some["first"], more["first"]), max(some["last"], more["last"])
    return {**some, "count": some["count"] + more["count"], "first": first, "last": last}


def _of_day(blob: Document) -> Document:
    return {
        "tenant": blob["tenant"],
        "source": blob["source"],
        "created": {"$gte": blob["day"], "$lt": blob["day"] + _DAY},
    }


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

"""The `window_ends` collection. `_id` is the key."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from pymongo import DeleteOne, UpdateOne

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.window_ends import WindowEnd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: How long it is the one's who took it.
_TAKEN: Final = timedelta(seconds=60)
#: One that nobody looks at is forgotten so long after it was due: no alerter was there.
_KEPT: Final = timedelta(days=90)


class MongoWindowEnds:
    """`WindowEndStore` over `window_ends`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._ends = database["window_ends"]
        self._clock = clock or SystemClock()

    async def add(self, ends: Sequence[WindowEnd]) -> None:
        """Note them."""
        now = self._clock.now()
        writes = [
            UpdateOne(
                {"_id": end.key},
                {
                    "$setOnInsert": _document(end) | _soon(end, now) | {"expire_at": max(now, end.due_at) + _KEPT},
                    # Whoever is looking at it just now may not have seen why it is asked for.
                    "$inc": {"asked": 1},
                },
                upsert=True,
            )
            for end in {end.key: end for end in ends}.values()
        ]
        if writes:
            with translated("window ends"):
                await self._ends.bulk_write(writes, ordered=False)

    async def take(self, now: datetime, most: int) -> Sequence[WindowEnd]:
        """Some that are due: taking one puts off when it is due for others."""
        with translated("window ends"):
            due = await self._ends.find({"due_at": {"$lte": now}}).sort("due_at").limit(most).to_list(most)
            if not due:
                # By a clock that was ahead due soon, or taken and not looked at: nobody may wait until then.
                ahead = {"taker": {"$exists": True}, "due_at": {"$gt": now + 2 * _TAKEN}}
                due = await self._ends.find(ahead).limit(most).to_list(most)
            if not due:
                return []
            token = token_hex(8)
            writes = [
                UpdateOne(
                    {"_id": one["_id"], "due_at": one["due_at"]}, {"$set": {"due_at": now + _TAKEN, "taker": token}}
                )
                for one in due
            ]
            await self._ends.bulk_write(writes, ordered=False)
            mine = {"_id": {"$in": [one["_id"] for one in due]}, "taker": token}
            return [_end(one) async for one in self._ends.find(mine)]

    async def done(self, ends: Sequence[WindowEnd]) -> None:
        """They were looked at; who asked again meanwhile has them looked at again."""
        if ends:
            deletes = [DeleteOne({"_id": end.key, "asked": end.asked}) for end in ends]
            with translated("window ends"):
                await self._ends.bulk_write(deletes, ordered=False)


def _soon(end: WindowEnd, now: datetime) -> Document:
    """What is due within a minute is marked as what is taken is: should it be due much later, a clock was ahead."""
    return {"taker": ""} if end.due_at <= now + _TAKEN else {}


def _document(end: WindowEnd) -> Document:
    return {
        "tenant": check_tenant(end.tenant),
        "correlation": end.correlation,
        "group": list(end.group),
        "first": end.first,
        "last": end.last,
        "due_at": end.due_at,
    }


def _end(document: Document) -> WindowEnd:
    return WindowEnd(
        document["_id"],
        document["tenant"],
        document["correlation"],
        tuple(document["group"]),
        document["first"],
        document["last"],
        document["due_at"],
        document["asked"],
    )

"""The stretches of time that are collected beside the live slices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A stretch that is done is remembered, so that the same re-scan is not added again by a replica whose clock is late.
REMEMBERED: Final = timedelta(days=3)
_TURNS: Final = {"failures": "", "put_off_at": "", "not_before": ""}
_ORDER: Final = {cause: number for number, cause in enumerate(Cause)}


class MongoBacklog:
    """`BacklogStore` over `backlog`."""

    def __init__(self, database: Database) -> None:
        self._backlog = database["backlog"]

    async def add(self, stretch: Stretch, at: datetime) -> None:
        """A stretch is to be collected."""
        fresh: dict[str, Any] = {
            "tenant": stretch.tenant,
            "source": stretch.source,
            "cause": stretch.cause.value,
            "name": stretch.name,
            "start": stretch.start,
            "done_until": stretch.done_until,
            "added_at": at,
        }
        if stretch.afresh:
            fresh["afresh"] = True
        if stretch.cause is Cause.BEHIND:
            # It grows, and is open again, when a crash came between adding it and moving on beside it.
            update = {"$setOnInsert": fresh, "$max": {"end": stretch.end}, "$set": {"open": True}}
            update["$unset"] = {"expire_at": ""}
        else:
            update = {"$setOnInsert": fresh | {"end": stretch.end, "open": True}}
        with translated("backlog"):
            await self._backlog.update_one({"_id": stretch.id}, update, upsert=True)

    async def waiting(self, tenant: str) -> Sequence[Stretch]:
        """The tenant's stretches that are not done, by cause and then oldest first."""
        with translated("backlog"):
            documents = await self._backlog.find({"tenant": check_tenant(tenant), "open": True}).to_list(None)
        return sorted(
            map(_stretch, documents), key=lambda stretch: (_ORDER[stretch.cause], stretch.start, stretch.name)
        )

    async def find(self, tenant: str, stretch_id: str) -> Stretch | None:
        """A stretch, also a done one for some time."""
        with translated("backlog"):
            document = await self._backlog.find_one({"_id": stretch_id, "tenant": check_tenant(tenant)})
        return _stretch(document) if document else None

    async def added_since(self, tenant: str, at: datetime) -> Sequence[Stretch]:
        """Stretches that were added from then on, done or not."""
        with translated("backlog"):
            query = {"tenant": check_tenant(tenant), "added_at": {"$gte": at}}
            return [_stretch(document) for document in await self._backlog.find(query).to_list(None)]

    async def advance(self, stretch_id: str, until: datetime, at: datetime) -> None:
        """Everything before `until` is on the bus; at its end the stretch is done."""
        with translated("backlog"):
            await self._backlog.update_one({"_id": stretch_id}, {"$max": {"done_until": until}, "$unset": _TURNS})
            await self._backlog.update_one(
                {"_id": stretch_id, "end": {"$lte": until}},
                {"$set": {"open": False, "done_at": at, "expire_at": at + REMEMBERED}},
            )

    async def postpone(self, stretch_id: str, until: datetime, at: datetime) -> None:
        """It has its next turn at `until`."""
        noted = {"$inc": {"failures": 1}, "$set": {"put_off_at": at, "not_before": until}}
        with translated("backlog"):
            await self._backlog.update_one({"_id": stretch_id}, noted)


async def missing(database: Database, tenant: str | None) -> dict[tuple[str, str], datetime]:
    """(tenant, source) -> where the oldest stretch begins that was never collected, of those that have one."""
    query: Document = {"open": True, "cause": Cause.BEHIND.value}
    if tenant is not None:
        query["tenant"] = tenant
    first: dict[tuple[str, str], datetime] = {}
    async for document in database["backlog"].find(query).sort("done_until", ASCENDING):
        first.setdefault((document["tenant"], document["source"]), document["done_until"])
    return first


def _stretch(document: Document) -> Stretch:
    return Stretch(
        tenant=document["tenant"],
        source=document["source"],
        cause=Cause(document["cause"]),
        name=document["name"],
        start=document["start"],
        end=document["end"],
        done_until=document["done_until"],
        failures=document.get("failures", 0),
        put_off_at=document.get("put_off_at"),
        not_before=document.get("not_before"),
        afresh=document.get("afresh", False),
    )

"""Twins: what an event is recognised by stands on its document, who is whose twin is claimed in `twins`.

A claim is a document with the Graph event as `_id` and the unified one under a unique index: MongoDB itself refuses a
second link for either. `twin_pages` holds the raw pages whose twins are decided. Both are forgotten after a while; the
events' own `twin_of` and `twin` stay.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts.twins import Candidate, TwinFacts, TwinLink
from aoc_common.store.mongo.client import TOGETHER, Database, Document, translated
from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

#: A record can be delivered again for as long as it is on AOC_RAW; its twin can be a week late.
_KEEP: Final = timedelta(days=30)
#: Events that one look-up gives. A flood of sign-ins under one key can lose links beyond it, and costs no more.
_MOST: Final = 2_000
_FIELDS: Final = dict.fromkeys(("tenant", "twin_key", "twin_facts", "twin_of", "twin"), 1)


class MongoTwins:
    """`TwinStore` over `events`, `twins` and `twin_pages`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._claims = database["twins"]
        self._pages = database["twin_pages"]

    async def near(self, keys: Collection[str]) -> list[Candidate]:
        """The stored events with these keys that are in no link yet."""
        found: list[Document] = []
        with translated("twins"):
            for some in batched(keys, TOGETHER):
                cursor = self._events.find({"twin_key": {"$in": list(some)}}, _FIELDS).limit(_MOST)
                found += await cursor.to_list(None)
        return [_candidate(document) for document in found if "twin_of" not in document and "twin" not in document]

    async def claim(self, links: Sequence[TwinLink], at: datetime) -> set[int]:
        """Make links; the indices of those that were refused."""
        documents: list[Document] = [
            {
                "_id": link.graph,
                "unified": link.unified,
                "first": link.first,
                "tenant": link.tenant,
                "expire_at": at + _KEEP,
            }
            for link in links
        ]
        with translated("twins"):
            try:
                if documents:
                    await self._claims.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                return duplicates(error.details)
        return set()

    async def links(self, ids: Collection[UUID]) -> list[TwinLink]:
        """The links that these events are in."""
        found: dict[UUID, TwinLink] = {}
        with translated("twins"):
            for some in batched(ids, TOGETHER):
                for field in ("_id", "unified"):
                    async for claim in self._claims.find({field: {"$in": list(some)}}):
                        found[claim["_id"]] = TwinLink(
                            claim["tenant"], claim["_id"], claim["unified"], first=claim["first"]
                        )
        return list(found.values())

    async def settle(self, links: Sequence[TwinLink], pages: Collection[str], at: datetime) -> None:
        """Write the links on their events, then note that all twins of these raw pages are decided."""
        writes: list[Any] = []
        for link in links:
            writes.append(UpdateOne({"_id": link.second}, {"$set": {"twin_of": link.first}}))
            writes.append(UpdateOne({"_id": link.first}, {"$set": {"twin": link.second}}))
        decided: list[Document] = [{"_id": page, "expire_at": at + _KEEP} for page in pages]
        with translated("twins"):
            if writes:
                await self._events.bulk_write(writes, ordered=False)
            try:
                if decided:
                    await self._pages.insert_many(decided, ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)

    async def settled(self, pages: Collection[str]) -> set[str]:
        """Those of these raw pages whose twins are decided."""
        found: set[str] = set()
        with translated("twins"):
            for some in batched(pages, TOGETHER):
                found |= {page["_id"] async for page in self._pages.find({"_id": {"$in": list(some)}}, {"_id": 1})}
        return found


def _candidate(document: Document) -> Candidate:
    told = document["twin_facts"]
    return Candidate(
        id=document["_id"],
        tenant=document["tenant"],
        time_ms=document["_id"].int >> 80,
        facts=TwinFacts(
            lane=told["lane"],
            digest=document["twin_key"].partition(":")[0],
            told=tuple(told.get("told", ())),
            hints=tuple(told.get("hints", ())),
            session=told.get("session"),
            ip=told.get("ip"),
        ),
    )

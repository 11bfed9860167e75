"""Twins: what an event is recognised by stands on its document, who is whose twin is claimed in `twins`.

A claim is a document with the Graph event as `_id` and the unified one under a unique index: MongoDB itself refuses a
second link for either. `twin_pages` holds the raw pages whose twins are decided. Both are forgotten after a while; the
events' own `twin_of` and `twin` stay, and say the same. Keys of documents that were stored before results were part of
them (docs/adr/0019-twins-assert.md) are never asked for: those events take no new twin, and keep the one they have.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts.subjects import check_tenant
from aoc_common.contracts.twins import Candidate, TwinFacts, TwinLink
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

#: A record can be delivered again for as long as it is on AOC_RAW; its twin can be a week late.
_RETENTION: Final = timedelta(days=30)
#: Events that one look-up of some keys gives. Where there are more, each key is asked for by itself.
_MOST: Final = 500
#: Events of one key, so of one actor, operation, result and target in a minute. A flood of them loses links beyond
#: that many, and costs no more; what is not linked stands for itself.
_OF_A_KEY: Final = 100
_FREE: Final = {"twin_of": {"$exists": False}, "twin": {"$exists": False}}
_FIELDS: Final = dict.fromkeys(("tenant", "twin_key", "twin_facts", *_FREE), 1)
_LINKED: Final = dict.fromkeys(("tenant", "twin_facts.lane", "twin_of", "twin"), 1)


class MongoTwins:
    """`TwinStore` over `events`, `twins` and `twin_pages`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._claims = database["twins"]
        self._pages = database["twin_pages"]

    async def near(self, tenant: str, keys: Collection[str]) -> list[Candidate]:
        """The stored events of a tenant with these keys that are in no link yet; of each key at most 100."""
        # The key first: the local server takes the index of the first field that has one.
        its = {"tenant": check_tenant(tenant)}
        candidates: list[Document] = []
        with translated("twins"):
            for some in batched(keys, BATCH_SIZE):
                together = await self._find({"twin_key": {"$in": list(some)}, **its}, _MOST + 1)
                if len(together) > _MOST:
                    each = [await self._find({"twin_key": key, **its, **_FREE}, _OF_A_KEY) for key in some]
                    together = [document for of_key in each for document in of_key]
                candidates += [document for document in together if _FREE.keys().isdisjoint(document)]
        return [_candidate(document) for document in candidates]

    async def _find(self, query: Document, most: int) -> list[Document]:
        return await self._events.find(query, _FIELDS).limit(most).to_list(None)

    async def claim(self, links: Sequence[TwinLink], at: datetime) -> set[int]:
        """Make links; the indices of those that were refused."""
        documents: list[Document] = [
            {
                "_id": link.graph,
                "unified": link.unified,
                "first": link.first,
                "tenant": link.tenant,
                "expire_at": at + _RETENTION,
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
        """The links that these events are in: by their claims, where those are forgotten by what the events say."""
        links: dict[UUID, TwinLink] = {}
        with translated("twins"):
            for some in batched(ids, BATCH_SIZE):
                for field in ("_id", "unified"):
                    async for claim in self._claims.find({field: {"$in": list(some)}}):
                        # One that follows an event whose id moves has the unified event here (`moved_twins`).
                        unified = claim.get("moving", claim["unified"])
                        links[claim["_id"]] = TwinLink(claim["tenant"], claim["_id"], unified, first=claim["first"])
            claimed = {event for link in links.values() for event in (link.graph, link.unified)}
            for some in batched([event for event in ids if event not in claimed], BATCH_SIZE):
                async for document in self._events.find({"_id": {"$in": list(some)}}, _LINKED):
                    if (link := _link(document)) is not None:
                        links.setdefault(link.graph, link)
        return list(links.values())

    async def decide(self, links: Sequence[TwinLink], pages: Collection[str], at: datetime) -> None:
        """Write the links on their events, the first ones first; then that all twins of these raw pages are decided."""
        decided: list[Document] = [{"_id": page, "expire_at": at + _RETENTION} for page in pages]
        with translated("twins"):
            for some in batched(links, BATCH_SIZE):
                await self._write(some)
            try:
                if decided:
                    await self._pages.insert_many(decided, ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)

    async def _write(self, links: Sequence[TwinLink]) -> None:
        seconds = {"_id": {"$in": [link.second for link in links]}}
        fields = {"expire_at": 1, "forget_at": 1}
        ends = {document["_id"]: document async for document in self._events.find(seconds, fields)}
        writes = [UpdateOne({"_id": link.first}, _first(link, ends.get(link.second))) for link in links]
        writes += [UpdateOne({"_id": link.second}, {"$set": {"twin_of": link.first}}) for link in links]
        await self._events.bulk_write(writes)

    async def decided(self, pages: Collection[str]) -> set[str]:
        """Those of these raw pages whose twins are decided."""
        settled: set[str] = set()
        with translated("twins"):
            for some in batched(pages, BATCH_SIZE):
                settled |= {page["_id"] async for page in self._pages.find({"_id": {"$in": list(some)}}, {"_id": 1})}
        return settled


def _first(link: TwinLink, second: Document | None) -> list[Document]:
    """What becomes of a link's first event. It stays as long as the second one, for which it stands too."""
    change: Document = {"twin": {"$literal": link.second}}
    if second is not None:
        until = second.get("forget_at", second["expire_at"])
        hidden_until = {"$max": ["$forget_at", until]}
        change["expire_at"] = {"$max": ["$expire_at", until]}
        change["forget_at"] = {"$cond": [{"$gt": ["$forget_at", None]}, hidden_until, "$$REMOVE"]}
    return [{"$set": change}]


def _link(document: Document) -> TwinLink | None:
    """The link that an event's document names."""
    of, twin = document.get("twin_of"), document.get("twin")
    if (other := of or twin) is None:
        return None
    own = document["_id"]
    lane = document.get("twin_facts", {}).get("lane")  # a mapper of later can have taken the facts away
    graph, unified = (other, own) if lane == "unified" else (own, other)
    return TwinLink(document["tenant"], graph, unified, first=of or own)


def _candidate(document: Document) -> Candidate:
    stored = document["twin_facts"]
    return Candidate(
        id=document["_id"],
        tenant=document["tenant"],
        time_ms=document["_id"].int >> 80,
        facts=TwinFacts(
            lane=stored["lane"],
            digest=document["twin_key"].partition(":")[0],
            properties=tuple(stored.get("told", ())),
            hints=tuple(stored.get("hints", ())),
            session=stored.get("session"),
            ip=stored.get("ip"),
            result=stored.get("result", "unknown"),
        ),
    )

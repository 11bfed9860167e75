"""The `events` collection: reading.

Ids sort by time, so every page is newest first by `_id`, and a page goes on below the last id of the one before.

How a search is put to the server is a plan's (`search_plans`). Whatever has to look at documents walks back in time
over windows, in turns (`event_walk`), so that a filter which nothing matches can be stopped, says how far it got, and
goes on from there.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.clock import SystemClock
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.ids import lowest_id
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import Malformed
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.event_walk import TOP, Found, Wanted
from aoc_common.store.mongo.events import page_of
from aoc_common.store.mongo.search_plans import GIVE_UP_S, PlanOfServer
from aoc_common.store.searches import EventPage, FacetCounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.search_plans import SearchPlan
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

#: Fields that facets can be counted over.
FACET_FIELDS: Final = ("source", "service", "operation", "result", "actor", "ip")
#: Facets are counted over at most this many events, the newest that match.
FACET_EVENTS: Final = 5_000

_EXACT: Final = ("source", "service", "operation", "result", "actor", "ip", "correlation_id")
_NO_RAW: Final[Mapping[str, Any]] = {"raw": 0}


class _Unhurried:
    """`Pace` of a search that nobody else waits for."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[float | None]:
        """At once, and for as long as any query may take."""
        yield GIVE_UP_S


class MongoEventSearch:
    """`EventSearch` over `events`."""

    def __init__(self, database: Database, plan: SearchPlan) -> None:
        self._events = database["events"]
        self._versions = MongoEventVersions(database)
        self._plan = plan

    async def search(self, query: EventQuery, pace: Pace | None = None) -> EventPage:
        """One page, newest first, without raw text. Raises `Malformed` for a value that is not text."""
        with translated("events"):
            found = await self._find(query, query.limit + 1, _NO_RAW, pace)
        return EventPage(
            events=tuple(_stored(document) for document in found.documents[: query.limit]),
            more=len(found.documents) > query.limit,
            searched_to=found.searched_to,
        )

    async def get(self, tenant: str, event_id: UUID) -> StoredEvent | None:
        """One event with its raw text."""
        with translated("events"):
            wanted = {"tenant": check_tenant(tenant), "_id": event_id}
            document = await self._events.find_one(wanted, max_time_ms=int(GIVE_UP_S * 1000))
        return None if document is None else _stored(document)

    async def versions(self, tenant: str, event_id: UUID, after: int = 0) -> list[StoredEvent]:
        """The next versions of an event, the first first; the event alone when it never changed."""
        event = await self.get(tenant, event_id)
        if event is None:
            return []
        found = await self._versions.of_event(tenant, event_id, after)
        if not found:
            return [event] if event.version > after else []
        own = {"_id": event_id, "versions": event.versions}
        return [_stored({**document, **own}) for document in found]

    async def facets(self, query: EventQuery, fields: Sequence[str], top: int, pace: Pace | None = None) -> FacetCounts:
        """For each field the `top` most frequent values and their counts among the events that match.

        Counted over the newest `FACET_EVENTS` of them; `complete` tells whether those were all. Equal counts are in the
        order of their values.
        Raises `Malformed` for a field that is not one of `FACET_FIELDS`.
        """
        unknown = set(fields) - set(FACET_FIELDS)
        if unknown:
            raise Malformed(f"facets: no such field: {', '.join(sorted(unknown))}")
        with translated("events"):
            found = await self._find(query, FACET_EVENTS + 1, {"_id": 1, **dict.fromkeys(fields, 1)}, pace)
        counted = found.documents[:FACET_EVENTS]
        return FacetCounts(
            fields={field: _most_frequent(counted, field, top) for field in fields},
            complete=len(found.documents) <= FACET_EVENTS and found.searched_to is None,
            searched_to=found.searched_to,
        )

    async def _find(self, query: EventQuery, limit: int, fields: Mapping[str, Any], pace: Pace | None) -> Found:
        """The newest `limit` documents that match."""
        wanted = _filter(query)
        if wanted.low >= wanted.high or limit < 1:
            return Found([])
        return await self._plan.newest(wanted, limit, fields, pace or _Unhurried())


def make_event_search(database: Database, clock: Clock | None = None) -> MongoEventSearch:
    """A search with the plan for the server behind `database`, which may be away as yet."""
    return MongoEventSearch(database, PlanOfServer(database, clock or SystemClock()))


def _filter(query: EventQuery) -> Wanted:
    tenant = check_tenant(_text("tenant", query.tenant))
    rest: Document = {}
    for field in _EXACT:
        value = getattr(query, field)
        if value is not None:
            rest[field] = _text(field, value)
    if not query.twins:
        rest["twin_of"] = {"$exists": False}
    index: Document = {"tenant": tenant}
    if query.terms:
        terms = sorted({_text("terms", term) for term in query.terms}, key=_commonness)
        # One term chooses the index entries, the rest filter what they lead to.
        index["terms"] = terms[0]
        if len(terms) > 1:
            rest["$and"] = [{"terms": {"$all": terms[1:]}}]
    low = lowest_id(query.start).int if query.start else 0
    high = lowest_id(query.end).int if query.end else TOP
    if query.before is not None:
        high = min(high, query.before.int)
    # Few events share a correlation id, and it has an index of its own, which a range of ids would make useless.
    few = None if query.correlation_id is None else {"tenant": tenant, "correlation_id": query.correlation_id}
    return Wanted(index, low, high, rest, few)


def _commonness(term: str) -> tuple[bool, int, str]:
    """Sorts the term first that is most likely the rarest: ids, addresses and names with digits, then long words."""
    return not any(character.isdigit() or character == "@" for character in term), -len(term), term


def _text(field: str, value: object) -> str:
    # A mapping here would be an operator of the query language.
    if not isinstance(value, str):
        raise Malformed(f"{field}: expected text")
    return value


def _most_frequent(documents: Sequence[Document], field: str, top: int) -> list[tuple[str, int]]:
    counts = Counter(value for document in documents if (value := document.get(field)) is not None)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def _stored(document: Document) -> StoredEvent:
    unmapped = document.get("unmapped")
    return StoredEvent(
        id=document["_id"],
        tenant=document["tenant"],
        source=document["source"],
        time=document["time"],
        service=document["service"],
        operation=document["operation"],
        result=document["result"],
        actor=document.get("actor"),
        ip=document.get("ip"),
        correlation_id=document.get("correlation_id"),
        tags=tuple(document.get("tags", ())),
        ocsf=document["event"],
        unmapped=orjson.loads(unmapped) if unmapped else {},
        raw=document.get("raw"),
        page=page_of(document),
        twin_of=document.get("twin_of"),
        twin=document.get("twin"),
        version=document["number"] if "number" in document else document.get("version", 1),
        versions=document.get("versions", 1),
    )

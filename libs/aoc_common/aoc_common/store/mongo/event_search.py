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
from aoc_common.store.mongo import conditions
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
    from aoc_common.contracts.query.filters import Clause, Need
    from aoc_common.store.mongo.search_plans import SearchPlan
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

#: Fields that facets can be counted over.
FACET_FIELDS: Final = ("source", "service", "operation", "result", "actor", "ip")
#: Facets are counted over at most this many events, the newest that match.
FACET_EVENTS: Final = 5_000

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

    async def count(self, query: EventQuery, most: int, pace: Pace | None = None) -> tuple[int, bool]:
        """How many events match, at most `most`, and whether these are all."""
        with translated("events"):
            found = await self._find(query, most + 1, {"_id": 1}, pace)
        return min(len(found.documents), most), len(found.documents) <= most and found.searched_to is None

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
    """One need chooses the index entries; the rest filters what they lead to."""
    for clause in query.where:
        _check_texts(clause)
    index: Document = {"tenant": check_tenant(_text("tenant", query.tenant))}
    lone = [clause.values[0] for clause in query.where if not clause.excluded and len(clause.values) == 1]
    needs = sorted({need for value in lone for need in value.needs}, key=_commonness)
    if needs:
        index |= conditions.need(needs[0])
    rest: list[Document] = [conditions.need(need) for need in needs[1:]]
    rest += [conditions.check(clause) for clause in query.where if conditions.beyond_needs(clause)]
    if not query.twins:
        rest.append({"twin_of": {"$exists": False}})
    low = lowest_id(query.start).int if query.start else 0
    high = lowest_id(query.end).int if query.end else TOP
    if query.before is not None:
        high = min(high, query.before.int)
    return Wanted(index, low, high, {"$and": rest} if rest else {})


def _commonness(need: Need) -> tuple[bool, bool, int, str]:
    """Sorts the need first that is most likely the rarest: terms before ranges, digits first, then long words."""
    first = need[0].first
    return (
        need[0].term is None,
        not any(character.isdigit() or character == "@" for character in first),
        -len(first),
        first,
    )


def _check_texts(clause: Clause) -> None:
    for value in clause.values:
        for span in (span for need in value.needs for span in need):
            _text(clause.field, span.first)
            _text(clause.field, span.last)
        if value.check is not None:
            _text(clause.field, value.check.text)


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

"""The `events` collection: reading.

Ids sort by time, so every page is newest first by `_id`, and a page goes on below the last id of the one before.

MongoDB gets one query and walks its index. SecantusDB (the local stand-in) reads *every* document of a range before it
sorts and limits (50 us each), and scans the whole collection as soon as a filter has a field beyond its index. There
a search walks back in time over windows of `_id`, each an aggregation whose first `$match` is the index and whose
second is the rest. An empty window costs under a millisecond, so windows start small and grow: a page reads about as
many documents as it shows, not all that match.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.ids import lowest_id, to_ms
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import Malformed
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import page_of
from aoc_common.store.ports import EventPage, FacetCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.store.ports import EventQuery

#: Fields that facets can be counted over.
FACET_FIELDS: Final = ("source", "service", "operation", "result", "actor", "ip")
#: Facets are counted over at most this many events, the newest that match.
FACET_EVENTS: Final = 5_000

_EXACT: Final = ("source", "service", "operation", "result", "actor", "ip", "correlation_id")
_NO_RAW: Final[Mapping[str, Any]] = {"raw": 0}
#: A query that takes longer than this on MongoDB is given up (and answered as "try again").
_GIVE_UP_MS: Final = 20_000

_TOP: Final = 1 << 128
_DAY_MS: Final = 86_400_000
_FIRST_MS: Final = 1_000
_GROWTH: Final = 4
#: Windows over silent time stay this narrow for the last years, where evidence lies in dense heaps: a wider one could
#: swallow a heap whole. Further back there is little but records without a time, so windows grow on.
_WIDEST_MS: Final = 30 * _DAY_MS
_RECENT_MS: Final = 10 * 365 * _DAY_MS
_REMEMBERED: Final = 1_024


@dataclass(frozen=True, slots=True)
class _Filter:
    """A query in parts: what the index serves, the range of ids [low, high), and what is left."""

    index: Document
    low: int
    high: int
    rest: Document

    def whole(self) -> Document:
        """The filter as one document, for a server that plans."""
        return {**self.index, **self.rest, **_ids(self.low, self.high)}


class MongoEventSearch:
    """`EventSearch` over `events`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._events = database["events"]
        self._versions = MongoEventVersions(database)
        self._clock = clock or SystemClock()
        self._local: bool | None = None
        # Tenant -> the newest id seen. Only a hint where to look first: the time above it was silent once.
        self._newest: dict[str, int] = {}

    async def search(self, query: EventQuery) -> EventPage:
        """One page, newest first, without raw text. Raises `Malformed` for a value that is not text."""
        with translated("events"):
            found = await self._find(query, query.limit + 1, _NO_RAW)
        return EventPage(
            events=tuple(_stored(document) for document in found[: query.limit]), more=len(found) > query.limit
        )

    async def get(self, tenant: str, event_id: UUID) -> StoredEvent | None:
        """One event with its raw text."""
        with translated("events"):
            document = await self._events.find_one({"tenant": check_tenant(tenant), "_id": event_id})
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

    async def facets(self, query: EventQuery, fields: Sequence[str], top: int) -> FacetCounts:
        """For each field the `top` most frequent values and their counts among the events that match.

        Counted over the newest `FACET_EVENTS` of them; `complete` tells whether those were all. Equal counts are in the
        order of their values.
        Raises `Malformed` for a field that is not one of `FACET_FIELDS`.
        """
        unknown = set(fields) - set(FACET_FIELDS)
        if unknown:
            raise Malformed(f"facets: no such field: {', '.join(sorted(unknown))}")
        with translated("events"):
            found = await self._find(query, FACET_EVENTS + 1, {"_id": 1, **dict.fromkeys(fields, 1)})
        counted = found[:FACET_EVENTS]
        return FacetCounts(
            fields={field: _most_frequent(counted, field, top) for field in fields},
            complete=len(found) <= FACET_EVENTS,
        )

    async def _find(self, query: EventQuery, limit: int, fields: Mapping[str, Any]) -> list[Document]:
        """The newest `limit` documents that match."""
        wanted = _filter(query)
        if wanted.low >= wanted.high or limit < 1:
            return []
        if not await self._is_local():
            cursor = self._events.find(wanted.whole(), fields, max_time_ms=_GIVE_UP_MS).sort("_id", -1).limit(limit)
            return await cursor.to_list(None)
        if query.correlation_id is not None:
            # Few events share one, and it has an index of its own, which a range of ids would make useless.
            index = {"tenant": query.tenant, "correlation_id": query.correlation_id}
            return await self._aggregate(index, wanted.whole(), limit, fields)
        return await self._walk(wanted, limit, fields)

    async def _walk(self, wanted: _Filter, limit: int, fields: Mapping[str, Any]) -> list[Document]:
        """Windows of ids back in time, until there are `limit` documents or the range is exhausted."""
        tenant = wanted.index["tenant"]
        now_ms = to_ms(self._clock.now())
        found: list[Document] = []
        high = wanted.high
        width = _FIRST_MS
        while high > wanted.low and len(found) < limit:
            low, width = _window(high, width, now_ms, None if found else self._newest.get(tenant))
            low = max(low, wanted.low)
            part = {**wanted.index, **_ids(low, high)}
            documents = await self._aggregate(part, wanted.rest, limit - len(found), fields)
            found += documents
            width = _next_width(width, len(documents), limit - len(found))
            high = low
        if found and not wanted.rest and "terms" not in wanted.index and wanted.high >> 80 >= now_ms:
            self._remember(tenant, found[0]["_id"].int)
        return found

    async def _aggregate(
        self, index: Document, rest: Document, limit: int, fields: Mapping[str, Any]
    ) -> list[Document]:
        if not rest:
            return await self._events.find(index, fields).sort("_id", -1).limit(limit).to_list(None)
        pipeline: list[Document] = [{"$match": index}, {"$match": rest}, {"$sort": {"_id": -1}}, {"$limit": limit}]
        pipeline.append({"$project": dict(fields)})
        return await self._events.aggregate(pipeline).to_list(None)

    async def _is_local(self) -> bool:
        if self._local is None:
            self._local = "secantusVersion" in await self._database.command("buildInfo")
        return self._local

    def _remember(self, tenant: str, newest: int) -> None:
        known = self._newest.pop(tenant, 0)
        self._newest[tenant] = max(known, newest)
        if len(self._newest) > _REMEMBERED:
            del self._newest[next(iter(self._newest))]


def _filter(query: EventQuery) -> _Filter:
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
    high = lowest_id(query.end).int if query.end else _TOP
    if query.before is not None:
        high = min(high, query.before.int)
    return _Filter(index, low, high, rest)


def _commonness(term: str) -> tuple[bool, int, str]:
    """Sorts the term first that is most likely the rarest: ids, addresses and names with digits, then long words."""
    return not any(character.isdigit() or character == "@" for character in term), -len(term), term


def _text(field: str, value: object) -> str:
    # A mapping here would be an operator of the query language.
    if not isinstance(value, str):
        raise Malformed(f"{field}: expected text")
    return value


def _ids(low: int, high: int) -> Document:
    """The filter for ids in [low, high)."""
    bounds: Document = {"$gte": UUID(int=low)}
    if high < _TOP:
        bounds["$lt"] = UUID(int=high)
    return {"_id": bounds}


def _window(high: int, width: int, now_ms: int, newest: int | None) -> tuple[int, int]:
    """Where the next window below `high` starts, and its width in ms.

    - The future is one window: normally nothing is there.
    - The time above the newest event known is one window: it was silent when last looked at.
    """
    now = now_ms << 80
    if high > now + (1 << 80):
        return max(now, newest + 1 if newest is not None and newest + 1 < high else 0), _FIRST_MS
    if newest is not None and high > newest + 1:
        return newest + 1, _FIRST_MS
    high_ms = high >> 80
    if now_ms - high_ms < _RECENT_MS:
        width = min(width, _WIDEST_MS)
    return max(high - (width << 80), 0), width


def _next_width(width: int, got: int, needed: int) -> int:
    """The width that should hold what is still needed, by the density just seen; wider by a bounded factor only."""
    if got == 0:
        return width * _GROWTH
    expected = width * needed * 5 // (got * 4)
    return max(_FIRST_MS, min(expected, width * _GROWTH))


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

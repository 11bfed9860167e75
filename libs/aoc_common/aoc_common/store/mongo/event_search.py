"""The `events` collection: reading.

Ids sort by time, so every page is newest first by `_id`, and a page goes on below the last id of the one before.

A query is compiled to access paths (`access_paths`): prefixes of indexes that lead to all of its events. A plan
(`search_plans`) takes one of them, and executes one scan or walks back in time along it over windows, in turns
(`event_walk`), so that a filter which nothing matches can be stopped, says how far it got, and goes on from there.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cachetools import TTLCache

from aoc_common.clock import SystemClock
from aoc_common.contracts.ids import to_ms
from aoc_common.store.mongo import access_paths, conditions
from aoc_common.store.mongo.client import Database, Document, check_known, translated
from aoc_common.store.mongo.event_outline import MongoOutline
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.field_values import check_fields, field_values, value_counts
from aoc_common.store.mongo.note_summaries import NoteSummaries
from aoc_common.store.mongo.search_plans import GIVE_UP_S, SearchPlan
from aoc_common.store.mongo.server_kinds import server_of
from aoc_common.store.mongo.stored_event import stored
from aoc_common.store.mongo.tag_search import TagSearch, asks_for_tags
from aoc_common.store.mongo.timeline import Timeline
from aoc_common.store.mongo.visible_events import WHOLE, VisibleEvents, hides_something_from
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.store.searches import EventPage, FacetCounts

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.mongo.access_paths import CompiledQuery
    from aoc_common.store.mongo.event_walk import SearchResult
    from aoc_common.store.mongo.server_kinds import Server
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery, FieldValues

#: Facets are counted over at most this many events, the newest that match.
FACET_EVENTS: Final = 5_000

_NO_RAW: Final[Mapping[str, Any]] = {"raw": 0}
#: Months of which hints are remembered, and for how many seconds.
_MONTHS: Final = 512
_REMEMBERED_S: Final = 30


class _NoPacing:
    """`Pace` of a search that nobody else waits for."""

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:  # noqa: ARG002
        """At once, and for as long as any query may take."""
        yield GIVE_UP_S


class MongoEventSearch:
    """`EventSearch` over `events`."""

    def __init__(
        self,
        database: Database,
        clock: Clock | None = None,
        server: Server | None = None,
        scanned: Database | None = None,
    ) -> None:
        self._database = database
        self._scanned = database if scanned is None else scanned
        self._events = database["events"]
        self._versions = MongoEventVersions(database)
        self._outline = MongoOutline(database)
        self._vocabulary = MongoVocabulary(database)
        self._visible = VisibleEvents(self._events, self._find)
        self._tags = TagSearch(database, self._compiled, self._find)
        self._notes = NoteSummaries(database)
        self._clock = clock or SystemClock()
        # Asked for at the first search: services are wired while the server may be away.
        self._plan = None if server is None else SearchPlan(self._scanned, server)
        self._hours: TTLCache[tuple[str, str], Mapping[int, int]] = TTLCache(_MONTHS, _REMEMBERED_S)

    async def search(self, query: EventQuery, pace: Pace | None = None, *, raw: bool = False) -> EventPage:
        """One page, newest first. Raises `Malformed` for a value that is not text."""
        with translated("events"):
            if query.scope.hidden:
                page = await self._visible.page(query, pace, raw=raw)
                return replace(page, events=tuple(await self._notes.on(query.tenant, page.events)))
            result = await self._find(query, query.limit + 1, WHOLE if raw else _NO_RAW, pace)
            events = [stored(document) for document in result.documents[: query.limit]]
            return EventPage(
                events=tuple(await self._notes.on(query.tenant, events)),
                more=len(result.documents) > query.limit,
                searched_to=result.searched_to,
            )

    async def get(self, scope: Scope, event_id: UUID) -> StoredEvent | None:
        """One event with its raw text."""
        check_known(self._database)
        with translated("events"):
            selected: Document = {"tenant": scope.tenant, "_id": event_id}
            if hiding := conditions.not_hidden(scope.hidden):
                selected["$and"] = hiding
            document = await self._events.find_one(selected, max_time_ms=int(GIVE_UP_S * 1000))
            shown = [] if document is None else await self._shown([document], scope)
            return next(iter(await self._notes.on(scope.tenant, shown)), None)

    async def versions(self, scope: Scope, event_id: UUID, after: int = 0) -> list[StoredEvent]:
        """The next versions of an event, the first first; the event alone when it never changed."""
        event = await self.get(scope, event_id)
        if event is None:
            return []
        documents = await self._versions.of_event(scope.tenant, event_id, after, conditions.not_hidden(scope.hidden))
        if not documents:
            return [event] if event.version > after else []
        own = {"_id": event_id, "versions": event.versions}
        with translated("events"):
            shown = await self._shown([{**document, **own} for document in documents], scope)
            return [replace(one, note_tags=event.note_tags, comments=event.comments) for one in shown]

    async def facets(self, query: EventQuery, fields: Sequence[str], top: int, pace: Pace | None = None) -> FacetCounts:
        """For each field the `top` most frequent values and their counts among the events that match.

        Counted over the newest `FACET_EVENTS` of them; `complete` tells whether those were all. Equal counts are in the
        order of their values.
        Raises `Malformed` for a field that is not one of `FIELDS`.
        """
        check_fields(fields)
        with translated("events"):
            counts, found = await value_counts(self._find, self._visible, query, fields, FACET_EVENTS, pace)
        return FacetCounts(
            fields={field: _top(counted, top) for field, counted in zip(fields, counts, strict=True)},
            complete=found.complete,
            searched_to=found.searched_to,
        )

    async def field_values(
        self, query: EventQuery, fields: Sequence[str], most: int, pace: Pace | None = None
    ) -> FieldValues:
        """Times and values of the newest `most` events that match, newest first.

        Raises `Malformed` for a field that is not one of `FIELDS`.
        """
        check_fields(fields)
        with translated("events"):
            return await field_values(self._find, self._visible, query, fields, most, pace)

    async def count(self, query: EventQuery, most: int, pace: Pace | None = None) -> tuple[int, bool]:
        """How many events match, at most `most`, and whether these are all."""
        with translated("events"):
            if hides_something_from(query):
                return await self._visible.count(query, most, pace)
            result = await self._find(query, most + 1, {"_id": 1}, pace)
        return min(len(result.documents), most), len(result.documents) <= most and result.searched_to is None

    async def _shown(self, documents: Sequence[Document], scope: Scope) -> list[StoredEvent]:
        if scope.hidden:
            return await self._visible.of(documents, scope)
        return [stored(document) for document in documents]

    async def _find(self, query: EventQuery, limit: int, fields: Mapping[str, Any], pace: Pace | None) -> SearchResult:
        """The newest `limit` documents that match."""
        tenant = access_paths.checked(query)
        if asks_for_tags(query):
            return await self._tags.find(query, limit, fields, pace or _NoPacing())
        if self._plan is None:
            self._plan = SearchPlan(self._scanned, await server_of(self._database))
        outline = await self._outline.read(tenant, kinds=access_paths.asks_for_kinds(query))
        compiled = await access_paths.compiled(query, outline.kinds, self._vocabulary)
        timeline = Timeline(outline.months, lambda month: self._hours_of(tenant, month), to_ms(self._clock.now()))
        return await self._plan.newest(compiled, timeline, limit, fields, pace or _NoPacing())

    async def _compiled(self, query: EventQuery) -> CompiledQuery:
        outline = await self._outline.read(query.tenant, kinds=access_paths.asks_for_kinds(query))
        return await access_paths.compiled(query, outline.kinds, self._vocabulary)

    async def _hours_of(self, tenant: str, month: str) -> Mapping[int, int]:
        key = tenant, month
        if key not in self._hours:
            self._hours[key] = await self._outline.hours(tenant, month)
        return self._hours[key]


def make_event_search(
    database: Database, clock: Clock | None = None, scanned: Database | None = None
) -> MongoEventSearch:
    """A search on the server behind `database`, which may be away as yet.

    `scanned`: the same, over a connection without a limit of its own: scans say how long each may take.
    """
    return MongoEventSearch(database, clock, scanned=scanned)


def _top(counts: Counter[str | None], top: int) -> list[tuple[str, int]]:
    there = [(value, count) for value, count in counts.items() if value is not None]
    return sorted(there, key=lambda item: (-item[1], item[0]))[:top]

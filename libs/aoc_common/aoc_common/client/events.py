"""Events: searched, read one by one, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from aoc_common.client.operations import operation
from aoc_common.gateway.events import EventDetail, EventPage, EventVersions, Facets
from aoc_common.gateway.overview import FilterOptions, Summary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from aoc_common.client.connection import Connection
    from aoc_common.client.filters import Filters
    from aoc_common.gateway.events import EventSummary

type FacetField = Literal["source", "service", "operation", "result", "actor", "ip", "country"]


class Events:
    """Events of a tenant, the newest first. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/events")
    async def page(self, *, cursor: str | None = None, page_size: int = 50, **filters: Unpack[Filters]) -> EventPage:
        """One page. `cursor`: `next_cursor` of the page before, with the same filters; `page_size`: 1 to 500."""
        params = {**filters, "cursor": cursor, "page_size": page_size}
        return await self._connection.ask(EventPage, "GET", "/api/events", params=params)

    async def pages(self, *, page_size: int = 500, **filters: Unpack[Filters]) -> AsyncIterator[EventPage]:
        """Page after page to the last. One can be empty: the search stopped for a while, and goes on."""
        cursor = None
        while True:
            page = await self.page(cursor=cursor, page_size=page_size, **filters)
            yield page
            if (cursor := page.next_cursor) is None:
                return

    async def all(self, *, page_size: int = 500, **filters: Unpack[Filters]) -> AsyncIterator[EventSummary]:
        """Every event that matches, each once, however many; what arrives meanwhile and is newer is not among them."""
        async for page in self.pages(page_size=page_size, **filters):
            for event in page.items:
                yield event

    @operation("GET", "/api/events/{event_id}")
    async def get(self, event_id: UUID | str, *, tenant: str | None = None) -> EventDetail:
        """One event, whole. Raises `Absent` when the tenant has none of this id."""
        return await self._connection.ask(EventDetail, "GET", f"/api/events/{event_id}", params={"tenant": tenant})

    @operation("GET", "/api/events/{event_id}/versions")
    async def versions(self, event_id: UUID | str, *, after: int = 0, tenant: str | None = None) -> EventVersions:
        """The next versions of an event, the first first. `after`: `next_after` of the answer before."""
        params = {"after": after, "tenant": tenant}
        return await self._connection.ask(EventVersions, "GET", f"/api/events/{event_id}/versions", params=params)

    async def all_versions(self, event_id: UUID | str, *, tenant: str | None = None) -> AsyncIterator[EventDetail]:
        """Every version of an event, the first first."""
        after: int | None = 0
        while after is not None:
            answer = await self.versions(event_id, after=after, tenant=tenant)
            for version in answer.items:
                yield version
            after = answer.next_after

    @operation("GET", "/api/facets")
    async def facets(
        self, *, field: Sequence[FacetField] | None = None, top: int = 10, **filters: Unpack[Filters]
    ) -> Facets:
        """The most frequent values of these fields, or of all. Without `start`: of the last 24 hours."""
        params = {**filters, "field": None if field is None else list(field), "top": top}
        return await self._connection.ask(Facets, "GET", "/api/facets", params=params)

    @operation("GET", "/api/filter-options")
    async def filter_options(self, *, top: int = 100, **filters: Unpack[Filters]) -> FilterOptions:
        """Values that events can be filtered by."""
        return await self._connection.ask(FilterOptions, "GET", "/api/filter-options", params={**filters, "top": top})

    @operation("GET", "/api/summary")
    async def summary(self, **filters: Unpack[Filters]) -> Summary:
        """How many events match, when the newest of them happened, and what they are."""
        return await self._connection.ask(Summary, "GET", "/api/summary", params=filters)

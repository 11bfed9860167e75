"""What leads from one event to others: over time, by what they share, by who takes part; and searches that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.entities import EntityReport
from aoc_common.gateway.histogram import Histogram
from aoc_common.gateway.related import RelatedEvents
from aoc_common.gateway.saved_searches import SavedSearchList, SavedSearchView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.client.connection import Connection
    from aoc_common.client.events import FacetField
    from aoc_common.client.filters import Filters
    from aoc_common.contracts.related import Reason
    from aoc_common.gateway.entities import EntityKind
    from aoc_common.gateway.histogram import Size
    from aoc_common.gateway.saved_searches import SavedSearchChange, SavedSearchRequest

_SAVED = "/api/saved-searches"
_ONE = f"{_SAVED}/{{search_id}}"


class Investigation:
    """Events in what they belong to. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/histogram")
    async def histogram(
        self,
        *,
        by: FacetField | None = None,
        top: int = 8,
        bucket: Size | None = None,
        zone: str | None = None,
        **filters: Unpack[Filters],
    ) -> Histogram:
        """How many events match, over time. Without `start`: of the last 24 hours."""
        params = {**filters, "by": by, "top": top, "bucket": bucket, "zone": zone}
        return await self._connection.ask(Histogram, "GET", "/api/histogram", params=params)

    @operation("GET", "/api/events/{event_id}/related")
    async def related(
        self,
        event_id: UUID | str,
        *,
        reason: Sequence[Reason] | None = None,
        minutes: int = 24 * 60,
        limit: int = 20,
        twins: Literal["in", "out"] = "in",
        tenant: str | None = None,
    ) -> RelatedEvents:
        """Events that share something with one, so long before and after it. Raises `Absent` for an unknown one."""
        params: dict[str, object] = {"reason": None if reason is None else list(reason), "twins": twins}
        params |= {"minutes": minutes, "limit": limit, "tenant": tenant}
        return await self._connection.ask(RelatedEvents, "GET", f"/api/events/{event_id}/related", params=params)

    @operation("GET", "/api/entities/{kind}/{entity_id}")
    async def entity(
        self,
        kind: EntityKind,
        entity_id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        zone: str | None = None,
        tenant: str | None = None,
    ) -> EntityReport:
        """Who or what it is, and what it has to do with. Raises `Absent` for an unknown one."""
        path = f"/api/entities/{kind}/{quote(entity_id, safe='')}"
        params = {"start": start, "end": end, "zone": zone, "tenant": tenant}
        return await self._connection.ask(EntityReport, "GET", path, params=params)

    @operation("GET", _SAVED)
    async def saved_searches(self, *, after: str | None = None, tenant: str | None = None) -> SavedSearchList:
        """A page of one's own and of those that others share. `after`: `next_after` of the page before."""
        return await self._connection.ask(SavedSearchList, "GET", _SAVED, params={"after": after, "tenant": tenant})

    async def all_saved_searches(self, *, tenant: str | None = None) -> AsyncIterator[SavedSearchView]:
        """All of them."""
        after = None
        while True:
            page = await self.saved_searches(after=after, tenant=tenant)
            for search in page.items:
                yield search
            if (after := page.next_after) is None:
                return

    @operation("POST", _SAVED)
    async def save_search(self, request: SavedSearchRequest, *, tenant: str | None = None) -> SavedSearchView:
        """Keep a search."""
        return await self._connection.ask(SavedSearchView, "POST", _SAVED, params={"tenant": tenant}, body=request)

    @operation("GET", _ONE)
    async def saved_search(self, search_id: str, *, tenant: str | None = None) -> SavedSearchView:
        """One of one's own, or one that is shared."""
        return await self._connection.ask(SavedSearchView, "GET", _path(search_id), params={"tenant": tenant})

    @operation("PUT", _ONE)
    async def replace_saved_search(
        self, search_id: str, request: SavedSearchRequest, *, tenant: str | None = None
    ) -> SavedSearchView:
        """Put another search in place of one of one's own."""
        params = {"tenant": tenant}
        return await self._connection.ask(SavedSearchView, "PUT", _path(search_id), params=params, body=request)

    @operation("PATCH", _ONE)
    async def change_saved_search(
        self, search_id: str, request: SavedSearchChange, *, tenant: str | None = None
    ) -> SavedSearchView:
        """Change one of one's own."""
        params = {"tenant": tenant}
        return await self._connection.ask(SavedSearchView, "PATCH", _path(search_id), params=params, body=request)

    @operation("DELETE", _ONE)
    async def remove_saved_search(self, search_id: str, *, tenant: str | None = None) -> SavedSearchView:
        """Remove one of one's own; as the tenant's administrator also one that is shared."""
        return await self._connection.ask(SavedSearchView, "DELETE", _path(search_id), params={"tenant": tenant})


def _path(search_id: str) -> str:
    return f"{_SAVED}/{quote(search_id, safe='')}"

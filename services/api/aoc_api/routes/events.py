"""Events."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, PrincipalDep, ReaderScope, ServicesDep
from aoc_api.event_lookup import event_of
from aoc_api.filters import Filters
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.contracts import ids
from aoc_common.gateway.events import EventDetail, EventPage, EventSummary, EventVersions, SearchHint
from aoc_common.store.searches import EventQuery

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get(
    "",
    response_model=EventPage,
    responses=problems.responses("cursor-invalid", "cursor-foreign", "repeated", "invalid-parameters", *BUSY),
)
@audited("events.search", "read")
async def list_events(
    filters: Filters,
    services: ServicesDep,
    principal: PrincipalDep,
    paced: Paced,
    note: Noted,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    page_size: Annotated[int, Query(ge=1, le=500, description="Events a page.")] = 50,
) -> EventPage:
    """Search a tenant's events, newest first.

    A page that is not full has `next_cursor` when the search stopped before its end: go on until it is null.
    """
    query = filters.query
    filtered = bound(query)
    before = services.cursors.read(cursor, filtered) if cursor is not None else None
    page = await services.search.search(replace(query, before=before, limit=page_size), paced)
    note.rows = len(page.events)
    last = page.events[-1].id if page.more else page.searched_to
    since = await services.incomplete_before()
    hint = None
    if not page.events and last is None and cursor is None:
        hint = await services.hints.of(query, filters.asked, paced)
        hint = replace(hint, tenants=tuple(await services.policy.seen(principal, hint.tenants)))
    return EventPage.model_construct(
        items=[EventSummary.of(event) for event in page.events],
        next_cursor=None if last is None else services.cursors.make(last, filtered),
        searched_back_to=ids.complete_from(page.searched_to),
        incomplete_before=None if since is None else min(since, services.clock.now()),
        hint=None if hint is None else SearchHint.of(hint),
    )


@router.get(
    "/{event_id}",
    response_model=EventDetail,
    dependencies=[Depends(refuse_unknown)],
    responses=problems.responses("repeated", "not-found", "invalid-parameters", "unavailable"),
)
@audited("events.read", "read")
async def get_event(
    services: ServicesDep,
    scope: ReaderScope,
    note: Noted,
    event_id: Annotated[UUID, Path(description="Event id.")],
) -> EventDetail:
    """One event, whole: OCSF and the record's own text."""
    found = await event_of(services.search, scope, event_id)
    note.rows = 1
    return EventDetail.of(found)


@router.get(
    "/{event_id}/versions",
    response_model=EventVersions,
    dependencies=[Depends(refuse_unknown)],
    responses=problems.responses("repeated", "not-found", "invalid-parameters", "unavailable"),
)
@audited("events.versions", "read")
async def get_versions(
    services: ServicesDep,
    scope: ReaderScope,
    note: Noted,
    event_id: Annotated[UUID, Path(description="Event id.")],
    after: Annotated[int, Query(ge=0, le=1 << 31, description="`next_after` of the answer before.")] = 0,
) -> EventVersions:
    """All versions of an event, whole: Microsoft changes records after it has delivered them."""
    event = await event_of(services.search, scope, event_id)
    found = await services.search.versions(scope, event_id, after)
    note.rows = len(found)
    last = found[-1].version if found else event.versions
    return EventVersions.model_construct(
        current=event.version,
        items=[EventDetail.of(one) for one in found],
        next_after=last if last < event.versions else None,
    )


def bound(query: EventQuery) -> dict[str, Any]:
    """The part of a query that a cursor belongs to; also what its reader may not see."""
    filters = asdict(query)
    del filters["before"], filters["limit"]
    filters["scope"]["hidden"] = {name: sorted(hidden) for name, hidden in filters["scope"]["hidden"].items()}
    return filters

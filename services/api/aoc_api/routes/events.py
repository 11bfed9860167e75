"""Events."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from aoc_api.deps import Filters, Given
from aoc_api.models import EventDetail, EventPage, EventSummary, Problem
from aoc_api.problems import ProblemError_
from aoc_common.contracts import subjects
from aoc_common.errors import Malformed

router = APIRouter(prefix="/api/events", tags=["events"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The cursor is not valid here."},
    422: {"model": Problem, "description": "A parameter is wrong."},
    503: {"model": Problem, "description": "The database is away."},
}


@router.get("", responses=_REFUSED)
async def list_events(  # FastAPI documents the parameters
    query: Filters,
    given: Given,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    page_size: Annotated[int, Query(ge=1, le=500, description="Events a page.")] = 50,
) -> EventPage:
    """Search a tenant's events, newest first."""
    before = None
    if cursor is not None:
        try:
            before = given.cursors.read(query, cursor)
        except Malformed as error:
            raise ProblemError_(400, "invalid-cursor", str(error)) from None
    page = await given.search.search(replace(query, before=before, limit=page_size))
    following = given.cursors.make(query, page.events[-1].id) if page.more else None
    return EventPage.model_construct(items=[EventSummary.of(event) for event in page.events], next_cursor=following)


@router.get("/{event_id}", responses={404: {"model": Problem}, 422: _REFUSED[422], 503: _REFUSED[503]})
async def get_event(
    given: Given,
    event_id: Annotated[UUID, Path(description="Event id.")],
    tenant: Annotated[str | None, Query(pattern=subjects.TENANT_PATTERN, description="Whose event.")] = None,
) -> EventDetail:
    """One event, whole: OCSF and the record's own text."""
    found = await given.search.get(tenant or given.options.default_tenant, event_id)
    if found is None:
        raise ProblemError_(404, "not-found", "There is no such event in this tenant.")
    return EventDetail.of(found)

"""Events that belong to an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, ReaderScope, ServicesDep
from aoc_api.event_lookup import event_of
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.contracts import ids
from aoc_common.contracts.related import REASONS, Reason, Shared, shared
from aoc_common.errors import TimedOut
from aoc_common.gateway.events import EventSummary
from aoc_common.gateway.related import RelatedEvents, RelatedGroup
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from aoc_api.admission import RequestPace
    from aoc_common.store.searches import EventSearch

router = APIRouter(prefix="/api/events", tags=["events"])

_DAY_MINUTES: Final = 24 * 60
_MOST_MINUTES: Final = 30 * _DAY_MINUTES


@router.get(
    "/{event_id}/related",
    response_model=RelatedEvents,
    dependencies=[Depends(refuse_unknown)],
    responses=problems.responses("repeated", "not-found", "invalid-parameters", *BUSY),
)
@audited("events.related", "read")
async def related_events(
    services: ServicesDep,
    scope: ReaderScope,
    paced: Paced,
    note: Noted,
    event_id: Annotated[UUID, Path(description="Event id.")],
    reason: Annotated[
        list[Reason] | None,
        Query(
            description="What events are to share with this one; anything when not given.",
            examples=[["session", "address"]],
        ),
    ] = None,
    minutes: Annotated[
        int, Query(ge=1, le=_MOST_MINUTES, description="How long before and after the event they may have happened.")
    ] = _DAY_MINUTES,
    limit: Annotated[int, Query(ge=1, le=100, description="Events of a reason.")] = 20,
    twins: Annotated[
        Literal["in", "out"],
        Query(description="`out` leaves out events that are second: another event tells of the same action."),
    ] = "in",
) -> RelatedEvents:
    """Events with the same actor, address, session, correlation id or target, around the time of one event.

    Grouped by what they share, each in its newest version; an event that shares several things is in each of these
    groups. Where there are more than `limit` of a reason, ask for less time, or list them by that filter.
    """
    event = await event_of(services.search, scope, event_id)
    start, end = _around(event.time, timedelta(minutes=minutes))
    query = EventQuery(scope, start=start, end=end, twins=twins == "in", limit=limit + 1)
    wanted = [one for one in shared(event) if one.reason in (reason or REASONS)]
    groups: list[RelatedGroup] = []
    for one in wanted:
        groups.append(await _group(services.search, query, one, event_id, paced, first=not groups))
    note.rows = sum(len(group.items) for group in groups)
    return RelatedEvents.model_construct(event=event_id, start=start, end=end, groups=groups)


async def _group(
    search: EventSearch, query: EventQuery, by: Shared, itself: UUID, pace: RequestPace, *, first: bool
) -> RelatedGroup:
    """The events of one reason. `query` has room for the event itself. Raises `TimedOut` for the first reason only."""
    try:
        page = await search.search(replace(query, where=(by.where,)), pace)
    except TimedOut:
        if first:
            raise
        # The reasons before it have used up the time of this request.
        return RelatedGroup.model_construct(
            reason=by.reason, values=list(by.values), items=[], more=False, searched_back_to=query.end
        )
    others = [event for event in page.events if event.id != itself]
    shown = others[: query.limit - 1]
    return RelatedGroup.model_construct(
        reason=by.reason,
        values=list(by.values),
        items=[EventSummary.of(event) for event in shown],
        more=len(others) > len(shown) or page.more,
        searched_back_to=ids.complete_from(page.searched_to),
    )


def _around(moment: datetime, span: timedelta) -> tuple[datetime, datetime]:
    """From so long before a moment until so long after it, both included; there is no time before 1970."""
    start = max(moment, ids.EPOCH + span) - span
    return start, ids.just_after(moment + span) if ids.LAST - moment > span else ids.LAST

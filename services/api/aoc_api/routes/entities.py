"""What is known of somebody or something."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from aoc_api import entities, problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, ReaderScope, ServicesDep
from aoc_api.filters import span
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY, invalid
from aoc_api.routes.histogram import zone_of
from aoc_common.contracts.directory import MAX_KEY
from aoc_common.contracts.query.values import Unsearchable
from aoc_common.gateway.entities import Activity, EntityKind, EntityReport
from aoc_common.gateway.events import FieldError
from aoc_common.store.searches import EventQuery

router = APIRouter(prefix="/api/entities", tags=["events"], dependencies=[Depends(refuse_unknown)])


@router.get(
    "/{kind}/{entity_id}",
    response_model=EntityReport,
    responses=problems.responses("repeated", "not-found", "invalid-parameters", *BUSY),
)
@audited("entities.read", "read")
async def get_entity(
    services: ServicesDep,
    scope: ReaderScope,
    paced: Paced,
    note: Noted,
    kind: Annotated[EntityKind, Path(description="What it is.")],
    entity_id: Annotated[
        str,
        Path(
            min_length=1,
            max_length=MAX_KEY,
            description="Object id, user name, application id, name, or IP address.",
            examples=["dana.reyes@contoso.example"],
        ),
    ],
    start: Annotated[
        datetime | None,
        Query(description="Events from this time on; UTC when it names no zone.", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    end: Annotated[datetime | None, Query(description="Events before this time.")] = None,
    zone: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=64,
            description="IANA time zone of the timelines; that of the tenant otherwise.",
            examples=["Europe/Amsterdam"],
        ),
    ] = None,
) -> EntityReport:
    """Who it is by the directory, when it was first and last seen, how often it did what, and when.

    Of each part that it plays in events (it acted, it was acted upon) the newest 5,000 are counted, or as many as there
    is time for; what was not counted to its end says so.
    """
    begin, until = span(start, end)
    clock = await zone_of(services, scope.tenant, zone)
    if entities.hides(kind, scope.hidden):
        raise _absent(scope.tenant, kind, entity_id)
    known = await entities.known(services.directory, scope.tenant, kind, entity_id)
    try:
        parts = entities.parts(kind, known.names)
    except Unsearchable as error:
        raise invalid("entity_id", str(error), "path") from None
    query = EventQuery(scope, start=begin, end=until)
    activities: list[Activity] = []
    for part, where in parts:
        activities.append(
            await entities.activity(services.counts, query, part, where, clock, paced, first=not activities)
        )
    if known.entity is None and not any(one.events or not one.complete for one in activities):
        raise _absent(scope.tenant, kind, entity_id)
    note.rows = sum(one.events for one in activities)
    return EntityReport(
        tenant=scope.tenant,
        kind=kind,
        id=entity_id,
        directory=known.entity,
        names=list(known.names),
        start=begin,
        end=until,
        zone=clock.key,
        activities=activities,
    )


def _absent(tenant: str, kind: EntityKind, entity_id: str) -> problems.Problem:
    detail = (
        f"tenant {tenant} has no {kind} {entity_id} that you may see, in its directory or its events of this time; ask "
        "for its object id, its whole user name or its address, or for more time"
    )
    error = FieldError(location="path", name="entity_id", detail=detail)
    return problems.Problem("not-found", f"There is no such {kind} in this tenant.", [error])

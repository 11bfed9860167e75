"""Overviews, under the paths and with the names that scripts of the field's earlier tool ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

import aoc_api
from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, ServicesDep
from aoc_api.export.formats import Format
from aoc_api.filters import Filters
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.gateway.overview import Features, FilterOptions, Summary, Version

router = APIRouter(prefix="/api", tags=["events"])

#: Facet -> the member of an overview that it is.
_MEMBERS: Final = {
    "source": "sources",
    "service": "services",
    "operation": "operations",
    "result": "results",
    "actor": "actors",
}
#: Events are counted up to so many.
_COUNTED: Final = 10_000
_TOP: Final = 10
_RESPONSES: Final = problems.responses("repeated", "invalid-parameters", *BUSY)


@router.get("/filter-options", response_model=FilterOptions, responses=_RESPONSES)
@audited("events.facets", "read")
async def filter_options(
    filters: Filters,
    services: ServicesDep,
    paced: Paced,
    note: Noted,
    top: Annotated[int, Query(ge=1, le=500, description="Values a field.")] = 100,
) -> FilterOptions:
    """Values that a list can be filtered by, of the events that the other filters leave.

    When no start is given: of the whole time of a tenant that has imported files only, else of the last 24 hours.
    """
    query = await services.default_range.of(filters.query, services.clock.now())
    counts = await services.counts.facets(query, list(_MEMBERS), top, paced)
    values = {member: [value for value, _ in counts.fields[field]] for field, member in _MEMBERS.items()}
    note.rows = sum(map(len, values.values()))
    return FilterOptions(tenant=query.tenant, start=query.start, end=query.end, complete=counts.complete, **values)


@router.get("/summary", response_model=Summary, responses=_RESPONSES)
@audited("events.summary", "read")
async def summary(filters: Filters, services: ServicesDep, paced: Paced, note: Noted) -> Summary:
    """How many events match, when the newest of them happened, and what they are.

    When no start is given: of the whole time of a tenant that has imported files only, else of the last 24 hours.
    """
    query = await services.default_range.of(filters.query, services.clock.now())
    newest = await services.search.search(replace(query, limit=1), paced)
    counted, exact = await services.counts.count(query, _COUNTED, paced)
    counts = await services.counts.facets(query, list(_MEMBERS), _TOP, paced)
    note.rows = counted
    return Summary(
        tenant=query.tenant,
        start=query.start,
        end=query.end,
        events=counted,
        exact=exact,
        newest=newest.events[0].time if newest.events else None,
        complete=counts.complete,
        **{member: dict(counts.fields[field]) for field, member in _MEMBERS.items()},
    )


@router.get("/version", response_model=Version, dependencies=[Depends(refuse_unknown)], tags=["operations"])
async def version() -> Version:
    """What answers here."""
    return Version(name="AOC gateway", version=aoc_api.__version__)


@router.get("/config/features", response_model=Features, dependencies=[Depends(refuse_unknown)], tags=["operations"])
async def features(services: ServicesDep) -> Features:
    """What this gateway can do, for who offers it to people."""
    return Features(
        sign_in=services.sign_in is not None, webhooks=services.verifier is not None, export_formats=list(Format)
    )

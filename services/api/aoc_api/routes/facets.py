"""Facets: what a tenant's events are made of."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, ServicesDep
from aoc_api.filters import Filters
from aoc_api.problems import BUSY
from aoc_common.contracts import ids
from aoc_common.gateway.events import Facets, FacetValue

router = APIRouter(prefix="/api/facets", tags=["events"])

type Field = Literal["source", "service", "operation", "result", "actor", "ip", "country"]
_ALL: Final[tuple[Field, ...]] = ("source", "service", "operation", "result", "actor", "ip", "country")


@router.get("", response_model=Facets, responses=problems.responses("repeated", "invalid-parameters", *BUSY))
@audited("events.facets", "read")
async def facets(
    filters: Filters,
    services: ServicesDep,
    paced: Paced,
    note: Noted,
    field: Annotated[list[Field] | None, Query(description="Fields to count; all when none is named.")] = None,
    top: Annotated[int, Query(ge=1, le=100, description="Values a field.")] = 10,
) -> Facets:
    """The most frequent values under the same filters.

    When no start is given: of the whole time of a tenant that has imported files only, else of the last 24 hours.
    """
    query = await services.default_range.of(filters.query, services.clock.now())
    counts = await services.counts.facets(query, field or _ALL, top, paced)
    note.rows = sum(count for values in counts.fields.values() for _, count in values)
    return Facets(
        start=query.start,
        end=query.end,
        complete=counts.complete,
        searched_back_to=ids.complete_from(counts.searched_to),
        facets={
            name: [FacetValue(value=value, count=count) for value, count in found]
            for name, found in counts.fields.items()
        },
    )

"""Facets: what a tenant's events are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from aoc_api import problems
from aoc_api.deps import Filters, Paced, ServicesDep
from aoc_api.models import Facets, FacetValue
from aoc_api.problems import BUSY
from aoc_common.contracts import ids
from aoc_common.contracts.ids import EPOCH

router = APIRouter(prefix="/api/facets", tags=["events"])

_DAY: Final = timedelta(hours=24)
#: No event is older than 1970; a day before the year 1 would be no date at all.
_EARLIEST: Final = EPOCH + _DAY

type Field = Literal["source", "service", "operation", "result", "actor", "ip", "country"]
_ALL: Final[tuple[Field, ...]] = ("source", "service", "operation", "result", "actor", "ip", "country")


@router.get("", response_model=Facets, responses=problems.responses("repeated", "invalid-parameters", *BUSY))
async def facets(
    filters: Filters,
    services: ServicesDep,
    paced: Paced,
    field: Annotated[list[Field] | None, Query(description="Fields to count; all when none is named.")] = None,
    top: Annotated[int, Query(ge=1, le=100, description="Values a field.")] = 10,
) -> Facets:
    """The most frequent values under the same filters; of the last 24 hours when no start is given."""
    query = filters.query
    start = query.start or max(query.end or services.clock.now(), _EARLIEST) - _DAY
    counts = await services.search.facets(replace(query, start=start), field or _ALL, top, paced)
    return Facets(
        start=start,
        end=query.end,
        complete=counts.complete,
        searched_back_to=ids.complete_from(counts.searched_to),
        facets={
            name: [FacetValue(value=value, count=count) for value, count in found]
            for name, found in counts.fields.items()
        },
    )

"""Events over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from aoc_api import counting, problems, time_buckets
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, Paced, Services, ServicesDep
from aoc_api.filters import Filters
from aoc_api.problems import BUSY, invalid
from aoc_api.routes.facets import Field
from aoc_common.contracts.ids import just_after
from aoc_common.gateway.histogram import Histogram, Size
from aoc_common.tenants import tenant as tenants

if TYPE_CHECKING:
    from aoc_common.store.searches import EventQuery

router = APIRouter(prefix="/api/histogram", tags=["events"])

#: Events that are counted at most, the newest that match.
COUNTED: Final = 20_000
#: Buckets that an answer has at most, and about how many where no size is asked for.
_MOST: Final = 500
_FITTING: Final = 60


@router.get("", response_model=Histogram, responses=problems.responses("repeated", "invalid-parameters", *BUSY))
@audited("events.histogram", "read")
async def histogram(
    filters: Filters,
    services: ServicesDep,
    paced: Paced,
    note: Noted,
    by: Annotated[Field | None, Query(description="Tell the values of this field apart.", examples=["service"])] = None,
    top: Annotated[int, Query(ge=1, le=20, description="Values that are told apart; the rest is `others`.")] = 8,
    bucket: Annotated[
        Size | None,
        Query(description="Length of a bucket; one that gives about 60 of them when not given.", examples=["1h"]),
    ] = None,
    zone: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=64,
            description="IANA time zone by whose clock buckets begin; that of the tenant when not given.",
            examples=["Europe/Amsterdam"],
        ),
    ] = None,
) -> Histogram:
    """How many events match, over time.

    The newest 20,000 are counted, or as many as there is time for; buckets before these say that they are not exact.
    When no start is given: of the whole time of a tenant that has imported files only, else of the last 24 hours.
    """
    query = await services.default_range.of(filters.query, services.clock.now())
    start, end = _range(query, services.clock.now())
    clock = await zone_of(services, query.tenant, zone)
    size = bucket or time_buckets.fitting(start, end, _FITTING)
    try:
        limits = time_buckets.limits(start, end, size, clock, _MOST)
    except time_buckets.TooMany as many:
        raise invalid("bucket", f"more than {many.most} buckets; ask for {many.advised}, or for less time") from None
    asked = replace(query, start=start, end=end)
    found = await services.counts.field_values(asked, [by] if by else [], COUNTED, paced)
    values = counting.most_frequent((row.values[0] for row in found.rows), top) if by else []
    note.rows = len(found.rows)
    return Histogram(
        tenant=query.tenant,
        start=start,
        end=end,
        zone=clock.key,
        bucket=size,
        by=by,
        values=(shown := [value for value, _ in values]),
        events=len(found.rows),
        complete=found.complete,
        counted_back_to=counting.counted_back_to(found),
        buckets=counting.over_time(found, limits, shown, 0 if by else None) if limits else [],
    )


def _range(query: EventQuery, now: datetime) -> tuple[datetime, datetime]:
    """The times of a query that has a start; it ends now where it has no end."""
    start = query.start or now
    return start, query.end or max(just_after(now), start)


async def zone_of(services: Services, tenant: str, named: str | None) -> ZoneInfo:
    """The time zone of this name, or that of the tenant. Raises a problem for what is none."""
    if named is None:
        known = await services.registry.get(tenant)
        return ZoneInfo("UTC") if known is None else known.time_zone
    try:
        found: ZoneInfo = tenants.zone(named)
    except ValueError as error:
        raise invalid("zone", str(error)) from None
    return found

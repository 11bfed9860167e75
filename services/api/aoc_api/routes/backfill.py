"""Backfills: requests to collect a span of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import AdminScope, Noted, ScopeOf, Services, ServicesDep, scoping
from aoc_api.parameters import refuse_unknown, utc
from aoc_common.contracts.jobs import BackfillJob
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.errors import Transient
from aoc_common.gateway.backfill import BackfillAccepted, BackfillRequest, BackfillSource, SourceName
from aoc_common.telemetry import logs

router = APIRouter(tags=["operations"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)])

_log = logs.get(__name__)

#: No source of Microsoft's keeps its records for longer unless somebody pays for it.
_LONGEST: Final = timedelta(days=366)


@router.post(
    "/api/fetch-audit-logs",
    status_code=202,
    response_model=BackfillAccepted,
    responses=problems.responses("bad-request", "repeated", "too-slow", "too-large", "invalid-parameters", "not-now"),
)
@audited("backfill.request", "create")
async def fetch_audit_logs(
    request: BackfillRequest,
    services: ServicesDep,
    scope_of: Annotated[ScopeOf, Depends(scoping("admin"))],
    note: Noted,
) -> BackfillAccepted:
    """Collect a stretch of time beside the live slices. What is stored already is not stored twice."""
    start, end = _whole_second("start", request.start), _whole_second("end", request.end)
    if end <= start:
        raise problems.invalid("end", "must be after start", "body")
    if end - start > _LONGEST:
        raise problems.invalid("start", f"is more than {_LONGEST.days} days before end", "body")
    if end > services.clock.now() + timedelta(minutes=1):
        raise problems.invalid("end", "lies in the future", "body")
    note.about = _about(request.source, services.tenant(request.tenant), start, end)
    tenant = (await scope_of(request.tenant)).tenant
    return await _asked(services, tenant, request.source, start, end)


@router.get(
    "/api/fetch-audit-logs",
    status_code=202,
    response_model=BackfillAccepted,
    dependencies=[Depends(refuse_unknown)],
    responses=problems.responses("cross-site", "method-not-allowed", "repeated", "invalid-parameters", "not-now"),
)
@audited("backfill.request", "create")
async def fetch_latest_audit_logs(
    request: Request,
    services: ServicesDep,
    scope: AdminScope,
    note: Noted,
    hours: Annotated[int, Query(ge=1, le=_LONGEST // timedelta(hours=1), description="Hours before now.")] = 24,
    source: Annotated[SourceName, Query(max_length=64, description="Feed; every one when not given.")] = None,
) -> BackfillAccepted:
    """Collect the latest hours, for scripts that ask with GET.

    It takes a token or a key: any page can have a browser send a GET with its cookie.
    """
    if request.scope.get("aoc.head"):
        raise problems.Problem("method-not-allowed", "HEAD changes nothing.", headers={"Allow": "GET, POST"})
    if "authorization" not in request.headers:
        raise problems.Problem("cross-site", "With the cookie of a session, send this as a POST.")
    end = services.clock.now().astimezone(UTC).replace(microsecond=0)
    start = end - timedelta(hours=hours)
    note.about = _about(source, scope.tenant, start, end)
    return await _asked(services, scope.tenant, source, start, end)


def _about(source: str | None, tenant: str, start: datetime, end: datetime) -> str:
    return f"{source or 'all sources'} of {tenant} from {start.isoformat()} to {end.isoformat()}"


async def _asked(
    services: Services, tenant: str, source: str | None, start: datetime, end: datetime
) -> BackfillAccepted:
    names = [source] if source else list(SOURCE_NAMES)
    jobs = [BackfillJob(tenant=tenant, source=name, start=start, end=end) for name in names]
    try:
        published = await services.publish_jobs(jobs)
    except Transient as error:
        _log.warning("job.unpublished", tenant=tenant, jobs=len(jobs), error=str(error))
        raise problems.not_now("The bus does not answer; ask again, nothing is asked twice.") from error
    _log.info("backfill.asked", tenant=tenant, sources=len(jobs), new=sum(published))
    states = [
        BackfillSource(source=name, state="asked" if new else "pending")
        for name, new in zip(names, published, strict=True)
    ]
    return BackfillAccepted(tenant=tenant, start=start, end=end, sources=states)


def _whole_second(name: str, moment: datetime) -> datetime:
    try:
        return (utc(moment) or moment).astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise problems.invalid(name, "is no time of this world", "body") from None

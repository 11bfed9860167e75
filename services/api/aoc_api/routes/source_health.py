"""How every source does, why, and what to do."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Depends

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, ReaderScope, ServicesDep, request_pace
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.gateway.health import SourceHealth, SourceHealthList, stillness
from aoc_common.store.source_health import Bounds, judge

router = APIRouter(prefix="/api/source-health", tags=["operations"], dependencies=[Depends(refuse_unknown)])


@router.get(
    "",
    response_model=SourceHealthList,
    dependencies=[Depends(request_pace, scope="function")],
    responses=problems.responses("repeated", "invalid-parameters", *BUSY),
)
@audited("source-health.read", "read")
async def source_health(services: ServicesDep, scope: ReaderScope, note: Noted) -> SourceHealthList:
    """The health of every source of a tenant, and what to do about those that are not well."""
    now, options = services.clock.now(), services.options
    bounds = Bounds(timedelta(seconds=options.stalled_after_s), timedelta(hours=options.expiry_warning_h))
    accounts = await services.accounts_of(scope.tenant, now)
    tenant = await services.registry.get(scope.tenant)
    paused = tenant is not None and tenant.paused
    sources = [SourceHealth.of(account, judge(account, bounds, now, paused=paused), now) for account in accounts]
    note.rows = len(sources)
    return SourceHealthList(tenant=scope.tenant, at=now, stands_still=stillness(services.still()), sources=sources)

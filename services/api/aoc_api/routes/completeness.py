"""How complete the collection is, source by source, and what of it the sinks have delivered."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Depends

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, ReaderScope, ServicesDep, request_pace
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.gateway.completeness import Completeness, PauseView, SinkDelivery, SourceCompleteness

router = APIRouter(prefix="/api/completeness", tags=["operations"], dependencies=[Depends(refuse_unknown)])


@router.get(
    "",
    response_model=Completeness,
    dependencies=[Depends(request_pace, scope="function")],
    responses=problems.responses("repeated", "invalid-parameters", *BUSY),
)
@audited("completeness.read", "read")
async def completeness(services: ServicesDep, scope: ReaderScope, note: Noted) -> Completeness:
    """What of a tenant's sources is settled, on its way, and missing; and what of it each sink has delivered."""
    now = services.clock.now()
    accounts = await services.accounts_of(scope.tenant, now)
    note.rows = len(accounts)
    return Completeness(
        tenant=scope.tenant,
        at=now,
        pauses=[PauseView(**asdict(pause)) for pause in await services.registry.pauses(scope.tenant)],
        sources=[SourceCompleteness.of(account) for account in accounts],
        sinks=[SinkDelivery(**asdict(delivery)) for delivery in await services.sinks.deliveries.of(scope.tenant)],
    )

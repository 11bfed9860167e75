"""How complete the collection is, source by source."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from aoc_api import problems
from aoc_api.deps import Given, Tenant, refuse_unknown, turn
from aoc_api.models import Completeness, SourceCompleteness
from aoc_api.problems import BUSY

router = APIRouter(prefix="/api/completeness", tags=["operations"])


@router.get(
    "",
    response_model=Completeness,
    dependencies=[Depends(refuse_unknown), Depends(turn, scope="function")],
    responses=problems.responses("repeated", "invalid-parameters", *BUSY),
)
async def completeness(given: Given, tenant: Tenant) -> Completeness:
    """What of a tenant's sources is settled, what is on its way, and what is missing."""
    now = given.clock.now()
    accounts = await given.accounts_of(tenant, now)
    return Completeness(tenant=tenant, at=now, sources=[SourceCompleteness.of(account) for account in accounts])

"""Break-glass: somebody lifts a tenant's privacy rules for himself, for a while, and on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_api.access.recording import AccessChange
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, PrincipalDep, ReaderScope, ScopeOf, Services, ServicesDep, scoping
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.access import includes
from aoc_common.gateway.access import LiftList, LiftRequest, LiftView
from aoc_common.store.break_glass import Lift

router = APIRouter(
    prefix="/api/break-glass", tags=["access"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

_LISTED: Final = 200


@router.get(
    "",
    response_model=LiftList,
    responses=problems.responses("repeated", "forbidden", "invalid-parameters", "unavailable"),
)
@audited("break-glass.list", "read")
async def list_lifts(services: ServicesDep, principal: PrincipalDep, scope: ReaderScope) -> LiftList:
    """Who has lifted a tenant's privacy rules: all of it for its administrators, else what you have lifted."""
    role = await services.policy.role(principal, scope.tenant, "reader")
    whose = None if includes(role, "admin") else principal.id
    now = services.clock.now()
    lifts = await services.break_glass.listed(scope.tenant, whose, _LISTED)
    return LiftList(items=[LiftView.of(lift, now) for lift in lifts])


@router.post(
    "",
    status_code=201,
    response_model=LiftView,
    responses=problems.responses(
        "bad-request", "repeated", "forbidden", "too-slow", "too-large", "invalid-parameters", "nothing-hidden",
        "unavailable",
    ),
)  # fmt: skip
@audited("break-glass.lift", "change")
async def break_glass(
    request: LiftRequest,
    services: ServicesDep,
    principal: PrincipalDep,
    scope_of: Annotated[ScopeOf, Depends(scoping("reader"))],
    note: Noted,
) -> LiftView:
    """See what a tenant's privacy rules hide from you, for a while. It is recorded with its reason, and listed."""
    note.about = f"for {request.minutes} minutes: {request.reason}"
    if principal.kind != "person":
        raise problems.forbidden("Only people break the glass, with a reason of their own.")
    now, lasts = services.clock.now(), timedelta(minutes=request.minutes)
    if lasts > (longest := timedelta(hours=services.options.break_glass_h)):
        raise problems.invalid("minutes", f"at most {longest.total_seconds() / 60:g}", "body")
    scope = await scope_of(request.tenant)
    role = await services.policy.role(principal, scope.tenant, "reader")
    if not scope.hidden:
        raise problems.Problem("nothing-hidden", f"Nothing of tenant {scope.tenant} is hidden from you.")
    if not await services.privacy.may_break_glass(scope.tenant, role):
        raise problems.forbidden("The rules that hide something from you do not allow your role to lift them.")
    lift = Lift(uuid4().hex, scope.tenant, principal.id, principal.name, request.reason, now, now + lasts)
    details = {"lift": lift.id, "reason": lift.reason, "ends_at": lift.ends_at.isoformat()}
    change = AccessChange("glass.broken", principal, scope.tenant, details, note.address, note.request_id)
    await services.record_change(change)
    await services.break_glass.begin(lift)
    services.privacy.forget(principal.id, scope.tenant)
    return LiftView.of(lift, now)


@router.delete(
    "/{lift_id}",
    response_model=LiftView,
    responses=problems.responses("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable"),
)
@audited("break-glass.end", "change")
async def mend_glass(
    services: ServicesDep,
    principal: PrincipalDep,
    scope: ReaderScope,
    note: Noted,
    lift_id: Annotated[str, Path(max_length=64, pattern="^[0-9a-f]+$", description="Its id.")],
) -> LiftView:
    """End it before its time: your own, or as the tenant's administrator any."""
    role = await services.policy.role(principal, scope.tenant, "reader")
    lift = await services.break_glass.get(scope.tenant, lift_id)
    if lift is None or not (lift.principal == principal.id or includes(role, "admin")):
        raise _absent()
    details = {"lift": lift.id}
    change = AccessChange("glass.mended", principal, lift.tenant, details, note.address, note.request_id)
    await services.record_change(change)
    return LiftView.of(await _ended(services, principal, lift), services.clock.now())


async def _ended(services: Services, principal: Principal, lift: Lift) -> Lift:
    ended = await services.break_glass.end(lift.tenant, lift.id, services.clock.now(), principal.id)
    services.privacy.forget(lift.principal, lift.tenant)
    if ended is None:
        raise _absent()
    return ended


def _absent() -> problems.Problem:
    return problems.Problem("not-found", "There is no such lift of yours in this tenant that has not ended.")

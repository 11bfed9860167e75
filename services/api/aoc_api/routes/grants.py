"""Who was granted what."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Query, Response

from aoc_api import problems
from aoc_api.access.granting import may_give, may_take_back
from aoc_api.access.note import Note
from aoc_api.access.principal import Principal
from aoc_api.access.recording import AccessChange, AccessEvent
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, Services, ServicesDep, somewhere
from aoc_api.parameters import refuse_unknown, utc
from aoc_common.contracts.access import Grant
from aoc_common.errors import Malformed
from aoc_common.gateway.access import GrantList, GrantRequest, GrantView
from aoc_common.store.grants import Grantee, LastSuperadmin, StoredGrant, TooManyGrants

router = APIRouter(
    prefix="/api/grants", tags=["access"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

AdminDep = Annotated[Principal, Depends(somewhere("admin"))]
#: Grants that are read at once to find those that somebody may see.
_READ: Final = 200


@router.get(
    "",
    response_model=GrantList,
    responses=problems.responses("repeated", "forbidden", "invalid-parameters", "unavailable"),
)
@audited("grants.list", "read")
async def list_grants(
    services: ServicesDep,
    admin: AdminDep,
    after: Annotated[str, Query(max_length=64, description="`next_after` of the answer before.")] = "",
) -> GrantList:
    """The grants over what you are administrator of. A page can have fewer than the next one."""
    read = await services.grant_store.listed(after, _READ)
    now, groups_of = services.clock.now(), services.privacy.groups_of
    return GrantList(
        items=[GrantView.of(stored, now) for stored in read if await may_take_back(admin, stored.grant, groups_of)],
        next_after=read[-1].id if len(read) == _READ else None,
    )


@router.post(
    "",
    status_code=201,
    response_model=GrantView,
    responses=problems.responses(
        "bad-request", "repeated", "forbidden", "too-slow", "too-large", "invalid-parameters", "unavailable"
    ),
)
@audited("grants.add", "create")
async def add_grant(request: GrantRequest, services: ServicesDep, admin: AdminDep, note: Noted) -> GrantView:
    """Give a role: up to your own, over what you are administrator of, for no longer than you are."""
    note.about = f"{request.role} for {request.kind} {request.grantee}"
    if admin.kind == "api-key":
        raise problems.forbidden("No API key gives roles: who has stolen one could keep what it opened.")
    now, until = services.clock.now(), utc(request.until)
    if until is not None and until <= now:
        raise problems.invalid("until", "lies in the past", "body")
    try:
        grantee = Grantee(
            request.kind, request.grantee.strip().lower() if request.kind != "api-key" else request.grantee
        )
    except Malformed as error:
        raise problems.invalid("grantee", str(error), "body") from None
    grant = Grant(
        request.role,
        frozenset(request.tenants),
        frozenset(request.groups),
        request.everything,
        None if until is None else until.astimezone(UTC).replace(microsecond=0),
    )
    if not await may_give(admin, grant, services.privacy.groups_of):
        raise problems.forbidden(
            "You can give roles up to your own, over what you are administrator of, for no longer than you are."
        )
    stored = StoredGrant(
        id=uuid4().hex,
        grantee=grantee,
        grant=grant,
        given_by=admin.id,
        given_by_name=admin.name,
        given_at=now,
        name=request.name,
        reason=request.reason,
        directories=await services.privacy.directories_of(grant.tenants),
    )
    await _record(services, admin, "grant.added", stored, note)
    try:
        await services.grant_store.add(stored)
    except TooManyGrants as error:
        raise problems.invalid("grantee", str(error), "body") from None
    services.grants.forget()
    return GrantView.of(stored, now)


@router.delete(
    "/{grant_id}",
    status_code=204,
    response_class=Response,
    responses=problems.responses("repeated", "forbidden", "not-found", "last-superadmin", "unavailable"),
)
@audited("grants.remove", "delete")
async def remove_grant(
    services: ServicesDep,
    admin: AdminDep,
    note: Noted,
    grant_id: Annotated[str, Path(max_length=64, pattern="^[0-9a-f]+$", description="Its id.")],
) -> Response:
    """Take a grant back. It counts no more within seconds."""
    stored = await services.grant_store.get(grant_id)
    # Who may not take it back does not learn that it is there.
    if stored is None or not await may_take_back(admin, stored.grant, services.privacy.groups_of):
        raise problems.Problem("not-found", "There is no such grant over what you are administrator of.")
    await _record(services, admin, "grant.removed", stored, note)
    try:
        await services.grant_store.remove(grant_id)
    except LastSuperadmin as error:
        raise problems.Problem("last-superadmin", f"{str(error).capitalize()}.") from None
    services.grants.forget()
    return Response(status_code=204)


async def _record(services: Services, admin: Principal, event: AccessEvent, stored: StoredGrant, note: Note) -> None:
    """Put it on record: whole for who administers all tenants, and for each tenant without the others."""
    whole = GrantView.of(stored, services.clock.now()).model_dump(mode="json", exclude={"in_force"})
    # What is written of it is cut somewhere: the longest part comes last.
    whole["tenants"] = whole.pop("tenants")
    views: dict[str | None, dict[str, Any]] = {None: whole}
    views |= {tenant: whole | {"groups": [], "tenants": [tenant]} for tenant in sorted(stored.grant.tenants)}
    for tenant, view in views.items():
        change = AccessChange(event, admin, tenant, {"grant": view}, note.address, note.request_id)
        await services.record_change(change)

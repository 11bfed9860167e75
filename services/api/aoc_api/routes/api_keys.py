"""API keys: made, listed, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from aoc_api import problems
from aoc_api.access.granting import may_give
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, PrincipalDep, ServicesDep, somewhere
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.access import includes
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.gateway.sign_in import ApiKeyRequest, ApiKeys, ApiKeyView, NewApiKey
from aoc_common.store.api_keys import ApiKey
from aoc_common.telemetry import logs

router = APIRouter(
    prefix="/api/api-keys", tags=["access"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

_log = logs.get(__name__)


@router.get(
    "",
    response_model=ApiKeys,
    responses=problems.responses("unauthenticated", "repeated", "invalid-parameters", "unavailable"),
)
@audited("api-keys.list", "read")
async def list_api_keys(services: ServicesDep, principal: PrincipalDep) -> ApiKeys:
    """The keys that you made, or everybody's for a superadmin over all tenants: the newest 1,000."""
    now = services.clock.now()
    keys = await services.api_keys.listed(None if _sees_all(principal) else principal.id)
    return ApiKeys(items=[ApiKeyView.of(key, now) for key in keys])


@router.post(
    "",
    status_code=201,
    response_model=NewApiKey,
    responses=problems.responses(
        "unauthenticated", "forbidden", "repeated", "too-slow", "too-large", "invalid-parameters", "unavailable"
    ),
)
@audited("api-keys.make", "create")
async def make_api_key(
    request: ApiKeyRequest,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(somewhere("admin"))],
    note: Noted,
) -> NewApiKey:
    """Make a key. It is shown this once, and may do nothing that you may not. A key makes no keys."""
    note.about = _asked_for(request)
    if principal.kind == "api-key":
        # A stolen key must not make itself a longer life.
        raise problems.forbidden("An API key makes no API keys: sign in as a person, or with an access token.")
    secret, now = new_api_key(), services.clock.now()
    of, expires_at = fingerprint(secret), now + timedelta(days=request.days)
    grants = tuple(view.grant(expires_at) for view in request.grants)
    for grant in grants:
        if not await may_give(principal, grant, services.policy.groups_of):
            raise problems.forbidden(
                "A key can do what you can do yourself, over what you are administrator of, for no longer than you are."
            )
    directories = await services.privacy.directories_of({tenant for grant in grants for tenant in grant.tenants})
    key = ApiKey(of.id, request.name, grants, principal.id, now, expires_at, directories=directories)
    note.about = f"key/{key.id}: {note.about}"
    await services.api_keys.put(key, of)
    _log.info("api_key.made", key=key.id, by=principal.id)
    return NewApiKey(secret=secret, key=ApiKeyView.of(key, now))


@router.delete(
    "/{key_id}",
    response_model=ApiKeyView,
    responses=problems.responses("unauthenticated", "not-found", "repeated", "invalid-parameters", "unavailable"),
)
@audited("api-keys.revoke", "delete")
async def revoke_api_key(
    services: ServicesDep,
    principal: PrincipalDep,
    key_id: Annotated[str, Path(pattern="^[0-9a-f]{24}$", description="The key's id.")],
) -> ApiKeyView:
    """Revoke a key that you made; any key for a superadmin over all tenants. Within five seconds it opens nothing."""
    now = services.clock.now()
    # The same for one that somebody else made: which there are is nobody else's business.
    key = await services.api_keys.revoke(
        key_id, principal.id, now, made_by=None if _sees_all(principal) else principal.id
    )
    services.key_verification.forget(key_id)
    _log.info("api_key.revoked", key=key.id, by=principal.id)
    return ApiKeyView.of(key, now)


def _asked_for(request: ApiKeyRequest) -> str:
    """A key as the audit trail tells of it: what decides most comes first, since the rest may be cut."""
    rights = (
        f"{grant.role} over {'everything' if grant.everything else ', '.join([*grant.groups, *grant.tenants])}"
        for grant in request.grants
    )
    return f"{request.name}, for {request.days} days: {'; '.join(rights)}"


def _sees_all(principal: Principal) -> bool:
    role = principal.role_over_everything()
    return role is not None and includes(role, "superadmin")

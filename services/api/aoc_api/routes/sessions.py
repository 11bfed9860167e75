"""Who one is, and the sessions of browsers: listed, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from aoc_api import problems
from aoc_api.access.presented import presented
from aoc_api.access.sessions import forgery
from aoc_api.audit.acts import audited
from aoc_api.deps import PrincipalDep, ServicesDep
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.credentials import fingerprint
from aoc_common.errors import NotFound
from aoc_common.gateway.sign_in import Me, RightView, Sessions, SessionView
from aoc_common.telemetry import logs

router = APIRouter(prefix="/api", tags=["access"], dependencies=[Depends(refuse_unknown)])

_log = logs.get(__name__)
_PROBLEMS = ("unauthenticated", "repeated", "invalid-parameters", "unavailable")


@router.get("/me", response_model=Me, responses=problems.responses(*_PROBLEMS))
@audited("sessions.me", "read")
async def me(request: Request, principal: PrincipalDep) -> Me:
    """Who you are here, and what you may do."""
    shown = presented(request)
    return Me(
        principal=principal.id,
        kind=principal.kind,
        name=principal.name,
        grants=[RightView.of(grant) for grant in principal.grants],
        means="token" if shown is None else shown.means,
        csrf_token=forgery.token(shown.secret) if shown is not None and shown.means == "session" else None,
    )


@router.get(
    "/sessions",
    response_model=Sessions,
    responses=problems.responses(*_PROBLEMS, "forbidden"),
)
@audited("sessions.list", "read")
async def sessions(
    request: Request,
    services: ServicesDep,
    principal: PrincipalDep,
    everybody: Annotated[bool, Query(description="Of everybody: for a superadmin over all tenants.")] = False,
) -> Sessions:
    """Where you are signed in with a browser: the newest 1,000."""
    if everybody:
        services.policy.check_everywhere(principal, "superadmin")
    shown = presented(request)
    current = None if shown is None else fingerprint(shown.secret).id
    return Sessions(
        items=[
            SessionView(
                id=session.id,
                principal=session.person.principal_id,
                name=session.person.name,
                began_at=session.began_at,
                seen_at=session.seen_at,
                ends_at=services.sessions.ends_at(session),
                address=session.address,
                user_agent=session.user_agent,
                current=session.id == current,
            )
            for session in await services.sessions.listed(None if everybody else principal.id)
        ]
    )


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    response_model=None,
    responses=problems.responses(*_PROBLEMS, "forbidden", "not-found", "cross-site"),
)
@audited("sessions.end", "delete")
async def end_session(
    services: ServicesDep,
    principal: PrincipalDep,
    session_id: Annotated[str, Path(pattern="^[0-9a-f]{24}$", description="The session's id.")],
    everybody: Annotated[bool, Query(description="Whosever it is: for a superadmin over all tenants.")] = False,
) -> None:
    """End a session of yours. Within five seconds its browser is signed out, at every replica."""
    if everybody:
        services.policy.check_everywhere(principal, "superadmin")
    if not await services.sessions.end(session_id, None if everybody else principal.id):
        raise NotFound("There is no such session.")
    _log.info("session.ended", session=session_id, by=principal.id)

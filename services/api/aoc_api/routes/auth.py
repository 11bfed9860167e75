"""Signing in and out with a browser. Served to everybody: what is here proves itself who somebody is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_api.access.presented import presented
from aoc_api.access.principal import Principal
from aoc_api.access.sessions import cookies, forgery
from aoc_api.access.sessions.sign_in import LASTS_S, SignInFailed, local_path
from aoc_api.audit.acts import audited
from aoc_api.deps import ServicesDep, can_be_noted
from aoc_api.routes.pages import page
from aoc_common.contracts.credentials import fingerprint
from aoc_common.errors import Transient
from aoc_common.gateway.sign_in import SignInWays
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from aoc_api.deps import Services
    from aoc_common.store.sessions import SignedIn

router = APIRouter(tags=["access"])

_log = logs.get(__name__)
_CALLBACK: Final = "/auth/callback"
_LINKED: Final = "Where AOC runs, `aoc sign-in-link` prints a link that signs one browser in, once."
_LONGEST: Final = 100
_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/html": {}}, "description": "A page"}}
_WENT_ON: Final[dict[int | str, dict[str, Any]]] = {303: {"description": "Signed in; the browser goes on"}}
_NOT_NOTED: Final = problems.responses("not-noted")
_LED: Final[dict[int | str, dict[str, Any]]] = {303: {"description": "The browser goes to the identity provider"}}


@router.get("/api/config/auth", response_model=SignInWays)
async def ways_to_sign_in(services: ServicesDep) -> SignInWays:
    """How one signs in here."""
    return services.ways


@router.get("/auth/login", status_code=303, response_class=Response, responses={**_PAGE, **_LED})
async def login(
    request: Request,
    services: ServicesDep,
    return_to: Annotated[
        str | None, Query(max_length=4096, description="Path of this gateway to go on to.", examples=["/api/events"])
    ] = None,
) -> Response:
    """Sign in with a browser."""
    if services.sign_in is None:
        return page("Sign in", "This gateway has no identity provider.", _LINKED)
    try:
        begun = await services.sign_in.begin(return_to, _redirect_uri(request))
    except Transient as error:
        _log.warning("sign_in.provider_away", error=str(error))
        return page("Sign in", "The identity provider does not answer. Try again in a moment.", status=503, again=True)
    response = RedirectResponse(begun.url, 303)
    cookies.put(request, response, cookies.sign_in_name(request), begun.cookie, LASTS_S)
    return response


@router.get(
    _CALLBACK,
    status_code=303,
    response_class=Response,
    dependencies=[Depends(can_be_noted)],
    responses=_WENT_ON | _NOT_NOTED,
)
@audited("sign-in", "sign-in")
async def callback(request: Request, services: ServicesDep) -> Response:
    """Where the identity provider sends the browser back."""
    if services.sign_in is None:
        return page("Sign in", "This gateway has no identity provider.", _LINKED, status=404)
    name = cookies.sign_in_name(request)
    begun = cookies.values(request, name)
    try:
        person, return_to = await services.sign_in.finish(begun, dict(request.query_params), _redirect_uri(request))
        response = await _signed_in(request, services, person, "microsoft", return_to)
    except SignInFailed as failed:
        note_of(request.scope).about = failed.reason
        _log.warning("sign_in.failed", reason=failed.reason, client=_client(request))
        response = page("Not signed in", str(failed), status=403, again=True)
    except Transient as error:
        _log.warning("sign_in.provider_away", error=str(error))
        response = page("Not signed in", "A server that is needed for it does not answer.", status=503, again=True)
    cookies.drop(request, response, name)
    return response


@router.get(
    "/auth/link",
    status_code=303,
    response_class=Response,
    dependencies=[Depends(can_be_noted)],
    responses=_WENT_ON | _NOT_NOTED,
)
@audited("sign-in", "sign-in")
async def link(
    request: Request,
    services: ServicesDep,
    token: Annotated[str, Query(max_length=_LONGEST, description="What `aoc sign-in-link` made.")],
    return_to: Annotated[str | None, Query(max_length=4096, description="Path of this gateway to go on to.")] = None,
) -> Response:
    """Sign a browser in by a link, which is used up."""
    person = await services.links.take(fingerprint(token), services.clock.now())
    if person is None:
        _log.warning("sign_in.failed", reason="link", client=_client(request))
        return page("Not signed in", "This link was used already, or is older than it may be.", _LINKED, status=410)
    return await _signed_in(request, services, person, "link", local_path(return_to))


@router.post(
    "/auth/logout",
    status_code=204,
    response_class=Response,
    dependencies=[Depends(can_be_noted)],
    responses=problems.responses("ambiguous-credentials", "cross-site", "unavailable"),
)
@audited("sign-out", "sign-out")
async def logout(request: Request, services: ServicesDep) -> Response:
    """End the session of this browser. Idempotent."""
    shown = presented(request)
    if shown is not None and shown.means == "session":
        forgery.check(request, shown.secret)
        ended = fingerprint(shown.secret).id
        # One that has ended, or never was, is nobody's.
        with suppress(problems.Problem):
            person = (await services.sessions.verified(shown.secret)).person
            note_of(request.scope).principal = _known(person)
        if await services.sessions.end(ended):
            _log.info("session.ended", session=ended, by="sign-out")
    response = Response(status_code=204)
    cookies.drop(request, response, cookies.session_name(request))
    return response


async def _signed_in(request: Request, services: Services, person: SignedIn, way: str, return_to: str) -> Response:
    """Begin a session; one that the browser has ends, so that no secret from before is good afterwards."""
    name = cookies.session_name(request)
    before = cookies.values(request, name)
    begun = await services.sessions.begin(
        person, _client(request), request.headers.get("user-agent", ""), before[0] if before else None
    )
    note = note_of(request.scope)
    note.principal, note.about = _known(person), f"by {way}"
    _log.info("sign_in.done", principal=person.principal_id, way=way, session=begun.session.id, client=_client(request))
    response = RedirectResponse(return_to, 303)
    seconds = round((begun.session.ends_at - begun.session.began_at).total_seconds())
    cookies.put(request, response, name, begun.secret, seconds)
    return response


def _known(person: SignedIn) -> Principal:
    """A person as the audit trail names him: what he may do is not looked up for that."""
    return Principal("person", person.principal_id, person.name, (), person.directory_id)


def _redirect_uri(request: Request) -> str:
    """Ours: the host is one of those that the gateway answers for, and the provider compares it with those it knows."""
    return f"{forgery.own_origin(request)}{_CALLBACK}"


def _client(request: Request) -> str:
    return request.client.host if request.client else ""

"""Nobody passes who is not known: around every route, also those that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_api.access.visits import is_visit
from aoc_api.problems import Problem
from aoc_api.rates.throttle import SIGN_IN, STRANGER
from aoc_common.errors import Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_api.rates.throttle import Throttle

_log = logs.get(__name__)

#: Served to everybody. /health and /metrics look themselves who asks; webhooks carry a proof of their own.
PUBLIC: Final = frozenset({"/livez", "/readyz", "/health", "/metrics", "/api/config/auth"})
_SIGN_IN: Final = "/auth/"
_WEBHOOKS: Final = "/api/webhooks/"
PUBLIC_BELOW: Final = (_SIGN_IN, _WEBHOOKS)
#: Of these, what is not counted here: asked by what runs the gateway. Credentials that are shown there are counted.
_UNCOUNTED: Final = PUBLIC - {"/api/config/auth"}
_TOO_OFTEN: Final = "too-often"
#: Statuses of a sign-in that was refused.
_NO_SIGN_IN: Final = frozenset({401, 403, 410})


def is_public(path: str) -> bool:
    """Whether an address is served to everybody."""
    return path in PUBLIC or path.startswith(PUBLIC_BELOW)


class Guard:
    """Puts the principal into the request's state, or answers 401. A browser that is led here is led to the sign-in.

    Whoever asks too often is answered 429: an address until somebody is known, and then the principal (`rates`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services = scope["app"].state.services
        request = Request(scope)
        try:
            if is_public(scope["path"]):
                send = await _counted(request, services.throttle, send)
            else:
                principal = await services.authenticate(request)
                request.state.principal = note_of(scope).principal = principal
                send = _telling(await services.throttle.caller(principal.id, request.method), send)
        except Problem as problem:
            await _refused(request, problem)(scope, receive, send)
        except Transient as error:
            await problems.store_away(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _counted(request: Request, throttle: Throttle, send: Send) -> Send:
    """Count a request that is served to everybody, and what its answer says of it. Raises a problem: too many."""
    path, address = request.scope["path"], request.client.host if request.client else ""
    if path.startswith(_WEBHOOKS):
        await throttle.webhook(address)
    elif path.startswith(_SIGN_IN):
        await throttle.stranger(address, SIGN_IN)
        return _charging(address, throttle, send)
    elif path not in _UNCOUNTED:
        await throttle.stranger(address, STRANGER)
    return send


def _charging(address: str, throttle: Throttle, send: Send) -> Send:
    """Charge an address for a sign-in that was refused: its link, or its code, is none."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in _NO_SIGN_IN:
            await throttle.guessed(address)
        await send(message)

    return sending


def _telling(headers: Mapping[str, str], send: Send) -> Send:
    """Add headers to an answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return sending


def _refused(request: Request, problem: Problem) -> Response:
    if problem.slug == _TOO_OFTEN:
        # Logged, and counted, by the throttle: not one line, and not one entry of the trail, for each.
        return problems.respond(problem.slug, problem.detail, problem.errors, problem.headers)
    # Never with what was shown: neither the secret, nor a part of it.
    client = request.client.host if request.client else ""
    note = note_of(request.scope)
    note.about = problem.reason or problem.slug
    _log.info("sign_in.refused", reason=problem.reason or problem.slug, path=request.url.path[:200], client=client)
    if problem.slug == "unauthenticated" and is_visit(request):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/auth/login?return_to={quote(target, safe='')}", 303)
    note.credentials_refused = True
    return problems.respond(problem.slug, problem.detail, problem.errors, problem.headers)

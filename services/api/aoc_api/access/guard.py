"""Nobody passes who is not known: around every route, also those that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_api.problems import Problem
from aoc_common.errors import Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

_log = logs.get(__name__)

#: Served to everybody. /health and /metrics look themselves who asks; webhooks carry a proof of their own.
PUBLIC: Final = frozenset({"/livez", "/readyz", "/health", "/metrics", "/api/config/auth"})
PUBLIC_BELOW: Final = ("/auth/", "/api/webhooks/")


def is_public(path: str) -> bool:
    """Whether an address is served to everybody."""
    return path in PUBLIC or path.startswith(PUBLIC_BELOW)


class Guard:
    """Puts the principal into the request's state, or answers 401. A browser that is led here is led to the sign-in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            principal = await scope["app"].state.services.authenticate(request)
        except Problem as problem:
            await _refused(request, problem)(scope, receive, send)
        except Transient as error:
            await problems.store_away(error)(scope, receive, send)
        else:
            request.state.principal = note_of(scope).principal = principal
            await self._app(scope, receive, send)


def _refused(request: Request, problem: Problem) -> Response:
    # Never with what was shown: neither the secret, nor a part of it.
    client = request.client.host if request.client else ""
    note = note_of(request.scope)
    note.about = problem.reason or problem.slug
    _log.info("sign_in.refused", reason=problem.reason or problem.slug, path=request.url.path[:200], client=client)
    if problem.slug == "unauthenticated" and _is_visit(request):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/auth/login?return_to={quote(target, safe='')}", 303)
    note.credentials_refused = True
    return problems.respond(problem.slug, problem.detail, problem.errors, problem.headers)


def _is_visit(request: Request) -> bool:
    """Whether a person opens the address in a browser."""
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "authorization" not in headers
    )

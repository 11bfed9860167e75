"""Around every request: host check, security headers, metrics, trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from aoc_api import metrics, problems
from aoc_api.bodies import MAX_BODY, bounded
from aoc_api.models import FieldError
from aoc_api.settings import is_loopback
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_api.bodies import BodyLimits

_log = logs.get(__name__)

#: Paths that Microsoft requests, through a proxy in front of the gateway; all others are for this machine only.
_PUBLIC: Final = "/api/webhooks/"

#: What is counted for a request whose client went away (nginx's number for it).
_CLIENT_CLOSED: Final = 499
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Gate:
    """Outermost layer. Without a login, only clients of this machine that address it as localhost are served.

    `public_host`: the name under which webhooks, and nothing else, are served as well.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits, public_host: str | None = None) -> None:
        self._app = app
        self._limits = limits
        self._public_host = public_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        inner = _as_get(scope)
        status = 500
        begun = False

        async def sending(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["X-Request-Id"] = request_id
            elif inner is not scope:
                message = {**message, "body": b""}
            await send(message)

        request_id = uuid4().hex
        context = tracing.extract({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        with tracing.tracer().start_as_current_span("http.serve", context, trace.SpanKind.SERVER) as span:
            try:
                await self._serve(inner, receive, sending)
            except ClientDisconnect:
                # There is no client to answer.
                status = _CLIENT_CLOSED
            except Exception:
                # The outermost layer: an unexpected error is logged with its traceback and answered without details.
                _log.exception("request.failed", path=inner["path"], request_id=request_id)
                if begun:
                    raise
                await problems.respond("internal", "The gateway failed to answer.")(inner, receive, sending)
            finally:
                route = getattr(inner.get("route"), "path", "unmatched")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                metrics.API_REQUESTS.labels(scope["method"], route, str(status)).inc()
                metrics.API_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not self._names_us(headers.get("host", ""), scope["path"]):
            detail = "The gateway answers requests for localhost only, since it has no login yet."
            error = FieldError(location="header", name="host", detail="names another host than this machine")
            await problems.respond("misdirected", detail, [error])(scope, receive, send)
        elif _length(headers) > MAX_BODY:
            await problems.respond("too-large", f"The body has more than {MAX_BODY} bytes.")(scope, receive, send)
        else:
            await self._app(scope, bounded(receive, self._limits), send)

    def _names_us(self, host: str, path: str) -> bool:
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return is_loopback(name) or (path.startswith(_PUBLIC) and name.lower() == self._public_host)


def _as_get(scope: Scope) -> Scope:
    """A HEAD request as the GET whose headers it asks for (RFC 9110, 9.3.2)."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _length(headers: Headers) -> int:
    """The length that a request claims; 0 when it claims none, or nonsense: what comes is counted anyway."""
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return 0

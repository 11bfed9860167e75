"""What every request passes: host check, security headers, metrics, trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders

from aoc_api import problems
from aoc_api.settings import is_loopback
from aoc_common.telemetry import logs, metrics, tracing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logs.get(__name__)

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Gate:
    """Outermost layer. Without a login, only a browser or tool of this machine that names it so is served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
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
            await send(message)

        request_id = uuid4().hex
        context = tracing.extract({name.decode(): value.decode("latin-1") for name, value in scope["headers"]})
        with tracing.tracer().start_as_current_span("http.serve", context, trace.SpanKind.SERVER) as span:
            try:
                await self._serve(scope, receive, sending)
            except Exception:
                # The outermost layer: whatever nobody expected is logged whole and answered without details.
                _log.exception("request.failed", path=scope["path"], request_id=request_id)
                if begun:
                    raise
                await problems.respond("internal", "The gateway failed to answer.")(scope, receive, sending)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                metrics.API_REQUESTS.labels(scope["method"], route, str(status)).inc()
                metrics.API_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if not is_loopback(name):
            detail = "The gateway answers requests for localhost only, since it has no login yet."
            await problems.respond("misdirected", detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)

"""Around every request: host check, security headers, ids, metrics, trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketClose
from structlog.contextvars import bound_contextvars

from aoc_api import metrics, problems
from aoc_api.bodies import MAX_BODY, bounded
from aoc_api.connection_timeouts import FULL
from aoc_api.request_ids import CORRELATION, REQUEST, ids_of
from aoc_api.security_headers import harden
from aoc_api.settings import is_loopback
from aoc_common.gateway.events import FieldError
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_api.bodies import BodyLimits
    from aoc_api.forwarded import ForwardedHeaders

_log = logs.get(__name__)

#: Paths that Microsoft and ticket systems request, under a name that may be for them alone.
_WEBHOOKS: Final = "/api/webhooks/"
#: Asked by what runs the gateway.
_PROBES: Final = frozenset({"/livez", "/readyz"})

#: What is counted for a request whose client went away (nginx's number for it).
_CLIENT_CLOSED: Final = 499
#: Characters of an address in the log.
_LONGEST_PATH: Final = 200


class Gate:
    """Outermost layer. Serves requests that address this machine, or one of `hosts`.

    A web page can make a browser send requests under its own name to any address (DNS rebinding). `forwarded`: reads
    what proxies say. `webhook_host`: the name under which webhooks, and nothing else, are served too. `shut_in`: nobody
    but this machine reaches the port, whatever address a connection comes from (a container's). `varies`: what is
    answered depends on the page that asks (CORS).
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: BodyLimits,
        forwarded: ForwardedHeaders,
        hosts: Sequence[str] = (),
        webhook_host: str | None = None,
        *,
        shut_in: bool = False,
        varies: bool = False,
    ) -> None:
        self._app = app
        self._limits = limits
        self._forwarded = forwarded
        self._hosts = frozenset(hosts)
        self._webhook_host = webhook_host
        self._shut_in = shut_in
        self._varies = varies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Nothing but HTTP is spoken here: the layers behind let everything else pass unasked."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await WebSocketClose()(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        inner = _as_get(self._forwarded.applied(scope))
        head = inner["method"] != scope["method"]
        status = 500
        begun = False

        async def sending(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                harden(headers, encrypted=inner["scheme"] == "https")
                headers[REQUEST], headers[CORRELATION] = ids.request, ids.correlation
                # W3C's name for it, and the one that proxies and SDKs look for.
                headers["traceresponse"] = headers["traceparent"] = tracing.parent_of(span)
                if self._varies and "origin" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Origin")
            elif head:
                message = {**message, "body": b""}
            await send(message)

        asked = Headers(scope=inner)
        ids = ids_of(asked)
        inner["aoc.request_id"] = ids.request
        context = tracing.accepted(asked.getlist("traceparent"))
        with (
            bound_contextvars(**ids.named()),
            tracing.tracer().start_as_current_span("http.serve", context, trace.SpanKind.SERVER) as span,
        ):
            span.set_attributes({f"aoc.{name}": value for name, value in ids.named().items()})
            try:
                await self._serve(inner, _address(scope), receive, sending)
            except ClientDisconnect:
                # There is no client to answer.
                status = _CLIENT_CLOSED
            except Exception:
                # The outermost layer: an unexpected error is logged with its traceback and answered without details.
                _log.exception("request.failed", path=inner["path"][:_LONGEST_PATH], request_id=ids.request)
                if begun:
                    raise
                await problems.respond("internal", "The gateway failed to answer.")(inner, receive, sending)
            finally:
                route = getattr(inner.get("route"), "path", "unmatched")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                metrics.API_REQUESTS.labels(scope["method"], route, str(status)).inc()
                metrics.API_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - started)

    async def _serve(self, scope: Scope, peer: str, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        name = _host_name(headers.get("host", ""))
        if scope.get(FULL):
            closing = {**problems.RETRY, "Connection": "close"}
            detail = "There are more connections than there may be."
            await problems.respond("busy", detail, headers=closing)(scope, receive, send)
        elif not self._names_us(name, scope["path"]):
            detail = "The gateway does not answer under this name."
            error = FieldError(location="header", name="host", detail="names neither this machine nor a public host")
            await problems.respond("misdirected", detail, [error])(scope, receive, send)
        elif scope["scheme"] != "https" and not self._may_be_plain(name, peer, scope["path"]):
            detail = "The gateway is spoken to over TLS: secrets would travel in the clear."
            await problems.respond("insecure", detail)(scope, receive, send)
        elif _length(headers) > MAX_BODY:
            await problems.respond("too-large", f"The body has more than {MAX_BODY} bytes.")(scope, receive, send)
        else:
            await self._app(scope, bounded(receive, self._limits), send)

    def _names_us(self, name: str, path: str) -> bool:
        return is_loopback(name) or name in self._hosts or (path.startswith(_WEBHOOKS) and name == self._webhook_host)

    def _may_be_plain(self, name: str, peer: str, path: str) -> bool:
        """Whether a request may come without TLS: from this machine to itself, or when it carries no secret of ours."""
        here = self._shut_in or is_loopback(peer) or self._forwarded.trusts(peer)
        return (here and is_loopback(name)) or path in _PROBES or path.startswith(_WEBHOOKS)


def _address(scope: Scope) -> str:
    """The address that a connection comes from."""
    return scope["client"][0] if scope.get("client") else ""


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    return (host if host.endswith("]") else host.rpartition(":")[0] or host).lower()


def _as_get(scope: Scope) -> Scope:
    """A HEAD request as the GET whose headers it asks for (RFC 9110, 9.3.2)."""
    return {**scope, "method": "GET", "aoc.head": True} if scope["method"] == "HEAD" else scope


def _length(headers: Headers) -> int:
    """The length that a request claims; 0 when it claims none, or nonsense: what comes is counted anyway."""
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return 0

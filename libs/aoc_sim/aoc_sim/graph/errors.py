"""Graph's error bodies (graph-docs, errors.md). The codes are Microsoft's, the sentences are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response


class GraphError(Exception):
    """A request is answered with this error."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers

    def answer(self, now: datetime, client_request_id: str | None) -> Response:
        """The response: `{"error": {"code", "message", "innerError"}}`."""
        request_id = str(uuid4())
        inner = {
            "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }
        body = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        headers = {"request-id": request_id, "client-request-id": inner["client-request-id"], **(self.headers or {})}
        return json_answer(body, status=self.status, headers=headers)


def bad_request(message: str) -> GraphError:
    """400 BadRequest."""
    return GraphError(400, "BadRequest", message)


def not_authenticated(message: str) -> GraphError:
    """401."""
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def not_permitted(code: str, roles: tuple[str, ...]) -> GraphError:
    """403: the token lacks the app role."""
    return GraphError(403, code, f"The caller has none of the permissions that this needs: {', '.join(roles)}.")


def not_premium() -> GraphError:
    """403: the tenant has no P1 or P2 licence, or the service wrongly thinks so (graph-docs #4336)."""
    return GraphError(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "The tenant is not a B2C tenant or has no premium licence.",
    )


def not_licensed() -> GraphError:
    """403: how Identity Protection refuses a tenant without its licence."""
    return GraphError(403, "Forbidden", "The tenant is not licensed for this feature.")


def premium_required() -> GraphError:
    """400: how Privileged Identity Management refuses a tenant without its licence."""
    return GraphError(400, "AadPremiumLicenseRequired", "The tenant has no licence for governance.")


def throttled(retry_after_s: int | str | None, headers: Mapping[str, str] | None = None) -> GraphError:
    """429, with Retry-After unless None."""
    extra = dict(headers or {})
    if retry_after_s is not None:
        extra["Retry-After"] = str(retry_after_s)
    return GraphError(429, "TooManyRequests", "Too many requests: wait, then try again.", extra)


def gone(code: str, location: str) -> GraphError:
    """410: read all again, from `location` (graph-docs, delta-query-overview.md, "Synchronization reset")."""
    message = "The delta token is no good any more: read from the beginning."
    return GraphError(410, code, message, {"Location": location})


def not_found(object_id: str) -> GraphError:
    """404: no such object."""
    return GraphError(404, "Request_ResourceNotFound", f"There is no object '{object_id}'.")


def broken(status: int, retry_after: str | None = None) -> GraphError:
    """A server error."""
    headers = None if retry_after is None else {"Retry-After": retry_after}
    codes = {500: "generalException", 502: "BadGateway", 503: "serviceNotAvailable", 504: "GatewayTimeout"}
    return GraphError(status, codes.get(status, "UnknownError"), "The service failed. Try again.", headers)

"""What a request shows to say who sends it: a bearer token, an API key or the cookie of a session; never two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aoc_api import problems
from aoc_api.access.sessions import cookies
from aoc_common.contracts import credentials

if TYPE_CHECKING:
    from fastapi import Request

type Means = Literal["token", "api-key", "session"]


@dataclass(frozen=True, slots=True)
class Presented:
    """A secret, not verified yet."""

    means: Means
    secret: str = field(repr=False)


def presented(request: Request) -> Presented | None:
    """What a request shows; None when nothing. Raises a problem for what is ambiguous, or of no kind that we take."""
    headers = request.headers.getlist("authorization")
    sessions = cookies.values(request, cookies.session_name(request))
    if len(headers) + len(sessions) > 1:
        raise problems.Problem(
            "ambiguous-credentials",
            "The request shows several credentials. Send one Authorization header, or a cookie.",
        )
    if sessions:
        return Presented("session", sessions[0])
    if not headers:
        return None
    scheme, _, secret = headers[0].partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise problems.unauthenticated("The gateway takes `Authorization: Bearer`, with an access token or an API key.")
    return Presented("api-key" if secret.startswith(credentials.PREFIX) else "token", secret)

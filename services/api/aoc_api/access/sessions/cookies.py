"""Cookies of the gateway.

Off this machine they are Secure and carry the prefix `__Host-`: a browser takes such a cookie from this very host over
TLS only, so neither a sibling domain nor an attacker on the network can toss one in (RFC 6265bis, 4.1.3.2). Over plain
HTTP, which only this machine speaks, neither is possible; their names carry the port, since cookies do not know ports
and two gateways may run side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fastapi import Request, Response

_HOST: Final = "__Host-"
_SESSION: Final = "aoc-session"
_SIGN_IN: Final = "aoc-sign-in"


def session_name(request: Request) -> str:
    """The cookie that holds a session's secret."""
    return _name(request, _SESSION)


def sign_in_name(request: Request) -> str:
    """The cookie that a sign-in is bound to its browser with."""
    return _name(request, _SIGN_IN)


def values(request: Request, name: str) -> list[str]:
    """Every value that the request has for a cookie of this name. More than one: somebody else set one of them."""
    pairs = (pair.strip().partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
    return [value for key, _, value in pairs if key == name]


def put(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with what they do."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=_secure(request), httponly=True, samesite="lax")


def drop(request: Request, response: Response, name: str) -> None:
    """Make the browser forget a cookie."""
    response.delete_cookie(name, path="/", secure=_secure(request), httponly=True, samesite="lax")


def _name(request: Request, name: str) -> str:
    return f"{_HOST}{name}" if _secure(request) else f"{name}-{request.url.port or 80}"


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"

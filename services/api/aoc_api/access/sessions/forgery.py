"""Protection against requests that another site has a browser make with its cookie (CSRF).

Three walls, each of which would do: the cookie is SameSite=Lax; what the browser itself says of a request's origin
(`Sec-Fetch-Site`, `Origin`) must be us; and what changes anything must carry a token in a header, which only a page of
ours can read (`GET /api/me`). The token is a hash of the cookie's secret: it needs no storing, and ends with it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from aoc_api.problems import Problem

if TYPE_CHECKING:
    from fastapi import Request

TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105  # a name
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PURPOSE: Final = b"aoc csrf\0"


def token(secret: str) -> str:
    """The token that belongs to a session's secret."""
    return urlsafe_b64encode(sha256(_PURPOSE + secret.encode()).digest()).decode().rstrip("=")


def check(request: Request, secret: str) -> None:
    """Raise a problem for a request with a session's cookie that another site may have made."""
    if request.method in _SAFE:
        _check_reading(request)
        return
    check_origin(request)
    shown = request.headers.get(TOKEN_HEADER, "")
    if not compare_digest(shown.encode(), token(secret).encode()):
        raise _refused(f"What changes anything needs the header {TOKEN_HEADER}, with csrf_token of GET /api/me.")


def check_origin(request: Request) -> None:
    """Raise a problem unless the browser says that the request comes from a page of this gateway."""
    origins, sites = request.headers.getlist("origin"), request.headers.getlist("sec-fetch-site")
    if not origins and not sites:
        raise _refused("The request names no Origin.")
    if any(site != "same-origin" for site in sites) or any(origin.lower() != own_origin(request) for origin in origins):
        raise _refused("The request comes from another site.")


def own_origin(request: Request) -> str:
    """The origin under which this request reached us, e.g. `https://aoc.example`. Its host is one of ours (`Gate`)."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}".lower()


def _check_reading(request: Request) -> None:
    """A page of another site may link here; it may not load what is here into itself."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site in {"same-origin", "none"}:
        return
    linked = (request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest")) == ("navigate", "document")
    if not linked:
        raise _refused("Another site asks for this with the browser's cookie.")


def _refused(detail: str) -> Problem:
    return Problem("cross-site", detail)

"""Whether a link leads where its answer came from, however it is spelt: to anywhere else a token must not go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.errors import Refused
from aoc_common.http import read_url

if TYPE_CHECKING:
    import httpx

FOREIGN_HOST: Final = "foreign-host"
_PORTS: Final = {"https": 443, "http": 80}


def within(base: str, link: str, what: str) -> httpx.URL:
    """`link` as an address under the origin of `base`, spelt as `base` spells it; `what` names the API in errors.

    Origins are compared as RFC 6454 says: scheme, host (lower case, IDNA, without a dot at its end) and effective port.
    The parser is that of the client that asks, so the two never differ about what the host is. Raises `Refused`, for
    links that lead elsewhere, name a user, or cannot be read; path and query are taken as they are.
    """
    wanted, given = read_url(base, what), read_url(link, what)
    if _origin(given) != _origin(wanted) or given.userinfo:
        host = given.host[:100].encode("ascii", "backslashreplace").decode()
        raise Refused(f"{what}: a link leads to {given.scheme[:20]}://{host}", code=FOREIGN_HOST)
    if given.netloc == wanted.netloc:
        return given
    # What a server's certificate and routing know is the name that was configured.
    return given.copy_with(scheme=wanted.scheme, host=wanted.host, port=wanted.port)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    # Not even a full stop too many leads elsewhere: "host." is "host", absolute.
    host = url.raw_host.lower().removesuffix(b".")
    return url.scheme, host, url.port or _PORTS.get(url.scheme)

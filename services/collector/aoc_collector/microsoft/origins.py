"""Whether a link leads to the origin of its answer, however it is spelt: a token must not be sent elsewhere."""

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
    The parser is that of the HTTP client, so that both read the same host. Raises `Refused` for links that lead
    elsewhere, name a user, or cannot be read; path and query are not changed.
    """
    expected, target = read_url(base, what), read_url(link, what)
    if _origin(target) != _origin(expected) or target.userinfo:
        host = target.host[:100].encode("ascii", "backslashreplace").decode()
        raise Refused(f"{what}: a link leads to {target.scheme[:20]}://{host}", code=FOREIGN_HOST)
    if target.netloc == expected.netloc:
        return target
    # Certificates and routing are made for the name that was configured.
    return target.copy_with(scheme=expected.scheme, host=expected.host, port=expected.port)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    # "host." is the absolute form of "host".
    host = url.raw_host.lower().removesuffix(b".")
    return url.scheme, host, url.port or _PORTS.get(url.scheme)

"""Which addresses a destination may have.

A destination is a setting, and whoever may make one must not reach through AOC what only AOC can reach: this machine,
private networks, the cloud's metadata service. So addresses that are not public are refused unless the operator allows
their network. A name is resolved here, and the connection goes to the very address that was checked: a name that leads
elsewhere the next time gains nothing.

Where a name has several addresses the next one is tried when there is no connection to the first: many have one of IPv6
that nobody can reach. That to which the last connection was made is the first the next time.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

import httpx

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import Unusable

if TYPE_CHECKING:
    import ssl

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

#: Addresses of one host that are tried one after the other.
_TRIED: Final = 4
#: IPv6 addresses that are another form of an IPv4 address (RFC 6052).
_NAT64: Final = ip_network("64:ff9b::/96")


def network(text: str) -> Network:
    """A network as a setting names it. Raises ValueError."""
    return ip_network(text, strict=False)


@dataclass(frozen=True, slots=True)
class Addresses:
    """`allowed`: networks that may be reached although they are not public."""

    allowed: tuple[Network, ...] = field(default=())

    def check(self, address: Address) -> None:
        """Raises `Unusable` for an address that may not be reached."""
        meant = _meant(address)
        if any(one.version == meant.version and meant in one for one in self.allowed):
            return
        if not meant.is_global or meant.is_multicast:
            raise Unusable(f"{address} is no public address, and no setting allows its network")

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, some of them, after all were checked. Raises `Unusable` or `Unreachable`."""
        try:
            found = [ip_address(host.strip("[]"))]
        except ValueError:
            found = await _looked_up(host, port)
        for address in found:
            self.check(address)
        return list(dict.fromkeys(map(str, found)))[:_TRIED]


def _meant(address: Address) -> Address:
    """The address that is reached: IPv4 inside of IPv6 is taken out."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


async def _looked_up(host: str, port: int) -> list[Address]:
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the name {host[:200]!r} leads nowhere: {error}") from None
    found = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    if not found:
        raise Unreachable(f"the name {host[:200]!r} leads nowhere")
    return found


class CheckedTransport(httpx.AsyncBaseTransport):
    """Connects to addresses that were checked. Certificates are still checked for the name.

    Through a proxy the proxy resolves names, so that only addresses in URLs can be checked here.
    """

    def __init__(
        self, addresses: Addresses, *, verify: ssl.SSLContext, connections: int, proxy: str | None = None
    ) -> None:
        self._addresses = addresses
        self._proxied = proxy is not None
        #: Host -> the address that was reached last.
        self._reached: dict[str, str] = {}
        self._inner = httpx.AsyncHTTPTransport(
            verify=verify,
            trust_env=False,
            proxy=proxy,
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30
            ),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        host = request.url.host
        try:
            literal: Address | None = ip_address(host)
        except ValueError:
            literal = None
        if literal is not None:
            self._addresses.check(literal)
        elif not self._proxied:
            return await self._to_one_of(request, host)
        return await self._inner.handle_async_request(request)

    async def _to_one_of(self, request: httpx.Request, host: str) -> httpx.Response:
        """To the first address of a host that there is a connection to: nothing was sent to the others."""
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        found = await self._addresses.resolve(host, port)
        # `Host` was set from the URL before.
        request.extensions = {**request.extensions, "sni_hostname": host}
        for address in sorted(found, key=lambda one: one != self._reached.get(host)):
            request.url = request.url.copy_with(host=address)
            try:
                response = await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                unreached: httpx.TransportError = error
            else:
                self._reached = {host: address}
                return response
        raise unreached

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()

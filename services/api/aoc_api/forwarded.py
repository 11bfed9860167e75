"""What proxies say of a request: believed from those that are listed, and removed from everybody else.

`X-Forwarded-For` grows to the right: each proxy adds who asked it. So the client is the last address that is no trusted
proxy's; what stands before it was written by the client. `Forwarded` (RFC 7239) is not read: proxies pass it through.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Scope

_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"
_HOST: Final = b"x-forwarded-host"
_OURS: Final = frozenset({_FOR, _PROTO, _HOST, b"x-forwarded-port", b"x-forwarded-prefix", b"x-real-ip", b"forwarded"})
_SCHEMES: Final = frozenset({"http", "https"})
#: Hops that are looked at.
_MOST: Final = 20


class ForwardedHeaders:
    """Rewrites a request as its client sent it to the outermost trusted proxy."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted)

    def applied(self, scope: Scope) -> Scope:
        """The request with its client, scheme and host; without headers that only proxies may send."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        ours = [(name, value) for name, value in headers if name in _OURS]
        peer = scope["client"][0] if scope.get("client") else ""
        if not ours:
            return scope
        changed: dict[str, Any] = {"headers": [pair for pair in headers if pair[0] not in _OURS]}
        if self.trusts(peer):
            changed["client"] = (self._client(peer, _hops(ours, _FOR)), 0)
            schemes, hosts = _hops(ours, _PROTO), _hops(ours, _HOST)
            if schemes and schemes[-1].lower() in _SCHEMES:
                changed["scheme"] = schemes[-1].lower()
            if hosts:
                others = [pair for pair in changed["headers"] if pair[0] != b"host"]
                changed["headers"] = [*others, (b"host", hosts[-1].encode("latin-1"))]
        return {**scope, **changed}

    def _client(self, peer: str, hops: Sequence[str]) -> str:
        for hop in reversed(hops[-_MOST:]):
            if not _is_address(hop):
                return peer
            peer = hop
            if not self.trusts(hop):
                break
        return peer

    def trusts(self, address: str) -> bool:
        """Whether a proxy that is listed has this address."""
        if not _is_address(address):
            return False
        parsed = ipaddress.ip_address(address)
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(mapped in network for network in self._trusted)


def _hops(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    values = [value.decode("latin-1") for header, value in headers if header == name]
    return [hop for value in values for part in value.split(",") if (hop := part.strip())]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    # The zone of an IPv6 address is any text, and names an interface of the sender's machine.
    return "%" not in text

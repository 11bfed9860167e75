"""The addresses that a service listens on, taken before anything else is started."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator


class Address(NamedTuple):
    """Where a service listens. `prefix`: of the settings `..__HOST` and `..__PORT`, e.g. `AOC_HEALTH`."""

    host: str
    port: int
    prefix: str


@contextmanager
def taken(address: Address) -> Iterator[list[socket.socket]]:
    """Sockets that are bound there, closed on leaving.

    They do not listen yet: who tries to connect before the service has started is refused.
    Raises `BadConfiguration` that names the wrong setting.
    """
    with ExitStack() as stack:
        try:
            places = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise BadConfiguration(
                f"{address.prefix}__HOST: cannot listen on {address.host}: no such address"
            ) from None
        try:
            sockets = [
                _bound(stack.enter_context(socket.socket(family, kind, number)), place)
                for family, kind, number, _, place in dict.fromkeys(places)
            ]
        except OSError as error:
            raise refused(address, error) from None
        yield sockets


def refused(address: Address, error: OSError) -> BadConfiguration:
    """Why it cannot listen there."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return BadConfiguration(
        f"{address.prefix}__PORT: cannot listen on {host}:{address.port}: {error.strerror or error}"
    )


def _bound(listener: socket.socket, place: tuple[object, ...]) -> socket.socket:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(place)
    return listener

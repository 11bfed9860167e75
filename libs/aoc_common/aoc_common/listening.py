"""The addresses that a service listens on, taken before anything else is started."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def taken(host: str, port: int, settings: str) -> Iterator[list[socket.socket]]:
    """Sockets that are bound there, closed on leaving.

    They do not listen yet: who tries to connect before the service has started is refused.
    `settings`: the prefix of the two settings, e.g. `AOC_HEALTH`. Raises `BadConfiguration` that names the wrong one.
    """
    with ExitStack() as stack:
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise BadConfiguration(f"{settings}__HOST: cannot listen on {host}: no such address") from None
        try:
            sockets = [
                _bound(stack.enter_context(socket.socket(family, kind, number)), address)
                for family, kind, number, _, address in dict.fromkeys(places)
            ]
        except OSError as error:
            raise refused(host, port, settings, error) from None
        yield sockets


def refused(host: str, port: int, settings: str, error: OSError) -> BadConfiguration:
    """Why it cannot listen there."""
    where = f"[{host}]" if ":" in host else host
    return BadConfiguration(f"{settings}__PORT: cannot listen on {where}:{port}: {error.strerror or error}")


def _bound(found: socket.socket, address: tuple[object, ...]) -> socket.socket:
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if found.family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    found.bind(address)
    return found

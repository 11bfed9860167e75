"""Loopback ports."""

from __future__ import annotations

import secrets
import socket
from contextlib import closing, suppress

from aoc_common.errors import BadConfiguration

LOOPBACK = "127.0.0.1"


#: Below the ports that systems give to outgoing connections (Linux: 32768 and up, others: 49152 and up). Among those, a
#: client that tries again while its server is down can be given the server's own port, and is then connected to itself.
_LOW, _HIGH = 16_384, 32_767
_TRIES = 200


def free_port() -> int:
    """A port that nothing listens on at this moment, and that stays free while its server starts again."""
    for _ in range(_TRIES):
        port = _LOW + secrets.randbelow(_HIGH - _LOW)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise BadConfiguration(f"no free port between {_LOW} and {_HIGH} on {LOOPBACK}")


def require_free_port(port: int, what: str) -> int:
    """`port` when it is free (0: any free one). Raises `BadConfiguration` that names it when it is taken."""
    if port == 0:
        return free_port()
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BadConfiguration(f"port {port} for {what} is taken ({error.strerror}); choose another one") from None
    return port


def require_free_ports(*required: tuple[int, str]) -> None:
    """Raise `BadConfiguration` that names each of these ports that is taken, or is wanted twice.

    `required`: port (0: any free one) and what for, with the option that names it.
    """
    ports = [port for port, _ in required if port]
    if len(set(ports)) < len(ports):
        raise BadConfiguration(f"port {ports[0]} for {' and '.join(what for _, what in required)}: choose two")
    taken = []
    for port, what in required:
        try:
            require_free_port(port, what)
        except BadConfiguration:
            taken.append(f"port {port} for {what}")
    if taken:
        verb, others = ("is", "another one") if len(taken) == 1 else ("are", "others")
        raise BadConfiguration(f"{' and '.join(taken)} {verb} taken; choose {others}, or 0 for any that is free")


def listening(port: int) -> bool:
    """Whether something accepts connections there."""
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0

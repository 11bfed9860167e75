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


def listening(port: int) -> bool:
    """Whether something accepts connections there."""
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0

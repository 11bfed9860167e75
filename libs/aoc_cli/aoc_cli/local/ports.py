"""Loopback ports."""

from __future__ import annotations

import socket
from contextlib import closing

from aoc_common.errors import BadConfiguration

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def claim(port: int, what: str) -> int:
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

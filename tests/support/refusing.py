"""Receivers by TLS that refuse clients behind their handshake, as TLS 1.3 has it, or write what is no TLS.

They stand on blocking sockets, like the programs of C that receive syslog: what it does not read stays with the system.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Bounds what a thread waits for.
_PATIENCE_S: Final = 10.0


class Refusal(StrEnum):
    """How a stranger is told."""

    ALERT = "by an alert, and by leaving what he wrote unread"
    ALERT_ONLY = "by an alert, and everything that he wrote is read"
    RESET_ONLY = "without an alert, as rsyslog does by GnuTLS"
    CLOSE_NOTIFY = "by the end that friends are told, too, as rsyslog does by OpenSSL"

    @property
    def by_library(self) -> bool:
        """Whether TLS itself refuses whoever has no certificate that is known; otherwise the receiver does, later."""
        return self in {Refusal.ALERT, Refusal.ALERT_ONLY}


@contextmanager
def refusing(context: ssl.SSLContext, refusal: Refusal) -> Iterator[int]:
    """The port of a receiver. `context`: serves, and trusts the certificates of friends."""
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED if refusal.by_library else ssl.CERT_OPTIONAL

    def receive(accepted: socket.socket) -> None:
        accepted.settimeout(_PATIENCE_S)
        with suppress(OSError), context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False) as tls:
            try:
                tls.do_handshake()
            except ssl.SSLError:
                while refusal is Refusal.ALERT_ONLY and tls.fileno() >= 0 and socket.socket.recv(tls, 65_536):
                    pass
                return
            if not tls.getpeercert():
                if refusal is Refusal.CLOSE_NOTIFY:
                    tls.settimeout(0)
                    tls.unwrap()  # this reads one record at most
                return
            while tls.recv(65_536):
                pass

    with _serving(receive) as port:
        yield port


@contextmanager
def writing_behind_the_end(context: ssl.SSLContext, pieces: Sequence[bytes]) -> Iterator[int]:
    """The port of a receiver that reads all, ends its side of TLS, and writes these behind it as they are."""

    def receive(accepted: socket.socket) -> None:
        accepted.settimeout(_PATIENCE_S)
        with context.wrap_socket(accepted, server_side=True) as tls:
            while tls.recv(65_536):
                pass
            plain = tls.unwrap()
            for piece in pieces:
                plain.sendall(piece)
            plain.close()

    with _serving(receive) as port:
        yield port


@contextmanager
def _serving(receive: Callable[[socket.socket], None]) -> Iterator[int]:
    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=receive, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
            server.join(_PATIENCE_S)

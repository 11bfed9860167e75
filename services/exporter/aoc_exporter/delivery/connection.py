"""A connection by TCP or TLS that is only written to, and what its end says about what was written.

No byte of a protocol says that something was read, so that is taken from what the receiver's system does:

- it acknowledges bytes that it has, whoever reads them;
- a process that ends a connection, or dies, with something unread makes its system answer with a reset;
- one that ends a connection behind the end of ours, without a reset, has taken every byte out of its system.

By TLS 1.3 our handshake is done before the receiver has looked at our certificate, and what is written then leaves in
good order. A refusal comes behind it: as an alert, as a reset, or as an end before ours. So the receiver's first word
is waited for before anything is written: a library that refuses a client sends him no session ticket, and most send one
to all others. And alerts are read to the real end of the connection. That a receiver says `close_notify` proves
nothing: rsyslog says it, by OpenSSL, to those whom it has refused, and by GnuTLS to nobody.

A receiver may also write on our connection what was meant for a file of its own: rsyslog's driver `ossl` before 2026
closes each connection twice, and the second time it may be another thread's file (rsyslog, pull request 6375). What it
reads from us then travels back to us as plain text, and is written nowhere. So bytes that are no TLS are an error
wherever they come, behind `close_notify` too, where TLS itself ignores what comes.

What stays unknown: a receiver that refuses late, has taken all bytes out of its system by then, and ends without an
alert; one that took them, and lost them. The socket is ours and not a transport's, since those of asyncio and uvloop
end at `close_notify`, and never tell what comes behind it.
"""

from __future__ import annotations

import array
import asyncio
import errno
import fcntl
import os
import socket
import ssl
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How often it is looked whether bytes were acknowledged. Seconds.
_LOOK_S: Final = 0.002
_PIECE: Final = 256 * 1024
#: What records of TLS begin with (RFC 8446, 5.1).
_RECORDS: Final = range(20, 25)


class Connection:
    """A connection. Nothing here is bounded in time but `opened`'s patience: who calls gives a bound to it all.

    Every method raises `OSError` for a receiver that ended the connection, refused us, or cannot be reached.
    """

    def __init__(self, sock: socket.socket, tls: _Tls | None) -> None:
        self._socket = sock
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        #: Whether the receiver said something behind a handshake that it could still have refused.
        self.answered = tls is None or not tls.judged_late

    @classmethod
    async def opened(
        cls, address: str, port: int, tls: tuple[ssl.SSLContext, str] | None = None, *, patience_s: float
    ) -> Self:
        """Connect to an IP address. `tls`: what checks the receiver, and its name. `patience_s`: for its first word."""
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
            made = cls(sock, await _shaken(sock, *tls) if tls is not None else None)
            await made._first_word(patience_s)
        except BaseException:
            sock.close()
            raise
        return made

    async def send(self, content: bytes) -> None:
        """Write, and wait until the receiver's system has every byte."""
        for piece in _pieces(content):
            await self._loop.sock_sendall(self._socket, self._tls.packed(piece) if self._tls is not None else piece)
        unsent = array.array("i", [1])
        while True:
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, unsent)
            self.listen()  # what it has to say is heard also when, and after, everything was acknowledged
            if unsent[0] == 0:
                return
            await asyncio.sleep(_LOOK_S)

    def listen(self) -> None:
        """Hear what has come until now. An end is an error: ours has not come yet."""
        with suppress(BlockingIOError):
            while True:
                if self._hears_end(self._socket.recv(_PIECE)):
                    raise ConnectionResetError("the receiver ended the connection")

    async def end(self) -> None:
        """End our side, and wait until the receiver ends its own: it has read everything, or this raises."""
        if self._tls is not None:
            await self._loop.sock_sendall(self._socket, self._tls.close_notify())
        self._socket.shutdown(socket.SHUT_WR)
        while piece := await self._loop.sock_recv(self._socket, _PIECE):
            self._hears_end(piece)
        # A reset behind an end is kept here only.
        if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self._socket.close()

    def abort(self) -> None:
        """Let go of it, whatever became of what was written."""
        self._socket.close()

    async def _first_word(self, patience_s: float) -> None:
        """Wait for the receiver's judgement where it comes behind the handshake; many say nothing when they agree."""
        if not self.answered and patience_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    if self._hears_end(await self._loop.sock_recv(self._socket, _PIECE)):
                        raise ConnectionResetError("the receiver ended the connection behind its handshake")
                    self.answered = True

    def _hears_end(self, piece: bytes) -> bool:
        """Whether what has come is an end. Raises `SSLError` for an alert, `OSError` for what is no TLS."""
        return not piece or (self._tls is not None and self._tls.ends_with(piece))


async def _shaken(sock: socket.socket, context: ssl.SSLContext, name: str) -> _Tls:
    """TLS behind its handshake."""
    loop, tls = asyncio.get_running_loop(), _Tls(context, name)
    while True:
        try:
            done = tls.shakes_hands()
        finally:
            # A refusal of ours, too: whoever looks after the receiver wants to know why.
            await loop.sock_sendall(sock, tls.outgoing())
        if done:
            return tls
        tls.incoming(await loop.sock_recv(sock, _PIECE))


class _Tls:
    """TLS between what is written and the bytes that travel; it travels by no socket of its own."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._looked_behind = False

    @property
    def judged_late(self) -> bool:
        """Whether the receiver looks at our certificate only behind our handshake."""
        return self._object.version() == "TLSv1.3"

    def shakes_hands(self) -> bool:
        """Go on as far as what has come allows; whether it is done. Raises `SSLError`."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def incoming(self, piece: bytes) -> None:
        """What has come of a handshake; nothing: the connection has ended."""
        if piece:
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()

    def outgoing(self) -> bytes:
        """What is to be sent now."""
        return self._outgoing.read()

    def packed(self, content: bytes | memoryview) -> bytes:
        """Content as it travels."""
        self._object.write(content)
        return self.outgoing()

    def close_notify(self) -> bytes:
        """The end of our side, as it travels. Raises `SSLError` for an alert that has come."""
        with suppress(ssl.SSLWantReadError):
            self._object.unwrap()
        return self.outgoing()

    def ends_with(self, piece: bytes) -> bool:
        """Whether the receiver has ended its side of TLS by now; what else it says is dropped.

        Raises `SSLError` for an alert, `OSError` for what is no TLS.
        """
        self._incoming.write(piece)
        try:
            while self._object.read(_PIECE):
                pass
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            pass  # as nothing is when ours has not ended
        self._look_behind_end()
        return True

    def _look_behind_end(self) -> None:
        """Only the first byte is looked at: where a later piece has its records is not known."""
        behind = self._incoming.read()
        if behind and not self._looked_behind:
            self._looked_behind = True
            if behind[0] not in _RECORDS:
                raise OSError(errno.EPROTO, "the receiver wrote what is no TLS behind the end of its side")


def _pieces(content: bytes) -> Iterator[memoryview]:
    whole = memoryview(content)
    return (whole[begin : begin + _PIECE] for begin in range(0, len(whole), _PIECE))

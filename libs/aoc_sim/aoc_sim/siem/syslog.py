"""A receiver of syslog over UDP, TCP and TLS, in either framing."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    import ssl

_IDENTITY = re.compile(rb'\[aoc@\d+ id="([^"]+)" revision="(\d+)"')
_PIECE = 64 * 1024


class SyslogReceiver:
    """Takes messages until a connection ends, and then ends its own side.

    A fault is of a connection: with `RESET_BEFORE` it is reset before anything was read, with `RESET_AFTER` once all
    of it was taken, and with `SLOW` nothing is read for a while. `port`: where it listens.
    """

    def __init__(
        self,
        faults: RequestFaults | None = None,
        *,
        counts_octets: bool = True,
        certificate: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.faults = faults or RequestFaults()
        self.taken = Taken()
        self.broken_frames = 0
        self.port = port
        self._counts_octets = counts_octets
        self._certificate = certificate
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        """Listen on its port, or a free one, the same for TCP and UDP."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, ssl=self._certificate)
        self.port = self._server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=("127.0.0.1", self.port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken.requests += 1
        fault = self.faults.next()
        with suppress(OSError):
            if fault is RequestFault.RESET_BEFORE or self.taken.full:
                _reset(writer)
                return
            if fault is RequestFault.SLOW:
                await asyncio.sleep(self.faults.slow_s)
            rest = b""
            while piece := await reader.read(_PIECE):
                rest = self._read(rest + piece)
            self.broken_frames += bool(rest)
            if fault is RequestFault.RESET_AFTER:
                _reset(writer)
                return
            writer.close()
            await writer.wait_closed()

    def _read(self, stream: bytes) -> bytes:
        """Take the messages that are whole; returns what is left."""
        while stream:
            if not self._counts_octets:
                line, end, rest = stream.partition(b"\n")
                if not end:
                    return stream
                self.take(line)
                stream = rest
                continue
            digits, blank, rest = stream[:10].partition(b" ")
            if not blank or len(stream) - len(digits) - 1 < int(digits):
                return stream
            begin = len(digits) + 1
            self.take(stream[begin : begin + int(digits)])
            stream = stream[begin + int(digits) :]
        return stream

    def take(self, message: bytes) -> None:
        """One message."""
        identity = _IDENTITY.search(message)
        if identity is None or not message.startswith(b"<"):
            self.broken_frames += 1
            return
        self.taken.take(f"{identity[1].decode()}-{identity[2].decode()}", message)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a process does that is killed: by a reset, not in good order."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receiver: SyslogReceiver) -> None:
        self._receiver = receiver

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A message."""
        del addr
        self._receiver.take(data)

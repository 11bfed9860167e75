"""Syslog by UDP, TCP or TLS (RFC 5424, 5425, 5426, 6587).

Syslog knows no acknowledgement. Over TCP and TLS the next best is had by ending the connection behind each batch. First
the receiver's system has to have acknowledged all bytes; then we end our side, and a receiver that ends its own has
read everything, while one that died with something unread, or refused us, answers with a reset or an alert
(`delivery/connection.py` says what that proves, and what nothing can tell). Receivers that keep a connection open when
it is half closed need `confirm: none`: what their system took, and they did not read, is lost then without a word.
UDP is best effort whatever is set.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import one_line
from aoc_common.outbound.web import TlsOptions, checked
from aoc_common.settings import Frozen
from aoc_exporter.delivery.connection import Connection
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.syslog import Framing, Header, framed, message
from aoc_exporter.outcome import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

#: The largest datagram of UDP over IPv4.
_DATAGRAM: Final = 65_507
#: How long a receiver is waited for that may refuse us behind the handshake, and says nothing when it does not.
_FIRST_WORD_S: Final = 1.0
#: How long a receiver is waited for that ends its side of a connection when ours has ended; some never do.
_FAREWELL_S: Final = 2.0


class SyslogOptions(Frozen):
    """A receiver of syslog."""

    kind: Literal["syslog"] = "syslog"
    host: str = Field(description="Name or address of the receiver.")
    port: int = Field(6514, ge=1, le=65535, description="Its port; 6514 is TLS, 514 UDP.")
    transport: Literal["udp", "tcp", "tls"] = Field("tls", description="How it is reached.")
    framing: Framing = Field(Framing.OCTETS, description="How messages follow each other on TCP and TLS.")
    confirm: Literal["close", "none"] = Field("close", description="Whether a batch ends its connection, as proof.")
    message_bytes: int = Field(65_000, ge=480, le=1_000_000, description="The longest message; UDP takes 65,507.")
    facility: int = Field(13, ge=0, le=23, description="13 is the log audit.")
    hostname: str = Field("aoc", description="What messages give as their host.")
    enterprise: int = Field(32473, ge=1, description="Private enterprise number in structured data.")
    timeout_s: float = Field(30.0, gt=0, le=300, description="How long connecting, and a batch, may take.")
    tls: TlsOptions = TlsOptions()
    allowed_networks: tuple[str, ...] = Field((), description="Private networks that may be reached.")


class Syslog:
    """The sink. Raises `BadConfiguration` for certificates that cannot be used."""

    idempotent: Final = False
    #: Structured data and header, without the host's name and labels.
    _AROUND: Final = 400

    def __init__(self, options: SyslogOptions) -> None:
        self._options = options
        self._header = Header(options.hostname, "aoc", options.facility, options.enterprise)
        self._addresses = checked(options.allowed_networks)
        self._tls = (options.tls.context(), options.host) if options.transport == "tls" else None
        self._longest = min(options.message_bytes, _DATAGRAM) if options.transport == "udp" else options.message_bytes
        self._connection: Connection | None = None
        self._reached = ""
        self._patience_s = _FIRST_WORD_S
        self._one_at_a_time = asyncio.Lock()

    @property
    def limits(self) -> Limits:
        """As the port says."""
        around = self._AROUND + len(self._options.hostname)
        return Limits(items=500, batch_bytes=2_000_000, entry_bytes=max(1, self._longest - around))

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. A receiver cannot tell repeats apart but by the structured data."""
        messages = [message(item, self._header) for item in items]
        fitting = [sent for sent in messages if len(sent) <= self._longest]
        if fitting:
            await self._transmit(fitting)
        return [
            Accepted() if len(sent) <= self._longest else Refused(f"syslog: a message of {len(sent):,} bytes")
            for sent in messages
        ]

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return b"".join(framed(message(item, self._header), self._options.framing) for item in items)

    async def close(self) -> None:
        """As the port says. A connection that stayed open is ended in order, for a short while at most.

        Closed with something unread, e.g. a session ticket, it would be reset, and a receiver that is told so may drop
        what it has not read: messages that count as sent.
        """
        async with self._one_at_a_time:
            if self._connection is not None:
                with suppress(OSError):
                    async with asyncio.timeout(_FAREWELL_S):
                        await self._connection.end()
            self._abort()

    async def _transmit(self, messages: Sequence[bytes]) -> None:
        host, port = self._options.host, self._options.port
        try:
            async with self._one_at_a_time, asyncio.timeout(self._options.timeout_s):
                addresses = await self._addresses.resolve(host, port)
                if self._options.transport == "udp":
                    await _datagrams(addresses[0], port, messages)
                else:
                    content = b"".join(framed(sent, self._options.framing) for sent in messages)
                    await self._write(addresses, content)
        except OSError as error:
            self._abort()
            words = one_line(f"syslog: {host}:{port}: {type(error).__name__} {error}")
            raise Unreachable(words) from None
        except BaseException:
            self._abort()
            raise

    async def _write(self, addresses: Sequence[str], content: bytes) -> None:
        connection = await self._connected(addresses)
        await connection.send(content)
        if self._options.confirm == "close":
            await connection.end()
            self._connection = None

    async def _connected(self, addresses: Sequence[str]) -> Connection:
        if self._connection is not None:
            try:
                self._connection.listen()
            except OSError:
                self._abort()
            else:
                return self._connection
        made = await self._opened(sorted(addresses, key=lambda one: one != self._reached))
        if not made.answered:
            self._patience_s = 0.0  # it is one of those that say nothing
        self._connection = made
        return made

    async def _opened(self, addresses: Sequence[str]) -> Connection:
        """A connection to the first that is there. Raises `OSError` of the last one."""
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout(self._options.timeout_s / len(addresses) if left > 1 else None):
                    made = await Connection.opened(address, self._options.port, self._tls, patience_s=self._patience_s)
            except OSError as error:
                unreached = error
            else:
                self._reached = address
                return made
        raise unreached

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None


async def _datagrams(address: str, port: int, messages: Sequence[bytes]) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Errors, remote_addr=(address, port))
    try:
        for sent in messages:
            transport.sendto(sent)
            await asyncio.sleep(0)
    finally:
        transport.close()
    if protocol.error is not None:
        raise protocol.error


class _Errors(asyncio.DatagramProtocol):
    """Remembers what the system says about datagrams, e.g. that nobody listens."""

    error: Exception | None = None

    def error_received(self, exc: Exception) -> None:
        """Told by the system."""
        self.error = exc

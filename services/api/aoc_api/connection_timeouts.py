"""Limits of a connection: whose request's head is too large or too slow, or who does not read, is cut off.

uvicorn has none of them: only one for the time between two requests, while the first byte of the next is awaited. It
also limits the number of connections, but with an answer of its own, which has neither our headers nor a problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


#: In the scope of a request: that there are more connections than there may be.
FULL: Final = "aoc.full"
#: Bytes of its answer that a client must read within the timeout.
_MIN_READ: Final = 16 * 1024
#: Bytes that the head of a request may have. The largest token that is taken has 24 KiB.
LONGEST_HEAD: Final = 64 * 1024
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds for the head of a request, and to read some of an answer in; connections at once."""

    head_s: float
    answer_s: float
    connections: int


def protocol(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol with these limits."""
    return type("Bounded", (_Bounded,), {"limits": limits})


class _Bounded(HttpToolsProtocol):
    limits: ClassVar[ConnectionLimits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        #: Bytes of the head that is awaited; None while a body is.
        self._head_bytes: int | None = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._head_timer)
        self._head_timer = None
        _cancel(self._answer_timer)
        self._answer_timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        # What is counted still is of a head that does not end: memory that anybody could fill.
        if self._head_bytes is not None and self._head_bytes > LONGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._start_head_timer()

    def on_headers_complete(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = None
        self._head_bytes = None
        if max(len(self.connections), len(self.tasks)) > self.limits.connections:
            self.scope[FULL] = True  # type: ignore[typeddict-unknown-key]  # servers may add what they like
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = None
        self._head_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_answer_timer()

    def resume_writing(self) -> None:
        _cancel(self._answer_timer)
        self._answer_timer = None
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and self._head_timer is None:
            self._start_head_timer()  # the rest of this request is not read: it must not hold the connection
        # Also of a closed connection the transport buffers what the client has not read yet.
        if self._unread():
            self._start_answer_timer()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self._unread():
            self._start_answer_timer()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_s, self._abort)

    def _start_answer_timer(self) -> None:
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(self.limits.answer_s, self._check_answer, self._unread())

    def _check_answer(self, unread_before: int) -> None:
        self._answer_timer = None
        unread = self._unread()
        if unread and unread_before - unread >= _MIN_READ:
            self._start_answer_timer()  # it reads
        elif unread:
            self._abort()

    def _unread(self) -> int:
        return self.transport.get_write_buffer_size()

    def _abort(self) -> None:
        self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()

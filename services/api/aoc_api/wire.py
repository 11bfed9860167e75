"""The connection itself: clients that send a request's head too slowly, or do not read their answer, are hung up on.

uvicorn has limits for neither: only for the time between two requests, and while the first byte of the next is awaited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


#: Bytes that a client must read of what waits for it.
_PIECE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Seconds for the head of a request; seconds in which a client must read some of its answer."""

    head_s: float
    answer_s: float


def protocol(limits: WireLimits) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol with these limits."""
    return type("Bounded", (_Bounded,), {"limits": limits})


class _Bounded(HttpToolsProtocol):
    limits: ClassVar[WireLimits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._answer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._head)
        self._head = None
        _cancel(self._answer)
        self._answer = None
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        _cancel(self._head)
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        _cancel(self._head)
        self._head = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        _cancel(self._answer)
        self._answer = None
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and self._head is None:
            self._await_head()  # nobody reads the rest of this request: it may not hold the connection
        # Closed or kept, the transport holds what the client has not read yet.
        if self._left():
            self._await_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self._left():
            self._await_reader()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self.limits.head_s, self._hang_up)

    def _await_reader(self) -> None:
        if self._answer is None:
            self._answer = self.loop.call_later(self.limits.answer_s, self._hang_up_unread, self._left())

    def _hang_up_unread(self, before: int) -> None:
        self._answer = None
        left = self._left()
        if left and before - left >= _PIECE:
            self._await_reader()  # it reads
        elif left:
            self._hang_up()

    def _left(self) -> int:
        return self.transport.get_write_buffer_size()

    def _hang_up(self) -> None:
        self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()

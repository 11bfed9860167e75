"""Around what is read: the work for a request ends when its client hangs up, or when its answer does not begin in time.

A question that the database works on ends with its own limit (`maxTimeMS`); no further one is put. What changes
anything is not broken off: what was begun is done, whoever waits for the answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from aoc_api import problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READS: Final = frozenset({"GET", "HEAD"})
#: A sign-in changes something, though browsers fetch it.
_BELOW: Final = "/api/"


class CancelledReads:
    """Ends reads that nobody waits for. `begin_s`: seconds in which an answer must begin."""

    def __init__(self, app: ASGIApp, begin_s: float) -> None:
        self._app = app
        self._begin_s = begin_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises `ClientDisconnect` when its client has hung up before the answer began."""
        if _is_read(scope):
            await _Read(self._begin_s).serve(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_read(scope: Scope) -> bool:
    """Whether a request reads something, and has no body that is on its way."""
    if scope["type"] != "http" or scope["method"] not in _READS or not scope["path"].startswith(_BELOW):
        return False
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


class _Read:
    """One request."""

    def __init__(self, begin_s: float) -> None:
        self._limit = asyncio.timeout(begin_s)
        self._gone = asyncio.Event()
        self._begun = False
        self._received = False

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if not self._begun:
                self._begun = True
                self._limit.reschedule(None)
            await send(message)

        watching: asyncio.Task[None] | None = None
        try:
            async with self._limit:
                watching = asyncio.create_task(self._watch(receive))
                await app(scope, self._receive, sending)
        except TimeoutError:
            if not self._limit.expired():
                raise
            if self._gone.is_set():
                raise ClientDisconnect from None
            await problems.took_too_long()(scope, receive, send)
        finally:
            if watching is not None:
                watching.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110  # what is received wakes it
            await asyncio.sleep(0)
        self._gone.set()
        if not self._begun:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _receive(self) -> Message:
        """What the application sees: an empty body, and the client's end."""
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

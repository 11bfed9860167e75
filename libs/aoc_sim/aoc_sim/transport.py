"""Faults in transport: no answer, a truncated body, a truncated gzip stream, a page of a proxy."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_sim.timeline import World

_APIS: Final = ("/v1.0/", "/beta/", "/api/v1.0/")
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Sign in to the guest network</h1></body></html>"
_SHORTEST: Final = 2


_CONTROL: Final = "/_"
_AWAY: Final = b"The service is unavailable."


class BrokenTransport:
    """Around the application: some good answers of Microsoft's APIs arrive broken. Their records count as served.

    In an outage nobody answers but the control plane.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        outside = scope["type"] == "http" and not scope["path"].startswith(_CONTROL)
        if outside and self._world.dice.settings.outage:
            self._world.dice.injected["outage"] += 1
            await PlainTextResponse(_AWAY, 503)(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_APIS):
            await self._app(scope, receive, send)
            return
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, keep)
        for message in self._broken(sent):
            await send(message)

    def _broken(self, sent: list[Message]) -> list[Message]:
        start, body = sent[0], b"".join(message.get("body", b"") for message in sent[1:])
        dice = self._world.dice
        if start["status"] != 200 or len(body) < _SHORTEST:  # noqa: PLR2004
            return sent
        if dice.strikes("reset"):
            # Promised in full, and never ended: the server closes the connection.
            return [start, {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}]
        if dice.strikes("truncated_gzip"):
            packed = gzip.compress(body)
            return _answer(start, packed[: len(packed) * 2 // 3], [(b"content-encoding", b"gzip")])
        if dice.strikes("proxy_page"):
            return _answer(start, _PAGE, [(b"content-type", b"text/html")])
        return sent


def _answer(start: Message, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> list[Message]:
    changed = dict(headers) | {b"content-length": str(len(body)).encode()}
    unchanged: list[Any] = [(name, value) for name, value in start["headers"] if name.lower() not in changed]
    return [{**start, "headers": [*unchanged, *changed.items()]}, {"type": "http.response.body", "body": body}]

"""How receivers over HTTP answer: as their server does, unless a mishap comes between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from aoc_sim.siem.mishaps import Mishap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from aoc_sim.siem.mishaps import Mishaps
    from aoc_sim.siem.taken import Taken


class Broken(Response):
    """An answer whose connection ends in the middle: more was promised than comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of it."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b'{"te', "more_body": True})


async def answered(
    request: Request,
    mishaps: Mishaps,
    taken: Taken,
    serve: Callable[[bytes, Mishap], Awaitable[Response]],
    busy: Callable[[], Response] | None = None,
) -> Response:
    """The answer to one request. `serve`: what the server does with a body. `busy`: how it says that it is busy."""
    taken.requests += 1
    body = await request.body()
    mishap = mishaps.next()
    if (refusal := _untaken(mishap, mishaps, taken, busy)) is not None:
        return refusal
    if mishap is Mishap.RESET_AFTER:
        await serve(body, Mishap.NONE)
        return Broken()
    if mishap is Mishap.SLOW:
        await asyncio.sleep(mishaps.slow_s)
    return await serve(body, mishap)


def _untaken(mishap: Mishap, mishaps: Mishaps, taken: Taken, busy: Callable[[], Response] | None) -> Response | None:
    """The answer of a server that takes nothing of the body; None where it takes it."""
    after = {"Retry-After": str(mishaps.retry_after_s)}
    if taken.full:
        return Response("this receiver holds as much as it may", 507)
    match mishap:
        case Mishap.THROTTLED:
            return JSONResponse({"error": {"code": "429", "message": "slow down"}}, 429, after)
        case Mishap.BUSY:
            return busy() if busy else Response("busy", 503, after)
        case Mishap.DENIED:
            return JSONResponse({"error": {"code": "InvalidToken", "message": "expired"}}, 401)
        case Mishap.RESET_BEFORE:
            return Broken()
        case _:
            return None

"""How receivers over HTTP answer: as their server does, unless a fault comes between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from aoc_sim.siem.request_faults import RequestFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from aoc_sim.siem.request_faults import RequestFaults
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
    faults: RequestFaults,
    taken: Taken,
    serve: Callable[[bytes, RequestFault], Awaitable[Response]],
    busy: Callable[[], Response] | None = None,
) -> Response:
    """The answer to one request. `serve`: what the server does with a body. `busy`: how it says that it is busy."""
    taken.requests += 1
    body = await request.body()
    fault = faults.next()
    if (refusal := _untaken(fault, faults, taken, busy)) is not None:
        return refusal
    if fault is RequestFault.RESET_AFTER:
        await serve(body, RequestFault.NONE)
        return Broken()
    if fault is RequestFault.SLOW:
        await asyncio.sleep(faults.slow_s)
    return await serve(body, fault)


def _untaken(
    fault: RequestFault, faults: RequestFaults, taken: Taken, busy: Callable[[], Response] | None
) -> Response | None:
    """The answer of a server that takes nothing of the body; None where it takes it."""
    after = {"Retry-After": str(faults.retry_after_s)}
    if taken.full:
        return Response("this receiver holds as much as it may", 507)
    match fault:
        case RequestFault.THROTTLED:
            return JSONResponse({"error": {"code": "429", "message": "slow down"}}, 429, after)
        case RequestFault.BUSY:
            return busy() if busy else Response("busy", 503, after)
        case RequestFault.DENIED:
            return JSONResponse({"error": {"code": "InvalidToken", "message": "expired"}}, 401)
        case RequestFault.RESET_BEFORE:
            return Broken()
        case _:
            return None

"""The bodies of requests: their size, how fast they must arrive, and that no member of their JSON is repeated."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from starlette.responses import Response
    from starlette.types import Message, Receive

#: Bytes that a request's body may have, whoever sends it. Microsoft's batches of notifications are far smaller.
MAX_BODY: Final = 1024 * 1024
#: Seconds before the rate of a body is checked.
_GRACE_S: Final = 2.0
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How long a whole body may take, and how many bytes a second it must have on average after a moment of grace."""

    total_s: float
    bytes_per_s: float


def bounded(receive: Receive, limits: BodyLimits) -> Receive:
    """`receive`, which ends a request whose body is too large (413) or comes too slowly (408)."""
    received = 0
    began: float | None = None
    complete = False

    async def receiving() -> Message:
        nonlocal received, began, complete
        if complete:  # the next message is the client's disconnect, whenever that comes
            return await receive()
        now = asyncio.get_running_loop().time()
        began = now if began is None else began
        latest = began + min(limits.total_s, _GRACE_S + received / limits.bytes_per_s)
        try:
            async with asyncio.timeout_at(latest):
                message = await receive()
        except TimeoutError:
            detail = (
                f"The body did not come within {limits.total_s:g} s, or came slower than {limits.bytes_per_s:g} bytes/s"
            )
            raise HTTPException(408, detail, headers={"Connection": "close"}) from None
        received += len(message.get("body", b""))
        complete = message["type"] != "http.request" or not message.get("more_body", False)
        if received > MAX_BODY:
            raise HTTPException(413, f"The body has more than {MAX_BODY} bytes")
        return message

    return receiving


class RepeatedMember(HTTPException):  # named after what it reports
    """A JSON object has a member twice: its readers would disagree about its value."""

    def __init__(self, name: str) -> None:
        super().__init__(400, f"The member {name[:_LONGEST_NAME]!r} stands twice in one object")
        self.name = name[:_LONGEST_NAME]


def parse(body: bytes | str) -> Any:
    """The JSON value of a text in which no object has a member twice. Raises `Malformed`."""
    try:
        value = orjson.loads(body)  # strict in all but repeated members
        json.loads(body, object_pairs_hook=_without_repeats)
    except RepeatedMember as error:
        raise Malformed(error.detail) from None
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON") from None
    return value


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise RepeatedMember(next(name for name in names if names.count(name) > 1))
    return members


class _Strict(Request):
    async def json(self) -> Any:
        """As Starlette's, but of what is JSON only: no NaN, no half characters. Raises `RepeatedMember` too."""
        body = await self.body()
        orjson.loads(body)
        return json.loads(body, object_pairs_hook=_without_repeats)


class StrictRoute(APIRoute):
    """A route whose JSON body is refused when an object has a member twice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, which reads strictly."""
        handler = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handler(_Strict(request.scope, request.receive))

        return strictly

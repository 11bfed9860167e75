"""The live tail of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, PrincipalDep, ServicesDep, services_of
from aoc_api.filters import Filters
from aoc_api.problems import BUSY, invalid
from aoc_api.tail.places import LONGEST
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import grammar

router = APIRouter(prefix="/api/events/stream", tags=["events"])

_MEDIA_TYPE: Final = "text/event-stream"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-Sent Events. Each has an event as `/api/events` lists them in `data`, and an `id` to "
        "resume with. `event: gap`: some that came before are not to be had any more. `event: end`: the last one, and "
        "why it ends.",
        "content": {
            _MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": 'retry: 3000\nid: 3q2-7w\n\nid: 5nA_Qg\ndata: {"operation": "New-InboxRule"}\n\n',
            }
        },
    }
}
_NO_TAGS: Final = (
    "an event that comes has no tags yet, and does not come again when it gets some: leave tag out here, and ask "
    "/api/events for what is tagged"
)
#: No proxy keeps back what comes little by little (nginx).
_HEADERS: Final = {"X-Accel-Buffering": "no"}


async def until_answered() -> AsyncIterator[AsyncExitStack]:
    """What is entered here is left when the last byte of the answer is sent, or its client is gone."""
    async with AsyncExitStack() as stack:
        yield stack


@router.get(
    "",
    response_class=StreamingResponse,
    responses=_ANSWER | problems.responses("cursor-invalid", "repeated", "invalid-parameters", "not-now", *BUSY),
)
@audited("events.tail", "read")
async def tail_events(
    request: Request,
    filters: Filters,
    services: ServicesDep,
    principal: PrincipalDep,
    note: Noted,
    stack: Annotated[AsyncExitStack, Depends(until_answered, scope="request")],
    header: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID", max_length=LONGEST, description="`id` of the last event that came: go on behind it."
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        Query(
            max_length=LONGEST, description="The same, for programs that send no such header; the header goes before."
        ),
    ] = None,
) -> StreamingResponse:
    """New events of a tenant as they come, as Server-Sent Events; filters work as in `/api/events`.

    It goes on until its client leaves, the gateway stops, or its sender may not see the tenant any more. Resumed with
    `Last-Event-ID`, at any gateway, it sends what came meanwhile, each event once.
    """
    if (name := grammar.about(filters.asked, "tag")) is not None:
        raise invalid(name, _NO_TAGS)
    if request.scope.get("aoc.head"):
        return StreamingResponse(_nothing(), media_type=_MEDIA_TYPE, headers=_HEADERS)
    stack.enter_context(services.admission.tailing(principal.id))

    async def recheck() -> Scope:
        now = await services_of(request)
        again = await now.reauthenticate(request)
        return await now.policy.scope(again, filters.query.tenant, "reader")

    reader = await stack.enter_async_context(
        services.tail.opened(filters.query, header or last_event_id, recheck, note)
    )
    note.streamed = note.endless = True
    return StreamingResponse(reader.frames(), media_type=_MEDIA_TYPE, headers=_HEADERS)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""

"""Where ticket systems tell what became of their tickets. A message proves by a signature whose it is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from aoc_api import metrics, problems
from aoc_api.audit.acts import audited
from aoc_api.bodies import parse
from aoc_api.deps import Noted, ServicesDep, can_be_noted
from aoc_common.errors import Malformed
from aoc_common.gateway.ticket_news import TicketChange, TicketNews
from aoc_common.outbound.signatures import BadSignature, verified
from aoc_common.telemetry import logs

router = APIRouter(prefix="/api/webhooks/tickets", tags=["webhooks"])

_log = logs.get(__name__)

#: Seconds for a message, its body included.
_DEADLINE_S: Final = 20.0
_SENDER: Final = "tickets"
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.post(
    "/{system}",
    response_model=TicketChange,
    dependencies=[Depends(can_be_noted)],
    responses=problems.responses(
        "bad-request", "repeated", "webhook-refused", "forbidden", "not-found", "too-slow", "notes-full", "too-large",
        "invalid-parameters", "not-now", "unavailable",
    ),
    openapi_extra=_BODY,
)  # fmt: skip
@audited("alerts.ticket", "change")
async def take_news(
    request: Request,
    services: ServicesDep,
    note: Noted,
    system: Annotated[str, Path(description="Its name in AOC_API__TICKET_SYSTEMS.", examples=["tickets"])],
) -> TicketChange:
    """Change the alerts that have a ticket, as its system says, which signs it (Standard Webhooks). It counts once."""
    known = services.ticket_systems.get(system)
    if known is None:
        raise problems.Problem("not-found", "There is nothing at this address.")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            content, now = await request.body(), services.clock.now()
            try:
                message = verified(known.keys, request.headers, content, int(now.timestamp()))
            except BadSignature as error:
                metrics.API_NOTIFICATIONS.labels(_SENDER, "forged").inc()
                _log.warning("notification.refused", sender=_SENDER, system=system, reason=str(error))
                note.credentials_refused = True
                raise problems.Problem("webhook-refused", "The message is not believed.") from None
            note.principal = known.principal
            news = _read(content)
            note.tenant = known.tenant(news.tenant, services.tenant(None))
            note.about = f"message {message}: {news.model_dump_json(exclude_unset=True)}"
            done = await services.tickets.tell(known, note.tenant, news, message, now)
    except TimeoutError:
        raise problems.not_now("The message could not be taken in time.") from None
    note.rows = done.changed
    metrics.API_NOTIFICATIONS.labels(_SENDER, "accepted").inc()
    return done


def _read(content: bytes) -> TicketNews:
    """What a body says. Raises a problem that names the field at fault."""
    try:
        return TicketNews.model_validate(parse(content))
    except Malformed as error:
        raise problems.Problem("bad-request", str(error)) from None
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None

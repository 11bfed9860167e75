"""The addresses that Microsoft notifies. Nothing is done here: accepted notifications become jobs on the bus.

A Graph notification is answered 202 whether it is accepted or not, as Microsoft asks (graph-docs,
change-notifications-with-resource-data.md, "How to validate"): a refusal would make a genuine sender repeat it for four
hours and then throttle us, and would show a forger what was wrong. A replay is answered the same: mostly it comes from
Microsoft, whose first answer was lost. Only a malformed body gets 400; 503 asks Microsoft to retry: the bus is away.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from aoc_api import metrics, problems
from aoc_api.deps import ServicesDep
from aoc_api.job_requests import PublishJobs
from aoc_api.webhooks.notifications import read_batch, read_content, read_validation_code
from aoc_api.webhooks.verification import REFUSED, Verdict, Verifier
from aoc_common.errors import Malformed, Transient
from aoc_common.telemetry import logs

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

_log = logs.get(__name__)

#: Seconds for a notification. Microsoft counts answers after three seconds as slow.
_DEADLINE_S: Final = 2.5
_NOT_PLAIN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BODY: Final[dict[str, Any]] = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
_PROBLEMS: Final = problems.responses("bad-request", "not-found", "too-large", "not-now", "invalid-parameters")


async def verifier_of(services: ServicesDep) -> Verifier:
    """The verifier of notifications. Raises a 404 problem when webhooks are off."""
    if services.verifier is None:
        raise problems.Problem("not-found", "There is nothing at this address.")
    return services.verifier


VerifierDep = Annotated[Verifier, Depends(verifier_of)]


@router.post(
    "/graph",
    status_code=202,
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "The validation token"}, **_PROBLEMS},
    openapi_extra=_BODY,
)
async def graph(
    request: Request,
    services: ServicesDep,
    verifier: VerifierDep,
    validation_token: Annotated[
        str | None, Query(alias="validationToken", max_length=2048, description="Sent by Graph to see who answers.")
    ] = None,
) -> Response:
    """Change notifications and lifecycle events of Microsoft Graph."""
    if validation_token is not None:
        return _handshake(validation_token)
    async with _deadline():
        verdict = await verifier.graph(read_batch(await request.body()))
        await _act("graph", verdict, services.publish_jobs, verifier)
    return Response(status_code=202)


@router.post(
    "/o365",
    status_code=200,
    response_class=Response,
    responses=_PROBLEMS | problems.responses("webhook-refused"),
    openapi_extra=_BODY,
)
async def o365(
    request: Request,
    services: ServicesDep,
    verifier: VerifierDep,
    auth_id: Annotated[
        str, Header(alias="Webhook-AuthID", max_length=255, description="What the webhook was registered with.")
    ] = "",
    code: Annotated[
        str | None, Header(alias="Webhook-ValidationCode", max_length=1024, description="Sent to see who answers.")
    ] = None,
) -> Response:
    """Notifications of the Office 365 Management Activity API: new content, of which tenant and type."""
    sealed = verifier.sealed_content(auth_id)
    if sealed is None:
        metrics.API_NOTIFICATIONS.labels("o365", "forged").inc()
        _log.warning("notification.refused", sender="o365", reason="Webhook-AuthID is none of ours")
        raise problems.Problem("webhook-refused", "The notification is not believed.")
    async with _deadline():
        body = await request.body()
        if code is not None:
            if not hmac.compare_digest(read_validation_code(body).encode(), code.encode()):
                raise Malformed("header and body have different validation codes")
            return Response(status_code=200)
        verdict = verifier.content(read_content(body), sealed)
        await _act("o365", verdict, services.publish_jobs, verifier)
    if verdict.outcomes["forged"] and not verdict.outcomes["accepted"]:
        raise problems.Problem("webhook-refused", "The notification is not believed.")
    return Response(status_code=200)


def _handshake(token: str) -> Response:
    """The decoded token, escaped, so that a browser runs nothing of it."""
    if _NOT_PLAIN.search(token):
        raise problems.Problem("bad-request", "The validation token holds control characters.")
    return PlainTextResponse(token.replace("<", "&lt;").replace(">", "&gt;"))


async def _act(sender: str, verdict: Verdict, publish_jobs: PublishJobs, verifier: Verifier) -> None:
    """Publish the jobs of a verdict, remember its keys, and log what was refused: once, not per item."""
    if any(outcome in REFUSED for outcome in verdict.outcomes):
        _log.warning("notification.refused", sender=sender, reasons=dict(verdict.reasons))
    published = await publish_jobs(verdict.jobs) if verdict.jobs else []
    verifier.replays.remember(verdict.keys.values())
    for outcome, items in verdict.outcomes.items():
        metrics.API_NOTIFICATIONS.labels(sender, outcome).inc(items)
    if published:
        _log.info("notification.accepted", sender=sender, jobs=len(published), new=sum(published))


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    """Bounds the time of an answer: a slow body, keys or a bus that do not answer, become a 503.

    What is no notification is answered 400.
    """
    try:
        async with asyncio.timeout(_DEADLINE_S):
            yield
    except Malformed as error:
        raise problems.Problem("bad-request", str(error)) from None
    except ClientDisconnect:
        raise problems.Problem("bad-request", "The body ended before its end.") from None
    except (TimeoutError, Transient) as error:
        _log.warning("notification.late", error=str(error) or type(error).__name__)
        raise problems.not_now("The notification could not be taken in time.") from error

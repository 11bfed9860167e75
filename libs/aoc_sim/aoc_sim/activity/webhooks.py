"""The webhook of a subscription: read from the body of `start`, validated, stored and shown.

Microsoft validates a webhook by posting a code to it, and then notifies it of content. This simulator does so too, but
only when the control plane says so, since it does nothing between requests. A webhook that fails
three times is disabled (Microsoft: "if we continue to receive failures"); its subscription stays.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import orjson

from aoc_sim.activity import errors
from aoc_sim.activity.listing import parse_moment
from aoc_sim.outgoing import SentRequest, is_loopback, post

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

_TIMEOUT_S = 5.0
_FAILURES = 3


async def read_webhook(request: Request, now: datetime) -> dict[str, Any] | None:
    """The validated webhook of a start request, None if it has none.

    Raises AF20002 for a body that is no JSON object, AF20001 without an address, AF20003 for a
    past expiration and AF20021 if the address is not HTTPS or does not answer 200. A loopback
    address may be plain HTTP, or nobody could test a webhook locally.
    """
    raw = await request.body()
    if not raw.strip():
        return None
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise errors.wrong_type("body", "json") from None
    webhook = body.get("webhook") if isinstance(body, dict) else None
    if not webhook:
        return None
    address = webhook.get("address")
    if not address:
        raise errors.missing("webhook.address")
    expiration = webhook.get("expiration") or None
    if expiration:
        at = parse_moment("webhook.expiration", expiration)
        if at <= now:
            raise errors.past_expiration(expiration)
    auth_id = webhook.get("authId")
    await _validate(address, auth_id)
    return {"status": "enabled", "address": address, "authId": auth_id, "expiration": expiration}


async def _validate(address: str, auth_id: str | None) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise errors.webhook_refused(address, "Only an HTTPS address is accepted.")
    code = token_urlsafe(16)
    headers = {"Webhook-ValidationCode": code} | ({"Webhook-AuthID": auth_id} if auth_id else {})
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(address, json={"validationCode": code}, headers=headers)
    except httpx.HTTPError as error:
        raise errors.webhook_refused(address, f"The endpoint did not answer: {type(error).__name__}.") from error
    if answer.status_code != httpx.codes.OK:
        raise errors.webhook_refused(address, f"It answered {answer.status_code} instead of 200.")


async def deliver(webhook: dict[str, Any], body: bytes) -> SentRequest:
    """Notify a webhook once; three failures in a row disable it."""
    headers = {"Content-Type": "application/json"} | (
        {"Webhook-AuthID": webhook["authId"]} if webhook["authId"] else {}
    )
    answer = await post(webhook["address"], body, timeout_s=_TIMEOUT_S, headers=headers)
    status = answer.status_code if answer is not None else 0
    failures = 0 if status == httpx.codes.OK else webhook.get("failures", 0) + 1
    webhook["failures"] = failures
    if failures >= _FAILURES:
        webhook["status"] = "disabled"
    return SentRequest(webhook["address"], body, status)


def shown(webhook: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """A webhook as the API shows it: `enabled`, `disabled` or `expired`."""
    if webhook is None:
        return None
    expired = webhook["expiration"] and parse_moment("expiration", webhook["expiration"]) <= now
    status = "expired" if expired else webhook["status"]
    return {"status": status, **{name: webhook[name] for name in ("address", "authId", "expiration")}}

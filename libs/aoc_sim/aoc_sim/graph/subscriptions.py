"""`/subscriptions`: created after a handshake, listed, renewed, reauthorised, deleted.

Sources: graph-docs, subscription-post-subscriptions.md, -list, -get, -update, -delete, -reauthorize;
change-notifications-delivery-webhooks.md, "notificationUrl validation".
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from aoc_sim.graph import errors
from aoc_sim.graph.gate import Needs
from aoc_sim.graph.subscription_store import (
    ROLES,
    SubscriptionStore,
    read_expiration,
    read_subscription,
    read_url,
    refused,
)
from aoc_sim.outgoing import post
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from starlette.requests import Request

    from aoc_sim.graph.gate import Gate
    from aoc_sim.tokens import Caller

_NEEDS = Needs("graph_directory", ROLES, "Authorization_RequestDenied", limit="ReadWrite")
_HANDSHAKE_S = 10.0
_CHANGEABLE = frozenset({"expirationDateTime", "notificationUrl"})


class Subscriptions:
    """The routes. `store`: the subscriptions."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.store = SubscriptionStore()

    def routes(self) -> list[Route]:
        """The routes, v1.0."""
        guarded, path = self._gate.guarded, "/v1.0/subscriptions/{id}"
        return [
            Route("/v1.0/subscriptions", guarded(self.list), methods=["GET"]),
            Route("/v1.0/subscriptions", guarded(self.create), methods=["POST"]),
            Route(path, guarded(self.get), methods=["GET"]),
            Route(path, guarded(self.update), methods=["PATCH"]),
            Route(path, guarded(self.delete), methods=["DELETE"]),
            Route(path + "/reauthorize", guarded(self.reauthorize), methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """The app's subscriptions in this tenant, all on one page."""
        caller = await self._admit(request)
        shown = [subscription.shown() for subscription in self.store.of(caller, self._gate.world.clock.now())]
        return json_answer({"@odata.context": self._context(request), "value": shown})

    async def create(self, request: Request) -> Response:
        """201, when both endpoints gave their tokens back."""
        caller = await self._admit(request)
        now = self._gate.world.clock.now()
        made = read_subscription(await _body(request), caller, len(self.store.of(caller, now)), now)
        for url in filter(None, (made.notification_url, made.lifecycle_url)):
            await _handshake(url)
        self.store.add(made)
        return json_answer({"@odata.context": self._context(request, "/$entity")} | made.shown(state=True), status=201)

    async def get(self, request: Request) -> Response:
        """One of them."""
        caller = await self._admit(request)
        subscription = self.store.find(request.path_params["id"], caller, self._gate.world.clock.now())
        return json_answer({"@odata.context": self._context(request, "/$entity")} | subscription.shown())

    async def update(self, request: Request) -> Response:
        """Renew, which reauthorises too; or move to another address."""
        caller = await self._admit(request)
        now = self._gate.world.clock.now()
        subscription = self.store.find(request.path_params["id"], caller, now)
        body = await _body(request)
        if not body or not body.keys() <= _CHANGEABLE:
            raise refused(f"Only {' and '.join(sorted(_CHANGEABLE))} can be changed.")
        expires = subscription.expires
        if "expirationDateTime" in body:
            expires = read_expiration(body["expirationDateTime"], subscription.resource, now)
        if "notificationUrl" in body:
            url = read_url(body["notificationUrl"], "notificationUrl")
            await _handshake(url)
            subscription.notification_url = url
        subscription.expires = expires
        subscription.reauthorized += 1
        return json_answer({"@odata.context": self._context(request, "/$entity")} | subscription.shown())

    async def delete(self, request: Request) -> Response:
        """204."""
        caller = await self._admit(request)
        self.store.remove(self.store.find(request.path_params["id"], caller, self._gate.world.clock.now()))
        return Response(status_code=204)

    async def reauthorize(self, request: Request) -> Response:
        """204; the expiration stays."""
        caller = await self._admit(request)
        self.store.find(request.path_params["id"], caller, self._gate.world.clock.now()).reauthorized += 1
        return Response(status_code=204)

    async def _admit(self, request: Request) -> Caller:
        await self._gate.admit(request, _NEEDS)
        return self._gate.caller(request)

    def _context(self, request: Request, more: str = "") -> str:
        return f"{self._gate.base(request)}/v1.0/$metadata#subscriptions{more}"


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise errors.bad_request("The body is no JSON object.")
    return body


async def _handshake(url: str) -> None:
    """The endpoint must give the token back, decoded and as plain text, within 10 s."""
    token = f"Validation: Testing client application reachability for subscription Request-Id: {token_hex(16)} +%&="
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    answer = await post(url, b"", timeout_s=_HANDSHAKE_S, headers=headers, params={"validationToken": token})
    if answer is None:
        fault = "Validation request timed out, or nobody answered."
    elif answer.status_code != 200:  # noqa: PLR2004  # as the message says
        fault = (
            f"Notification endpoint must respond with 200 OK to validation request; it answered {answer.status_code}."
        )
    elif not answer.headers.get("content-type", "").startswith("text/plain"):
        fault = "Response to validation request must have the content type text/plain."
    elif answer.text != token:
        fault = "Response must exactly match validationToken query parameter."
    else:
        return
    raise errors.GraphError(400, "ValidationError", f"Subscription validation request failed. {fault}")

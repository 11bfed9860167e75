"""The control plane for notifications: `POST /_notify` sends change notifications now."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_sim.activity.subscriptions import CONTENT_TYPES
from aoc_sim.graph.notifications import LifecycleEvent
from aoc_sim.graph.subscription_store import RESOURCES
from aoc_sim.responses import base_url, json_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from aoc_sim.activity.routes import Activity
    from aoc_sim.graph.notifications import Notifier
    from aoc_sim.outgoing import SentRequest
    from aoc_sim.settings import SimSettings
    from aoc_sim.timeline import World


class NotifyBody(BaseModel):
    """The body of `POST /_notify`."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(description="The tenant's slug.")
    resource: str = Field(description="A Graph resource, e.g. `users`, or a content type, e.g. `Audit.Exchange`.")
    ids: list[str] | None = Field(default=None, max_length=1000, description="The objects; one made up without.")
    lifecycle: LifecycleEvent | None = Field(default=None, description="An event in a subscription's life instead.")
    again: bool = Field(default=False, description="What Graph sent last once more, byte for byte: a replay.")


class Notify:
    """The routes."""

    def __init__(self, settings: SimSettings, world: World, notifier: Notifier, activity: Activity) -> None:
        self._settings = settings
        self._world = world
        self._notifier = notifier
        self._activity = activity

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/_notify", self.notify, methods=["POST"]),
            Route("/_subscriptions/{slug}", self.subscriptions),
        ]

    async def subscriptions(self, request: Request) -> Response:
        """A tenant's Graph subscriptions: id -> how often each was reauthorised."""
        tenant = self._world.tenants.get(request.path_params["slug"])
        if tenant is None:
            return json_answer({"error": "no such tenant"}, status=404)
        return json_answer({"value": self._notifier.reauthorized(tenant.settings.tenant_id)})

    async def notify(self, request: Request) -> Response:
        """Send notifications; the answer lists the recipients and their status codes."""
        try:
            body = NotifyBody.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(str(error), 422)
        tenant = self._world.tenants.get(body.tenant)
        known = [*RESOURCES, *CONTENT_TYPES]
        if tenant is None or body.resource not in known:
            return json_answer({"error": "no such tenant or resource", "known": known}, status=404)
        self._world.catch_up()
        tenant_id, base = tenant.settings.tenant_id, base_url(request, self._settings)
        sent: Sequence[SentRequest]
        if body.resource in CONTENT_TYPES:
            sent = await self._activity.notify(tenant, body.resource, base)
        elif body.again:
            sent = await self._notifier.repeat()
        elif body.lifecycle:
            sent = await self._notifier.lifecycle(tenant_id, body.resource, body.lifecycle, base)
        else:
            sent = await self._notifier.changed(tenant_id, body.resource, body.ids or [str(uuid4())], base)
        return json_answer({"deliveries": [{"url": delivery.url, "status": delivery.status} for delivery in sent]})

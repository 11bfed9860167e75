"""Subscriptions: which content types flow, since when, and what a stop makes unreachable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aoc_sim.activity import errors
from aoc_sim.activity.webhooks import shown

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_sim.records.base import Source
    from aoc_sim.world import TenantWorld

CONTENT_TYPES: dict[str, Source] = {
    "Audit.AzureActiveDirectory": "o365-azuread",
    "Audit.Exchange": "o365-exchange",
    "Audit.SharePoint": "o365-sharepoint",
    "Audit.General": "o365-general",
    "DLP.All": "o365-dlp",
}
NEVER_US = 2**62


@dataclass(slots=True)
class Subscription:
    """One content type's subscription."""

    content_type: str
    first_started_us: int
    """By the clock that is never stepped."""
    status: Literal["enabled", "disabled"] = "enabled"
    webhook: dict[str, Any] | None = None

    def body(self, now: datetime) -> dict[str, Any]:
        """As the API shows it; without a webhook the key is there, null."""
        return {"contentType": self.content_type, "status": self.status, "webhook": shown(self.webhook, now)}


class Subscriptions:
    """The subscriptions of all tenants."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Subscription] = {}

    def start(self, world: TenantWorld, content_type: str, now_us: int, webhook: dict[str, Any] | None) -> Subscription:
        """Start, restart, or change the webhook of a running one.

        Content created between a stop and the restart stays unreachable.
        """
        key = (world.settings.tenant_id, content_type)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = Subscription(content_type, now_us)
        elif held.status == "disabled":
            gaps = world.feeds[CONTENT_TYPES[content_type]].unsubscribed
            gaps[-1] = (gaps[-1][0], now_us)
            held.status = "enabled"
        held.webhook = webhook
        return held

    def stop(self, world: TenantWorld, content_type: str, now_us: int) -> None:
        """Stop; AF20022 if it does not run."""
        held = self.running(world, content_type)
        held.status = "disabled"
        held.webhook = None
        world.feeds[CONTENT_TYPES[content_type]].unsubscribed.append((now_us, NEVER_US))

    def running(self, world: TenantWorld, content_type: str) -> Subscription:
        """The subscription; AF20022 if there is none or it was stopped."""
        held = self._held.get((world.settings.tenant_id, content_type))
        if held is None or held.status == "disabled":
            raise errors.no_subscription()
        return held

    def all(self, world: TenantWorld) -> list[Subscription]:
        """A tenant's subscriptions, the stopped ones too, in the order of first start."""
        return [held for (tenant, _), held in self._held.items() if tenant == world.settings.tenant_id]

"""Subscriptions at Microsoft Graph are compared, created, renewed and deleted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.flow import redelivery
from aoc_collector.sources import SOURCES
from aoc_collector.subscriptions.schedule import request_comparisons
from aoc_collector.subscriptions.sync import SubscriptionSync, Target, address, desired_subscriptions
from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler, publish_job
from aoc_common.contracts.jobs import SubscriptionJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_collector.parts.shared import Shared
    from aoc_common.contracts.directory import EntityKind
    from aoc_common.contracts.webhooks import GraphKind, Seals
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.tenant import Tenant

#: Kind of subscription -> the kind of directory entity that it is for.
_NEEDED: Mapping[GraphKind, EntityKind] = {"users": "user", "groups": "group"}


def add(shared: Shared, seals: Seals) -> None:
    """Add the schedule of comparisons, and the worker that compares and corrects."""
    settings, parts, resources = shared.settings.webhooks, shared.parts, shared.parts.resources
    publish = partial(publish_job, resources.js)
    targets: dict[str, Target] = {}

    def follow(change: TenantChange) -> None:
        if change.before is not None:
            targets.pop(change.before.name, None)
        if change.after is not None:
            targets[change.after.name] = target(shared, seals, change.after)

    async def request() -> None:
        await request_comparisons(list(targets), publish)

    shared.fleet.follow(follow)
    sync = SubscriptionSync(targets.get, publish, timedelta(seconds=settings.lifetime_s), resources.clock)
    parts.every(settings.interval_s, "scheduling subscriptions", request)
    policy = redelivery(shared.settings.max_backoff_s)
    parts.consume(consumers.SUBSCRIPTIONS, job_handler(SubscriptionJob, sync.run), redelivery=policy)


def target(shared: Shared, seals: Seals, tenant: Tenant) -> Target:
    """A tenant's subscriptions: to what is collected of it, and only that."""
    directory = shared.settings.directory
    kinds: set[GraphKind] = set()
    if directory.enabled:
        kinds |= {kind for kind, needed in _NEEDED.items() if needed in directory.kinds}
    if "graph-alerts" in (tenant.sources or SOURCES):
        kinds.add("alerts")
    url = address(shared.settings.webhooks.public_url or "", seals)
    desired = desired_subscriptions(tenant.name, tenant.tenant_id, kinds, url, seals)
    return Target(tenant.name, shared.apis.api(tenant, "graph_directory"), url, desired)

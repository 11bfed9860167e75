"""Subscriptions at Microsoft Graph are compared, created, renewed and deleted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.flow import redelivery
from aoc_collector.sources import SOURCES
from aoc_collector.subscriptions.schedule import ask
from aoc_collector.subscriptions.sync import SubscriptionSync, Target, address, wanted_of
from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler, publish_job
from aoc_common.contracts.jobs import SubscriptionJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_collector.parts.shared import Shared
    from aoc_common.contracts.directory import EntityKind
    from aoc_common.contracts.webhooks import GraphKind, Seals
    from aoc_common.tenants.tenant import Tenant

#: Kind of subscription -> the kind of directory entity that must be read for it to be of use.
_NEEDED: Mapping[GraphKind, EntityKind] = {"users": "user", "groups": "group"}


def add(shared: Shared, seals: Seals) -> None:
    """Add what asks for every tenant, and the worker that compares and mends."""
    settings, parts, resources = shared.settings.webhooks, shared.parts, shared.parts.resources
    publish = partial(publish_job, resources.js)
    targets = {tenant.name: target(shared, seals, tenant) for tenant in shared.tenants}
    sync = SubscriptionSync(targets.get, publish, timedelta(seconds=settings.lifetime_s), resources.clock)
    parts.every(settings.interval_s, "scheduling subscriptions", partial(ask, list(targets), publish))
    patiently = redelivery(shared.settings.max_backoff_s)
    parts.consume(consumers.SUBSCRIPTIONS, job_handler(SubscriptionJob, sync.run), redelivery=patiently)


def target(shared: Shared, seals: Seals, tenant: Tenant) -> Target:
    """A tenant's subscriptions: to what is collected of it, and only that."""
    directory = shared.settings.directory
    kinds: set[GraphKind] = set()
    if directory.enabled:
        kinds |= {kind for kind, needed in _NEEDED.items() if needed in directory.kinds}
    if "graph-alerts" in (tenant.sources or SOURCES):
        kinds.add("alerts")
    url = address(shared.settings.webhooks.public_url or "", seals)
    wanted = wanted_of(tenant.name, tenant.tenant_id, kinds, url, seals)
    return Target(tenant.name, shared.apis.api(tenant, "graph_directory"), url, wanted)

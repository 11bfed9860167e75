"""What the collector is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.parts import directories, monitoring, slices, subscriptions
from aoc_collector.parts.shared import share
from aoc_collector.settings import CollectorSettings
from aoc_collector.sources import SOURCES
from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_common.tenants.file import read_tenants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.webhooks import Seals
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.tenant import Tenant


def make() -> Service:
    """The collector that the environment describes. Raises `BadConfiguration`."""
    settings = load(CollectorSettings)
    return worker(settings, read_tenants(settings.tenants_file, SOURCES)).service()


def worker(settings: CollectorSettings, tenants: Sequence[Tenant]) -> Worker[CollectorSettings]:
    """A collector of these tenants. Raises `BadConfiguration` for a missing secret of the webhooks."""
    return Worker("collector", settings, partial(build, tenants, settings.webhooks.seals()))


async def build(tenants: Sequence[Tenant], seals: Seals | None, settings: CollectorSettings, parts: Parts) -> None:
    """Add the parts of a collector. `seals`: None without webhooks."""
    await MongoTenantIds(parts.resources.database).record({tenant.name: tenant.tenant_id for tenant in tenants})
    shared = await share(settings, tenants, seals, parts)
    slices.add(shared)
    monitoring.add(shared)
    if settings.directory.enabled:
        directories.add(shared)
    if seals:
        subscriptions.add(shared, seals)

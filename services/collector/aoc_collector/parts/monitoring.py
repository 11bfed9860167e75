"""The health of sources is monitored: which of them stall, fall silent, or lose content."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_collector.source_monitor import SourceMonitor
from aoc_collector.sources import SOURCES
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.source_health import Bounds

if TYPE_CHECKING:
    from aoc_collector.parts.shared import Shared


def add(shared: Shared) -> None:
    """Add the monitor of all sources."""
    settings, resources = shared.settings.watch, shared.parts.resources
    tenants = {tenant.name: tenant for tenant in shared.tenants}
    names = {tenant.name: list(tenant.sources or SOURCES) for tenant in shared.tenants}

    def throttled(tenant: str) -> dict[str, float | None]:
        return {name: shared.apis.throttled(tenants[tenant], SOURCES[name].family) for name in names[tenant]}

    bounds = Bounds(timedelta(seconds=settings.stalled_after_s), timedelta(hours=settings.expiry_warning_h))
    accounts, states = MongoAccount(resources.database), MongoSources(resources.database)
    monitor = SourceMonitor(names, accounts, states, throttled, bounds, resources.clock)
    shared.parts.every(settings.interval_s, "watching sources", monitor.check)

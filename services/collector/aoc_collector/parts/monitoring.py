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
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.tenant import Tenant


def add(shared: Shared) -> None:
    """Add the monitor of all sources."""
    settings, resources = shared.settings.watch, shared.parts.resources
    tenants: dict[str, Tenant] = {}
    names: dict[str, list[str]] = {}

    def throttled(tenant: str) -> dict[str, float | None]:
        return {name: shared.apis.throttled(tenants[tenant], SOURCES[name].family) for name in names[tenant]}

    bounds = Bounds(timedelta(seconds=settings.stalled_after_s), timedelta(hours=settings.expiry_warning_h))
    accounts, states = MongoAccount(resources.database), MongoSources(resources.database)
    monitor = SourceMonitor(names, accounts, states, throttled, bounds, resources.clock)

    def follow(change: TenantChange) -> None:
        if change.before is not None:
            monitor.forget(change.before.name)
            del tenants[change.before.name], names[change.before.name]
        if change.after is not None:
            tenants[change.after.name] = change.after
            names[change.after.name] = list(change.after.sources or SOURCES)

    shared.fleet.follow(follow)
    shared.parts.every(settings.interval_s, "watching sources", monitor.check)

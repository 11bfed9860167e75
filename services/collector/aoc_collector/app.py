"""What the collector is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.parts import checks, decisions, directories, monitoring, registry, slices, subscriptions
from aoc_collector.parts.shared import share
from aoc_collector.settings import CollectorSettings
from aoc_collector.sources import SOURCES
from aoc_common.clock import SystemClock
from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.webhooks import Seals
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.tenant import Tenant


def make() -> Service:
    """The collector that the environment describes. Raises `BadConfiguration`."""
    settings = load(CollectorSettings)
    file = FileTenants(partial(read_tenants, settings.tenants_file, SOURCES), SystemClock())
    return Worker("collector", settings, partial(build, file, settings.webhooks.seals())).service()


def worker(settings: CollectorSettings, tenants: Sequence[Tenant]) -> Worker[CollectorSettings]:
    """A collector of these tenants, and of the registry's. Raises `BadConfiguration` for a missing webhook secret."""
    file = FileTenants(lambda: tuple(tenants), SystemClock())
    return Worker("collector", settings, partial(build, file, settings.webhooks.seals()))


async def build(file: FileTenants, seals: Seals | None, settings: CollectorSettings, parts: Parts) -> None:
    """Add the parts of a collector. `seals`: None without webhooks."""
    fleet = await registry.follow(file, settings, parts)
    shared = await share(settings, fleet, seals, parts)
    slices.add(shared)
    checks.add(shared)
    decisions.add(shared)
    monitoring.add(shared)
    if settings.directory.enabled:
        directories.add(shared)
    if seals:
        subscriptions.add(shared, seals)

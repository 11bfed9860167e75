"""What the alerter is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_alerter import metrics
from aoc_alerter.known_tenants import KnownTenants
from aoc_alerter.parts import alerts, notifications, rules
from aoc_alerter.settings import AlerterSettings
from aoc_common.service.shared_time import LOOK_S, SharedTime
from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_rules.builder import library_builder

if TYPE_CHECKING:
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts
    from aoc_rules.library import LibraryBuilder


def make() -> Service:
    """The alerter that the environment describes. Raises `BadConfiguration`."""
    settings = load(AlerterSettings)
    return worker(settings, library_builder(home=settings.alerter.home_tenant is not None)).service()


def worker(settings: AlerterSettings, shipped: LibraryBuilder) -> Worker[AlerterSettings]:
    """An alerter of these rules, and of those that are stored."""
    shared = SharedTime(metrics.clock_stepped, metrics.CLOCK_AHEAD_SECONDS.set)
    return Worker("alerter", settings, partial(build, shipped, shared), clock=shared.clock)


async def build(shipped: LibraryBuilder, shared: SharedTime, settings: AlerterSettings, parts: Parts) -> None:
    """Add the parts of an alerter."""
    metrics.CATALOGUE.export()
    look = partial(shared.look, parts.resources.database)
    await look()
    parts.every(LOOK_S, "asking the database for the time", look)
    following = await rules.follow(shipped, settings, parts)
    tenants = await rules.tenants(parts)
    registry = rules.registry(settings, tenants)
    alerts.add(settings.alerter, following, KnownTenants(registry), tenants, parts)
    await notifications.add(settings, registry, parts)

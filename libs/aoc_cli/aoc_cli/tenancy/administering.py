"""What `aoc tenants` works with: the registry of a system, as whoever runs the command changes it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aoc_cli import tenants
from aoc_cli.access.local import principal
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.bus.tenant_changes import announce
from aoc_common.clock import SystemClock
from aoc_common.licence import terms
from aoc_common.settings import ServiceSettings, load
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.tenant_checks import MongoTenantChecks
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.administration import TenantAdministration
from aoc_common.tenants.checks import TenantChecks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from aoc_cli.attach import System
    from aoc_common.store.mongo.client import Database
    from aoc_common.tenants.combined_registry import CombinedTenants


@dataclass(frozen=True, slots=True)
class Administered:
    """A registry. `by`: who changes it, as it is noted. `check`: see `TenantChecks.check`."""

    tenants: TenantAdministration
    registry: CombinedTenants
    check: Callable[[Mapping[str, Any]], Awaitable[str]]
    database: Database
    by: str


@asynccontextmanager
async def administering(system: System, data: Path | None) -> AsyncIterator[Administered]:
    """The registry of a system. Raises `Unreachable`, and `BadConfiguration` for a tenants file that is invalid."""
    clock, settings = SystemClock(), load(ServiceSettings)
    async with connect(system.mongo) as database, connected_broker(system.nats, "cli") as broker:
        registry = tenants.registry(database, data)
        licences = terms.load(settings.license_key, settings.license_trust)
        yield Administered(
            TenantAdministration(
                MongoTenantSettings(database), registry.file, licences, partial(announce, broker), clock
            ),
            registry,
            TenantChecks(partial(publish_job, jetstream(broker)), MongoTenantChecks(database, clock), clock).check,
            database,
            principal(),
        )

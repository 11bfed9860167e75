"""Which groups each tenant is in: the registry of tenants is followed, a file and what is in the database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_common.bus.tenant_changes import hearing
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.service.worker import Parts
    from aoc_exporter.selection import Groups
    from aoc_exporter.settings import ExporterSettings


async def follow(settings: ExporterSettings, parts: Parts) -> Callable[[], Awaitable[Groups]]:
    """Tells which groups each tenant is in now. What it gives may raise `Transient`."""
    resources = parts.resources
    file = FileTenants(partial(read_tenants, settings.tenants_file), resources.clock)
    stored = StoredTenants(MongoTenantSettings(resources.database), resources.clock)
    registry = CombinedTenants(file, stored)
    await parts.enter(hearing(resources.broker, stored.wake))

    async def groups() -> Groups:
        return {tenant.name: frozenset(tenant.groups) for tenant in await registry.tenants()}

    return groups

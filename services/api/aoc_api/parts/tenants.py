"""The registry of tenants, and who changes it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_common.bus.tenant_changes import announce
from aoc_common.licence import terms
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.administration import TenantAdministration
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.licensing import advice
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_api.settings import ApiSettings
    from aoc_common.clock import Clock
    from aoc_common.licence.terms import Licences
    from aoc_common.service.probes import Probe
    from aoc_common.store.mongo.client import Database


def tenants_file(settings: ApiSettings, clock: Clock) -> FileTenants:
    """The tenants file, if there is one. Raises `BadConfiguration` for one that is invalid."""
    file, named_by = settings.named_tenants_file
    return FileTenants(partial(read_tenants, file, setting=named_by), clock)


def combined(file: FileTenants, database: Database, clock: Clock) -> CombinedTenants:
    """The registry: the file's tenants, and those in the database."""
    return CombinedTenants(file, StoredTenants(MongoTenantSettings(database), clock))


def licences(settings: ApiSettings) -> Licences:
    """The licences of the installation."""
    return terms.load(settings.license_key, settings.license_trust)


def licence_probe(settings: ApiSettings, registry: CombinedTenants, clock: Clock) -> Probe:
    """Whether somebody should do something about the licence."""
    held = licences(settings)

    async def probe() -> str | None:
        records = (await registry.stored.records()).values()
        return advice(held, await registry.file.tenants(), tuple(records), clock.now())

    return probe


def administration(
    settings: ApiSettings, registry: CombinedTenants, database: Database, broker: NatsBroker, clock: Clock
) -> TenantAdministration:
    """Who changes tenants."""

    async def tell(tenant: str) -> None:
        # This process first: whoever asked sees what he has done.
        registry.stored.wake()
        await announce(broker, tenant)

    return TenantAdministration(MongoTenantSettings(database), registry.file, licences(settings), tell, clock)

"""The registry of tenants is followed: a tenants file, and what is in the database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_collector import metrics
from aoc_collector.fleet import Fleet
from aoc_collector.licensing import Admission
from aoc_collector.sources import SOURCES
from aoc_common.bus.tenant_changes import hearing
from aoc_common.licence import terms
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.stored_registry import LOOK_S, StoredTenants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_collector.settings import CollectorSettings
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.file_registry import FileTenants
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.tenant import Tenant


async def follow(file: FileTenants, settings: CollectorSettings, parts: Parts) -> Fleet:
    """The tenants to collect, followed for as long as the service runs. Raises `Transient`."""
    resources = parts.resources
    stored = StoredTenants(MongoTenantSettings(resources.database), resources.clock)
    ids = MongoTenantIds(resources.database)
    licences = terms.load(settings.license_key, settings.license_trust)
    admission = Admission(licences, ids.names, stored.records, resources.clock)
    fleet = Fleet(CombinedTenants(file, stored), admission.admitted, partial(_record, ids))
    fleet.follow(_forget_measured)
    await fleet.refresh()
    await parts.enter(hearing(resources.broker, stored.wake))
    await parts.enter(fleet.following())
    # For what the follower could not take over, and a licence that ended or came.
    parts.every(LOOK_S, "following tenants", fleet.refresh)
    return fleet


def _forget_measured(change: TenantChange) -> None:
    if change.before is None:
        return
    if change.after is None:
        metrics.CATALOGUE.forget(tenant=change.name)
        return
    for source in set(change.before.sources or SOURCES) - set(change.after.sources or SOURCES):
        metrics.CATALOGUE.forget(tenant=change.name, source=source)


async def _record(ids: MongoTenantIds, tenants: Sequence[Tenant]) -> None:
    await ids.record({tenant.name: tenant.tenant_id for tenant in tenants})

"""The registry of tenants is followed: how long events are kept, and which tenants are to be deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.bus import tenant_messages
from aoc_common.bus.tenant_changes import hearing
from aoc_common.store.mongo.event_notes import NotesSweep
from aoc_common.store.mongo.event_retention import MongoEventRetention
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.tenant_data import MongoTenantData
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.records import HISTORY, TenantRevision
from aoc_common.tenants.stored_registry import LOOK_S, StoredTenants
from aoc_normalizer.upkeep.stored_retention import StoredRetention
from aoc_normalizer.upkeep.tenant_deletion import TenantDeletion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_common.service.resources import Resources
    from aoc_common.service.worker import Parts
    from aoc_common.store.mongo.events import Retention
    from aoc_common.tenants.records import TenantRecord
    from aoc_normalizer.settings import NormalizerSettings

#: The right to apply a changed retention.
RETENTION_LEASE: Final = "retention of stored events"
#: Seconds between two looks at notes.
_NOTES_S: Final = 3600.0


async def follow(parts: Parts) -> StoredTenants:
    """The registry, followed for as long as the service runs."""
    resources = parts.resources
    stored = StoredTenants(MongoTenantSettings(resources.database), resources.clock)
    await parts.enter(hearing(resources.broker, stored.wake))
    return stored


def retention(stored: StoredTenants, otherwise: Retention) -> Retention:
    """How long events are kept: as their tenant says, else as the settings of this service."""

    def keep(tenant: str, source: str) -> timedelta:
        known = stored.last_known(tenant)
        days = None if known is None else known.retention_days(source)
        return otherwise(tenant, source) if days is None else timedelta(days=days)

    return keep


def add(settings: NormalizerSettings, stored: StoredTenants, parts: Parts) -> None:
    """Add the deletion of tenants, and the retention of what is stored."""
    deletion = deletion_of(stored, parts.resources, timedelta(seconds=settings.deletion_settle_s))
    parts.every(min(LOOK_S, settings.deletion_settle_s), "deleting tenants", deletion.look)
    resources = parts.resources
    stored_retention = StoredRetention(
        stored.records,
        MongoEventRetention(resources.database),
        retention(stored, settings.retention.keep),
        MongoLease(resources.database, RETENTION_LEASE).take,
        resources.clock,
        timedelta(seconds=settings.deletion_settle_s),
    )
    parts.every(min(LOOK_S, settings.deletion_settle_s), "retention of stored events", stored_retention.look)
    parts.every(_NOTES_S, "notes of events that are gone", NotesSweep(resources.database, resources.clock).run)


def deletion_of(stored: StoredTenants, resources: Resources, settled: timedelta) -> TenantDeletion:
    """The deletion of tenants. `settled`: how long after a change what was under way has arrived."""
    store, lease = MongoTenantSettings(resources.database), MongoLease(resources.database, "deleting tenants")

    async def deleting() -> list[TenantRecord]:
        # As they are now: a round that was noted must not be counted from a record of before.
        known = (await stored.records()).values()
        names = [record.name for record in known if record.state == "deleting"]
        return [record for name in names if (record := await store.record(name)) and record.state == "deleting"]

    async def note(record: TenantRecord, proof: Mapping[str, Any]) -> None:
        await store.note_proof(record.name, record.revision, proof)

    async def finish(record: TenantRecord, proof: Mapping[str, Any]) -> bool:
        now = resources.clock.now()
        step = TenantRevision(record.revision + 1, now, "normalizer", "deleted")
        proof = {name: value for name, value in proof.items() if name != "empty_since"}
        done = await store.put(
            replace(
                record,
                state="deleted",
                revision=step.revision,
                changed_at=now,
                settings={},
                history=(step, *record.history)[:HISTORY],
                proof=proof,
            )
        )
        stored.wake()
        return done

    return TenantDeletion(deleting, _holdings_of(resources), note, finish, lease.take, resources.clock, settled)


class _Holdings:
    def __init__(self, data: MongoTenantData, resources: Resources, tenant: str) -> None:
        self._data = data
        self._resources = resources
        self._tenant = tenant

    async def counts(self) -> dict[str, int]:
        return await self._data.counts() | await tenant_messages.count(self._resources.js, self._tenant)

    async def remove(self) -> None:
        # Messages first: what is stored of them meanwhile is removed below, and pages are known until then.
        await tenant_messages.purge(self._resources.js, self._tenant, await self._data.pages())
        await self._data.remove()


def _holdings_of(resources: Resources) -> Callable[[TenantRecord], _Holdings]:
    def holdings(record: TenantRecord) -> _Holdings:
        app = "/".join(str(record.settings.get(name, "-")) for name in ("client_id", "tenant_id"))
        data = MongoTenantData(resources.database, record.name, app)
        return _Holdings(data, resources, record.name)

    return holdings

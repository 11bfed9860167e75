"""Tenants are added, changed, paused and deleted: the one place that decides what is allowed, whoever asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.errors import BadConfiguration, NotFound, Unreachable
from aoc_common.telemetry import logs
from aoc_common.tenants.file import check_collecting, document, validated
from aoc_common.tenants.licensing import counted, terms_now
from aoc_common.tenants.records import HISTORY, Adding, Conflict, NotAllowed, Outdated, TenantRecord, TenantRevision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.licence.terms import Licences, Terms
    from aoc_common.tenants.records import TenantSettingsStore
    from aoc_common.tenants.registry import TenantRegistry
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

type Announce = Callable[[str], Awaitable[None]]
"""Tells the services that a tenant has changed. What is lost costs them one look."""

#: What makes a collector send a secret somewhere, or read another tenant's records.
IDENTIFYING: Final = frozenset(
    {"tenant_id", "client_id", "client_secret", "client_certificate", "cloud", "authority", "graph", "management"}
)
_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes a tenant. `revision`: the one that he saw; None: whichever it is. `check`: what was found before."""

    by: str
    revision: int | None = None
    check: str = ""


class TenantAdministration:
    """Changes tenants. Every method may raise `Transient` when the store is away; what was announced is stored.

    `file`: the tenants that only their file changes.
    """

    def __init__(
        self, store: TenantSettingsStore, file: TenantRegistry, licences: Licences, announce: Announce, clock: Clock
    ) -> None:
        self._store = store
        self._file = file
        self._licences = licences
        self._announce = announce
        self._clock = clock

    async def records(self) -> list[TenantRecord]:
        """Every record, also those of deleted tenants."""
        return list(await self._store.changed_since(None))

    async def record(self, name: str) -> TenantRecord:
        """A tenant's record. Raises `NotFound`; `NotAllowed` for one that only the tenants file has."""
        record = await self._store.record(name)
        if record is None:
            await self._check_mine(name)
            raise NotFound(f"there is no tenant {name} in the registry")
        return record

    async def named_since(self, name: str) -> datetime | None:
        """Since when a name has been the tenant's own; None where no other one had it before, or nobody has it."""
        record = await self._store.record(name)
        return None if record is None else record.named_since

    async def terms(self) -> Terms:
        """What the licence allows now."""
        return self._terms(await self.records())

    def _terms(self, records: list[TenantRecord]) -> Terms:
        return terms_now(self._licences, records, self._clock.now())

    async def counted(self) -> int:
        """Tenants that the licence counts."""
        return len(counted(await self._file.tenants(), await self.records()))

    def read(self, settings: Mapping[str, Any]) -> Tenant:
        """The tenant that these settings describe. Raises `BadConfiguration`, naming the field."""
        tenant = validated("tenant", dict(settings))
        check_collecting(f"tenant {tenant.name}", tenant, SOURCE_NAMES)
        if strange := sorted(set(tenant.retention) - {*SOURCE_NAMES, "*", "import"}):
            raise BadConfiguration(f"tenant {tenant.name}, retention: no source {strange[0]!r}")
        return tenant

    async def add(self, settings: Mapping[str, Any], change: Change) -> TenantRecord:
        """Add a tenant. Raises `BadConfiguration`, `Conflict` when it is there, `NotAllowed`."""
        tenant = self.read(settings)

        def check(before: TenantRecord | None) -> None:
            if before is not None and before.state != "deleted":
                raise Conflict(f"tenant {tenant.name} is there already" + _being_deleted(before))

        before = await self._reserved(tenant, check)
        now, revision = self._clock.now(), before.revision if before else 0
        history = before.history if before else ()
        new = TenantRecord(tenant.name, "active", revision, now, now, {}, history)
        return await self._put(new, change, "added", document(tenant))

    async def _reserved(self, tenant: Tenant, check: Callable[[TenantRecord | None], None]) -> TenantRecord | None:
        """The record of this name, if any, once a place is reserved. `check`: raises for one that must not be there."""
        for _ in range(_ATTEMPTS):
            now = self._clock.now()
            # Whoever reserves after this reading of the ticket makes `reserve` fail, and all is looked at anew.
            ticket, adding = await self._store.reservation(now)
            records = await self.records()
            before = next((record for record in records if record.name == tenant.name), None)
            check(before)
            await self._check_app(tenant, [one for one in records if one.name != tenant.name], adding)
            self._check_licence(tenant, records, await self._file.tenants(), adding)
            ours = Adding(tenant.name, tenant.tenant_id, tenant.client_id, not tenant.is_simulated)
            if await self._store.reserve(ticket, ours, now):
                return before
        raise Unreachable("others add tenants all the time: try again")

    async def change(
        self, name: str, settings: Mapping[str, Any], change: Change, what: str = "changed"
    ) -> TenantRecord:
        """Give a tenant these settings. Raises as `add` does, and `NotFound`."""
        await self._check_mine(name)
        record = await self._current(name, change)
        if settings.get("name", name) != name:
            raise BadConfiguration("tenant, name: cannot be changed: events and subjects have it")
        tenant, records = self.read({**settings, "name": name}), await self.records()
        if tenant.is_simulated or name in counted(await self._file.tenants(), records):
            await self._check_app(tenant, [one for one in records if one.name != name], None)
        else:
            # A simulator's tenant that becomes a real one takes a place as a new one does.
            await self._reserved(tenant, lambda _: None)
        return await self._put(record, change, what, document(tenant))

    async def merge(self, name: str, patch: Mapping[str, Any], change: Change) -> TenantRecord:
        """Change some settings (JSON merge patch, RFC 7396, of the first level: null means as by default)."""
        record = await self._current(name, change)
        merged = {field: value for field, value in {**record.settings, **patch}.items() if value is not None}
        return await self.change(name, merged, replace(change, revision=record.revision))

    async def pause(self, name: str, change: Change, *, paused: bool) -> TenantRecord:
        """Collect nothing from a tenant, or collect again. Idempotent."""
        await self._check_mine(name)
        record = await self._current(name, change)
        if bool(record.settings.get("paused")) is paused:
            return record
        settings = {**record.settings, "paused": paused}
        return await self._put(
            record,
            change,
            "paused" if paused else "resumed",
            {key: value for key, value in settings.items() if value or key != "paused"},
        )

    async def delete(self, name: str, change: Change) -> TenantRecord:
        """Begin to delete a tenant with all its data; a service does it. Idempotent."""
        await self._check_mine(name)
        record = await self.record(name)
        if record.state != "active":
            return record
        record = await self._current(name, change)
        return await self._put(record, change, "deleting", record.settings, state="deleting")

    async def _current(self, name: str, change: Change) -> TenantRecord:
        record = await self.record(name)
        if record.state == "deleted":
            raise NotFound(f"there is no tenant {name} in the registry")
        if change.revision is not None and change.revision != record.revision:
            raise Outdated(f"tenant {name} has revision {record.revision}, changed by {record.history[0].by}")
        if record.state != "active":
            raise Conflict(f"tenant {name} is being deleted")
        return record

    async def _put(
        self, before: TenantRecord, change: Change, what: str, settings: Mapping[str, Any], *, state: Any = "active"
    ) -> TenantRecord:
        now = self._clock.now()
        fields = tuple(
            sorted(key for key in {*settings, *before.settings} if settings.get(key) != before.settings.get(key))
        )
        step = TenantRevision(before.revision + 1, now, change.by, what, fields, change.check)
        history = (step, *before.history)[:HISTORY]
        record = replace(
            before,
            state=state,
            revision=step.revision,
            changed_at=now,
            settings=dict(settings),
            history=history,
            proof={},
        )
        if not await self._store.put(record):
            raise Outdated(f"tenant {before.name} was changed meanwhile")
        _log.info("tenant.changed", tenant=record.name, revision=record.revision, by=change.by, what=what)
        await self._announce(record.name)
        return record

    async def _check_mine(self, name: str) -> None:
        if await self._file.get(name) is not None:
            raise NotAllowed(f"tenant {name} is in the tenants file, and is changed there")

    async def _check_app(self, tenant: Tenant, records: list[TenantRecord], adding: Adding | None) -> None:
        await self._check_mine(tenant.name)
        app = (tenant.tenant_id, tenant.client_id)
        others = [(one.name, one.tenant_id, one.client_id) for one in await self._file.tenants()]
        others += [
            (one.name, str(one.settings.get("tenant_id")), str(one.settings.get("client_id")))
            for one in records
            if one.state == "active"
        ]
        if adding is not None and adding.name != tenant.name:
            others.append(adding[:3])
        for name, *other in others:
            if tuple(other) == app:
                raise Conflict(f"tenant {name} has the same tenant_id and client_id: all would be collected twice")

    def _check_licence(
        self,
        tenant: Tenant,
        records: list[TenantRecord],
        file: tuple[Tenant, ...],
        adding: Adding | None,
    ) -> None:
        if tenant.is_simulated:
            return
        in_use = counted(file, records) | ({adding.name} if adding and adding.counted else set())
        terms = self._terms(records)
        if len(in_use - {tenant.name}) >= terms.max_tenants:
            advice = terms.advice or "AOC_LICENSE_KEY takes a licence for more (docs/howto/licence.md)."
            raise NotAllowed(f"{terms.max_tenants} of {terms.max_tenants} tenants are in use. {advice}")


def _being_deleted(record: TenantRecord) -> str:
    return ", and is being deleted" if record.state == "deleting" else ""

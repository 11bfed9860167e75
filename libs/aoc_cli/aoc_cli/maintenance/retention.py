"""`aoc maintenance retention`: what is past its retention, and removing it now."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import known_tenants
from aoc_cli.attach import on_database
from aoc_cli.maintenance.options import AsJson, Data, Share, Throttle, progress
from aoc_cli.noting import note
from aoc_cli.terminal import as_json, out, plain
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.settings import load
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.event_retention import MongoEventRetention
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.past_retention import MongoPastRetention, PastRetention
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.stored_registry import StoredTenants
from aoc_normalizer.parts.tenants import RETENTION_LEASE
from aoc_normalizer.parts.tenants import retention as retention_of
from aoc_normalizer.settings import NormalizerSettings
from aoc_normalizer.upkeep.put_aside import PutAsideUpkeep
from aoc_normalizer.upkeep.stored_retention import StoredRetention

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.events import Retention

_STEP: Final = 500


@dataclass(slots=True)
class RetentionReport:
    """What was due. `changed`: tenants whose retention was changed, and is not applied to all events yet.

    `put_aside`: collection -> open items. `removed`: events and versions, as a whole; `emptied`: those of which the ids
    stay.
    """

    changed: list[str] = field(default_factory=list)
    due: list[PastRetention] = field(default_factory=list)
    put_aside: dict[str, int] = field(default_factory=dict)
    removed: int = 0
    emptied: int = 0


def retention(
    tenant: Annotated[str | None, typer.Option(help="Only what is this tenant's; else all of it.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove it now. Else it is counted.")] = False,
    share: Share = 50,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Count what is past its retention, by tenant and source, and remove it now as the services do by themselves.

    Of one tenant only events are removed: what waits for a decision is counted.
    """
    if tenant is not None:
        subjects.check_tenant(tenant)

    async def work(database: Database, show: Callable[[str], None]) -> RetentionReport:
        await known_tenants.require(database, data, tenant)
        return await _work(database, SystemClock(), show, share, tenant, apply=apply)

    with progress() as show:
        report = on_database(data, lambda database: work(database, show))
    if json:
        out.out(as_json(asdict(report) | {"applied": apply}))
        return
    for name in report.changed:
        what = "was applied" if apply else "is to be applied"
        out.print(f"{plain(name)}: its retention was changed, and {what} to what is stored")
    for one in report.due:
        whose = f"{plain(one.tenant)}/{plain(one.source)}" if one.tenant else "ids of emptied events"
        out.print(f"{whose}: {one.events:,} events are past their retention, of {one.content:,} all but the id")
    for name, count in report.put_aside.items():
        out.print(f"{name}: {count:,} that nobody has decided about are past it")
    if apply:
        out.print(f"[bold]{report.removed:,}[/] events and versions removed, {report.emptied:,} emptied")


async def _work(
    database: Database,
    clock: Clock,
    show: Callable[[str], None],
    share: int,
    tenant: str | None,
    *,
    apply: bool,
) -> RetentionReport:
    settings = load(NormalizerSettings)
    stored = StoredTenants(MongoTenantSettings(database), clock)
    await stored.tenants()  # what is kept by source is known from then on
    keep = retention_of(stored, settings.retention.keep)
    changed = StoredRetention(
        stored.records,
        MongoEventRetention(database),
        keep,
        MongoLease(database, RETENTION_LEASE).take,
        clock,
        timedelta(seconds=settings.deletion_settle_s),
    )
    kept, past = timedelta(days=settings.quarantine_days), MongoPastRetention(database)
    report = RetentionReport(changed=[name for name in await changed.due() if tenant in {None, name}])
    if apply:
        whose = "" if tenant is None else f" of {tenant}"
        await note(database, "maintenance.retention", "delete", f"what is past its retention{whose}", tenant)
        await _apply_changes(changed, tenant, show)
    now = clock.now()
    report.due, report.put_aside = await past.counts(now, tenant), await past.put_aside(now, kept, tenant)
    if apply:
        await _remove(database, report, keep, tenant, clock, Throttle(clock, share), show)
        if tenant is None:
            await _let_go(database, kept, clock)
    return report


async def _apply_changes(changed: StoredRetention, tenant: str | None, show: Callable[[str], None]) -> None:
    """Until it is applied to all events, or a service does it: that goes on by itself."""
    while due := [name for name in await changed.due() if tenant in {None, name}]:
        show(f"applying the changed retention of {', '.join(due)}")
        if not await changed.look(tenant):
            return


async def _remove(
    database: Database,
    report: RetentionReport,
    keep: Retention,
    tenant: str | None,
    clock: Clock,
    throttle: Throttle,
    show: Callable[[str], None],
) -> None:
    past, now = MongoPastRetention(database), clock.now()
    report.emptied = await MongoEvents(database, keep, clock).forget(now, tenant)
    while removed := await past.remove(now, _STEP, tenant):
        report.removed += removed
        show(f"{report.removed:,} removed")
        await throttle.rest()


async def _let_go(database: Database, kept: timedelta, clock: Clock) -> None:
    """What nobody has decided about for so long."""

    async def unknown() -> None:
        """What AOC_DLQ holds: the normalizer looks after that."""

    letters, quarantine, ledger = MongoDeadLetters(database), MongoQuarantine(database), MongoLedger(database, clock)
    await PutAsideUpkeep(letters, quarantine, ledger, unknown, kept, clock).expire()

"""`aoc maintenance replay`: stored records of a stretch of time are mapped again, without publishing anything."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import known_tenants
from aoc_cli.attach import on_database
from aoc_cli.maintenance.options import (
    Afresh,
    AsJson,
    Data,
    Share,
    Since,
    Source,
    TenantName,
    Throttle,
    Until,
    bounds,
    check_source,
    progress,
)
from aoc_cli.noting import note
from aoc_cli.renewing import renewing
from aoc_cli.terminal import as_json, out
from aoc_common.contracts import subjects
from aoc_common.store.mongo.record_ranges import MongoPosition, MongoRecordRanges
from aoc_normalizer.upkeep.replay import Range, ReplayCounts
from aoc_normalizer.upkeep.replay import replay as replayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.store.mongo.client import Database

_BATCH: Final = 500


def replay(
    tenant: TenantName = subjects.DEFAULT_TENANT,
    source: Source = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would change, and change nothing.")] = False,
    share: Share = 50,
    afresh: Afresh = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Map stored records again with the mappers of this version. Nothing is alerted on or exported again.

    Broken off, the same command goes on where it was.
    """
    subjects.check_tenant(tenant)
    check_source(source)
    low, high = bounds(since, until)
    which = Range(tenant, source, low, high)
    what = f"{source or 'all sources'} from {low} to {high}"
    about = f"{source or 'all sources'} of {tenant}, from {since or 'the beginning'} until {until or 'the end'}"

    async def work(database: Database, show: Callable[[str], None]) -> ReplayCounts:
        await known_tenants.require(database, data, tenant)
        use, total = renewing(database), ReplayCounts()
        position = None if dry_run else MongoPosition(database, "replay", tenant, what)
        if position is not None:
            await note(database, "maintenance.replay", "change", about, tenant)
            if afresh:
                await position.forget()
        throttle = Throttle(use.clock, share)
        async for part in replayed(
            MongoRecordRanges(database), use.store, use.look_up, use.clock, which, _BATCH, position
        ):
            for one in fields(ReplayCounts):
                setattr(total, one.name, getattr(total, one.name) + getattr(part, one.name))
            show(f"{total.read:,} records read, {total.changed:,} events changed")
            await throttle.rest()
        return total

    with progress() as show:
        total = on_database(data, lambda database: work(database, show))
    if json:
        out.out(as_json(asdict(total) | {"dry_run": dry_run}))
        return
    words = "would change" if dry_run else "changed"
    out.print(
        f"{total.read:,} records read: [bold]{total.changed:,}[/] events {words}, {total.unchanged:,} are the same, "
        f"{total.unread:,} cannot be read by this version" + (f"; {total.moved:,} have a new id" if total.moved else "")
    )

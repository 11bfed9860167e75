"""`aoc remap`: maps stored records again with the mappers of this version."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import attach, known_tenants
from aoc_cli.maintenance.options import progress
from aoc_cli.renewing import renewing
from aoc_cli.terminal import out
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.stored_terms import MongoStoredTerms
from aoc_normalizer.upkeep.late_names import renewals
from aoc_normalizer.upkeep.stored_terms import renewed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.event import Event
    from aoc_common.store.renewals import StoredRecord

_BATCH: Final = 500


@dataclass(slots=True)
class Renewed:
    """The counters of a run."""

    read: int = 0
    changed: int = 0
    moved: int = 0


def remap(
    tenant: Annotated[str, typer.Option(help="Whose events.")] = subjects.DEFAULT_TENANT,
    everything: Annotated[
        bool, typer.Option("--all", help="Also records whose mapper has not changed since they were stored.")
    ] = False,
    only_terms: Annotated[
        bool,
        typer.Option("--terms", help="Only the search terms, of all tenants' events; goes on where it was broken off."),
    ] = False,
    share: Annotated[
        int, typer.Option(min=1, max=100, help="With --terms: the percentage of the time that is worked.")
    ] = 50,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
) -> None:
    """Map stored records again with the mappers of this version. Events change in place; none is published again."""
    subjects.check_tenant(tenant)
    if only_terms and everything:
        raise BadConfiguration("--all maps records again, --terms does not: one of them")
    with ExitStack() as stack:
        system = stack.enter_context(attach.opened(data))
        say = stack.enter_context(progress())

        def show(done: Renewed) -> None:
            say(f"{done.read:,} records read, {done.changed:,} events renewed")

        if only_terms:
            done = asyncio.run(_renew_terms(system, share / 100, show))
            out.print(f"{done.read:,} events read, the terms of [bold]{done.changed:,}[/] renewed; search is complete")
            return
        done = asyncio.run(_remap(system, data, tenant, show, everything=everything))
    out.print(
        f"{done.read:,} records read, [bold]{done.changed:,}[/] events renewed, {done.moved:,} of them under a new id"
    )


async def _remap(
    system: attach.System, data: Path | None, tenant: str, show: Callable[[Renewed], None], *, everything: bool
) -> Renewed:
    done = Renewed()
    async with connect(system.mongo) as database:
        await known_tenants.require(database, data, tenant)
        use = renewing(database)
        async for records in use.store.batches(tenant, _BATCH):
            pairs = [
                pair
                for pair in await renewals(tenant, records, use.look_up, use.clock.now())
                if everything or _mapper_changed(*pair)
            ]
            done.moved += await use.store.renew(pairs)
            done.read += len(records)
            done.changed += len(pairs)
            show(done)
    return done


async def _renew_terms(system: attach.System, share: float, show: Callable[[Renewed], None]) -> Renewed:
    """Renew terms, and rest after each batch, so that this takes no more than its share of the time."""
    done, clock = Renewed(), SystemClock()
    async with connect(system.mongo) as database:
        store = MongoStoredTerms(database)
        began = clock.monotonic()
        async for batch in store.batches(clock.now()):
            done.changed += await store.write([(stored, renewed(stored)) for stored in batch])
            done.read += len(batch)
            show(done)
            await clock.sleep((clock.monotonic() - began) * (1 - share) / share)
            began = clock.monotonic()
    return done


def _mapper_changed(record: StoredRecord, event: Event) -> bool:
    """Whether another mapper, or another version of it, made the event now."""
    return (record.mapper, record.mapper_version) != (event.mapper, event.mapper_version)

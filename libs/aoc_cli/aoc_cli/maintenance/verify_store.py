"""`aoc maintenance verify-store`: whether what is stored is as the store promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from aoc_cli import known_tenants
from aoc_cli.attach import on_database
from aoc_cli.maintenance.event_faults import faults
from aoc_cli.maintenance.ledger_check import LedgerCheck
from aoc_cli.maintenance.options import AsJson, Data, Share, Throttle, progress
from aoc_cli.terminal import as_json, err, out, plain
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import missing_indexes
from aoc_common.store.mongo.store_check import MongoStoreCheck
from aoc_common.store.mongo.term_edition import MongoTermEdition

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.store.mongo.client import Database

_BATCH: Final = 500
#: Faults of a kind that are named; the others are counted.
_NAMED: Final = 20
_FAULTY: Final = 3


@dataclass(slots=True)
class Verdict:
    """What was found. `next`: the id to go on after, where not all events were read; empty at the end."""

    events: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    named: list[dict[str, str]] = field(default_factory=list)
    next: str = ""

    def add(self, kind: str, where: str, what: str) -> None:
        """Note a fault."""
        self.counts[kind] += 1
        if self.counts[kind] <= _NAMED:
            self.named.append({"kind": kind, "where": where, "what": what})


def verify_store(
    tenant: Annotated[str | None, typer.Option(help="Only what is this tenant's; else all of it.")] = None,
    after: Annotated[str, typer.Option(help="Go on after this id, which an earlier run has named.")] = "",
    most: Annotated[int | None, typer.Option(min=1, help="Events to look at; else all.")] = None,
    share: Share = 50,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Check what is stored, and change nothing. Status 3 when something is wrong.

    Ids and digests follow from the records, versions and links of twins are whole, every event can be found, totals
    hold what their slices gave, the events that the ledger says pages of the last week have stored are there, no blob
    was forgotten, indexes are as declared.
    """
    if tenant is not None:
        subjects.check_tenant(tenant)
    start = _id(after)
    verdict = Verdict()

    async def work(database: Database, show: Callable[[str], None]) -> None:
        await known_tenants.require(database, data, tenant)
        await _check_whole(database, verdict, tenant)
        # Before the events: what is stored meanwhile is of pages that are settled later.
        ledger = await LedgerCheck.begun(database, tenant, SystemClock()) if start is None and most is None else None
        throttle = Throttle(SystemClock(), share)
        async for checked in MongoStoreCheck(database).batches(tenant, start, min(_BATCH, most or _BATCH)):
            for event in checked.events:
                for kind, what in faults(event, checked):
                    verdict.add(kind, f"{event['tenant']}/{event['_id']}", what)
            if ledger is not None:
                ledger.add(checked.pages)
            verdict.events += len(checked.events)
            verdict.next = str(checked.last)
            show(f"{verdict.events:,} events checked, {verdict.counts.total():,} faults")
            if most is not None and verdict.events >= most:
                return
            await throttle.rest()
        verdict.next = ""
        for kind, where, what in [] if ledger is None else ledger.faults():
            verdict.add(kind, where, what)

    with progress() as show:
        try:
            on_database(data, lambda database: work(database, show))
        except KeyboardInterrupt:
            err.print("broken off")
    _report(verdict, json=json)


async def _check_whole(database: Database, verdict: Verdict, tenant: str | None) -> None:
    """What is not said of single events."""
    for name in await missing_indexes(database):
        verdict.add("indexes", name, "is missing, or not as declared: aoc maintenance reindex")
    if not await MongoTermEdition(database).is_complete():
        verdict.add("terms", "upgrades", "events have terms of an edition of before: aoc remap --terms")
    for one in await MongoStoreCheck(database).wrong_totals(tenant):
        words = f"{one.name} is {one.total:,}, its slices say {one.slices:,}"
        verdict.add("totals", f"{one.tenant}/{one.source}", words)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadConfiguration(f"--after {text}: expected an event's id") from None


def _report(verdict: Verdict, *, json: bool) -> None:
    if json:
        document = {"events": verdict.events, "faults": dict(verdict.counts), "named": verdict.named}
        out.out(as_json({**document, "next": verdict.next}))
    else:
        for one in verdict.named:
            out.print(f"[red]{one['kind']}[/] {plain(one['where'])}: {plain(one['what'])}")
        for kind, count in verdict.counts.items():
            if count > _NAMED:
                out.print(f"[red]{kind}[/]: {count - _NAMED:,} more")
        whole = "all is as it should be" if not verdict.counts else f"[red]{verdict.counts.total():,} faults[/]"
        out.print(f"{verdict.events:,} events checked: {whole}")
        if verdict.next:
            out.print(f"not all were read: go on with --after {verdict.next}")
    if verdict.counts:
        raise typer.Exit(_FAULTY)

"""`aoc timeline`: events in the order in which they happened, by day; what repeats itself is one line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text as Line

from aoc_cli import asking, attach
from aoc_cli.amounts import amount
from aoc_cli.asking import Actor, Data, Failed, Ip, Operation, Service, Since, Source, Tenant, Text, Until
from aoc_cli.columns import Cell, Column, fitted
from aoc_cli.listing import AsCsv, AsJson, Fields, note_of, printer, style_of
from aoc_cli.search import nothing_found
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.printable import visible
from aoc_common.contracts.rows import Row
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.event_search import make_event_search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from uuid import UUID

    from aoc_cli.asking import Selection
    from aoc_common.store.mongo.client import Database

_PAGE: Final = 500
#: What comes within this time of the one before it, and is the same, is one line.
_RUN: Final = timedelta(minutes=10)
#: A pause from which on it is shown.
_PAUSE: Final = timedelta(hours=1)
_COLUMNS: Final = (
    Column("time", "", 8, 8, style="dim"),
    Column("failed", "", 1, 1, style="red"),
    Column("ip", "", 15, 39, 1, 24),
    Column("place", "", 6, 24, 3, 48, style="dim"),
    Column("operation", "", 12, 34, 4, 60, style="magenta"),
    Column("message", "", 30, 10_000, rest=True),
)


@dataclass(frozen=True, slots=True)
class Run:
    """The same thing done `count` times; `first` and `last` are equal when it was done once."""

    first: Row
    last: Row
    count: int


def timeline(
    text: Text = "",
    tenant: Tenant = subjects.DEFAULT_TENANT,
    actor: Actor = None,
    since: Since = None,
    until: Until = None,
    ip: Ip = None,
    operation: Operation = None,
    service: Service = None,
    source: Source = None,
    failed: Failed = False,
    each: Annotated[bool, typer.Option("--each", help="A line for each event, also where one repeats itself.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many events that match.")] = 1_000,
    data: Data = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    fields: Fields = None,
) -> None:
    """Show what somebody did, oldest first, by day: repetitions, pauses and addresses that are new stand out.

    For what was done to somebody as well, name the person as TEXT instead of with --actor. Status 1: nothing is found.
    """
    chosen = asking.selection(
        text, tenant, since, until, datetime.now(UTC), failed=failed,
        actor=actor, ip=ip, operation=operation, service=service, source=source,
    )  # fmt: skip
    plain_list = as_json or as_csv or fields is not None
    printing = printer(as_json=as_json, as_csv=as_csv, fields=fields) if plain_list else None
    with attach.opened(data) as system:

        async def run() -> tuple[list[Row], bool, str]:
            async with connect(system.mongo) as database:
                dated = await chosen.in_case(database)
                events, more = await read(database, dated, limit)
                return events, more, "" if events else await nothing_found(database, dated.query, dated.asked)

        events, more, hint = asyncio.run(run())
    if not events:
        err.print(plain(hint))
        raise typer.Exit(1)
    if printing is not None:
        printing.show(events)
    else:
        print_timeline(events, each=each)
        err.print(plain(summary(events)))
    if more:
        err.print(f"these are the newest {len(events):,}; for earlier ones: --until {events[0].at:%Y-%m-%dT%H:%M:%SZ}")


async def read(database: Database, chosen: Selection, limit: int) -> tuple[list[Row], bool]:
    """The newest `limit` events that match, the oldest first, and whether there are more."""
    search, query = make_event_search(database), chosen.query
    events: list[Row] = []
    while True:
        page = await search.search(replace(query, limit=min(_PAGE, limit - len(events))))
        events += map(Row.of_stored, page.events)
        if not page.more or not page.events or len(events) >= limit:
            return events[::-1], page.more
        query = replace(query, before=page.events[-1].id)


def print_timeline(events: Sequence[Row], *, each: bool) -> None:
    """Print it. What does not say when it happened stands first."""
    actions = list(_folded(events))
    runs = [Run(event, event, 1) for event in actions] if each else list(runs_of(actions))
    addresses: set[str] = set()
    lines = [_cells(run, addresses) for run in runs]
    layout = fitted(
        _COLUMNS,
        [[line[number].text for line in lines] for number in range(len(_COLUMNS))],
        out.width if out.is_terminal else None,
    )
    chosen = [_COLUMNS.index(column) for column in layout.columns]
    before: Run | None = None
    for run, line in zip(runs, lines, strict=True):
        _between(before, run)
        out.print(layout.line([line[number] for number in chosen]), soft_wrap=True)
        before = run


def runs_of(events: Iterable[Row]) -> Iterator[Run]:
    """Events of which each is like the one before it as one."""
    run: Run | None = None
    for event in events:
        if run is not None and _is_same(run.last, event):
            run = Run(run.first, event, run.count + 1)
            continue
        if run is not None:
            yield run
        run = Run(event, event, 1)
    if run is not None:
        yield run


def summary(events: Sequence[Row]) -> str:
    """`214 events from 2026-01-15 09:12 to 2026-01-18 23:01 UTC: 12 failed, 3 addresses in NL, US`."""
    dated = [event.at for event in events if event.at is not None]
    span = f" from {dated[0]:%Y-%m-%d %H:%M} to {dated[-1]:%Y-%m-%d %H:%M} UTC" if dated else ""
    failed = sum(event.failed for event in events)
    addresses = {event.ip for event in events if event.ip}
    countries = sorted({event.country for event in events if event.country})
    where = f" in {', '.join(countries[:12])}" if countries else ""
    return f"{amount(len(events), 'event')}{span}: {failed:,} failed, {amount(len(addresses), 'address')}{where}"


def _folded(events: Iterable[Row]) -> Iterator[Row]:
    """Of two twins the one that comes first."""
    shown: set[UUID] = set()
    for event in events:
        if event.twin not in shown and event.twin_of not in shown:
            shown.add(event.id)
            yield event


def _is_same(before: Row, event: Row) -> bool:
    if before.at is None or event.at is None or event.at - before.at > _RUN or event.at.date() != before.at.date():
        return False
    return _kind(before) == _kind(event)


def _kind(event: Row) -> tuple[object, ...]:
    return event.operation, event.actor, event.ip, event.failed, event.ocsf.get("status_detail")


def _cells(run: Run, addresses: set[str]) -> list[Cell]:
    event = run.first
    new = bool(event.ip and addresses and event.ip not in addresses)
    addresses.update({event.ip} if event.ip else ())
    notes = [note_of(event)] if run.count == 1 else [_repeated(run)]
    notes += ["(new address)"] if new else []
    return [
        Cell(f"{event.at:%H:%M:%S}" if event.at else "undated"),
        Cell("x" if event.failed else ""),
        Cell(visible(event.ip or ""), "yellow" if new else ""),
        Cell(visible(event.place)),
        Cell(visible(event.operation)),
        Cell(visible(event.message), style_of(event), " ".join(filter(None, notes))),
    ]


def _repeated(run: Run) -> str:
    return f"(and {run.count - 1:,} more until {run.last.at:%H:%M:%S})"


def _between(before: Run | None, run: Run) -> None:
    """A heading for a new day, and how long nothing happened."""
    at, last = run.first.at, before.last.at if before else None
    if at is None:
        return
    pause = at - last if last is not None else timedelta()
    if last is None or at.date() != last.date():
        skipped = f"  ({pause.days} days later)" if pause >= timedelta(days=2) else ""
        out.print(Line(f"{at:%a %Y-%m-%d} (UTC){skipped}", "bold"))
    elif pause >= _PAUSE:
        minutes = int(pause.total_seconds() // 60)
        out.print(Line(f"          {minutes // 60} h {minutes % 60} min later", "dim"))

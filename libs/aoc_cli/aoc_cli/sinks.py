"""`aoc sinks`: the destinations that events are sent to, as the gateway knows them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from aoc_cli import sink_templates
from aoc_cli.access import credentials
from aoc_cli.asked import moment
from aoc_cli.asking import Since, Until
from aoc_cli.listing import ago
from aoc_cli.terminal import json_line, json_text, minute, out, plain, print_table
from aoc_common.client import Absent
from aoc_common.contracts.printable import visible
from aoc_common.contracts.sinks import document
from aoc_common.errors import BadConfiguration
from aoc_exporter.sinks_file import read_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.client import Gateway
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.gateway.sinks import SinkView

group = typer.Typer(
    help="Destinations of events: list, show, test, preview, replay, apply, template.",
    no_args_is_help=True,
    add_completion=False,
)
group.add_typer(sink_templates.group, name="template")

Data = Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The sink's name.")]
Tenant = Annotated[str | None, typer.Option(help="Of this tenant.")]
_DELIVERED: Final = {
    "stored": "the destination says that it has it",
    "accepted": "the destination has accepted it, and does not say what became of it then",
    "sent": "it was sent; the destination says nothing",
}
_COLOURS: Final = {"running": "green", "paused": "dim", "failing": "yellow", "broken": "red"}


@group.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """All sinks, and how they fare."""
    found = _asked(data, lambda gateway: gateway.sinks.list())
    if as_json:
        out.out(json_line(found.model_dump(mode="json")), highlight=False)
        return
    table = Table("sink", "kind", "state", "waiting", "delivered until", "", box=None, padding=(0, 2, 0, 0))
    for sink in found.items:
        state = Text(sink.state, _COLOURS.get(sink.state, ""))
        words = Text(visible(sink.words)[:100], "dim")
        until = minute(sink.delivered_until) if sink.delivered_until else ""
        table.add_row(plain(sink.name), plain(sink.kind), state, f"{sink.waiting:,}", until, words)
    print_table(table)


@group.command()
def show(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """A sink's settings, and its account by tenant."""
    sink = _asked(data, lambda gateway: gateway.sinks.get(name))
    if as_json:
        out.out(json_line(sink.model_dump(mode="json")), highlight=False)
        return
    out.out(json_text(sink.settings), highlight=False)
    _print_account(sink)


@group.command("test")
def try_(name: Name, tenant: Tenant = None, data: Data = None) -> None:
    """Send a marked event, and say what the destination answered. Status 1: it did not take it."""
    found = _asked(data, lambda gateway: gateway.sinks.test(name, tenant=tenant))
    out.print(f"{visible(found.words)}: event {found.id}", markup=False, highlight=False)
    raise typer.Exit(0 if found.accepted else 1)


@group.command()
def preview(
    name: Name,
    event: Annotated[str | None, typer.Option(help="Id of an event; else one of the newest.")] = None,
    data: Data = None,
) -> None:
    """The bytes that would go of an event. Status 1: this sink does not send it."""
    found = _asked(data, lambda gateway: gateway.sinks.preview(name, event=event))
    if not found.goes:
        out.print(f"sink {name} does not send event {found.event}", markup=False)
        raise typer.Exit(1)
    out.out(visible(found.text), highlight=False)


@group.command()
def replay(
    name: Name,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Send again what was published in a stretch of time, up to 90 days ago. It goes beside what comes."""
    now = datetime.now(UTC)
    start, end = moment(since, now, "--since"), moment(until, now, "--until") or now
    if start is None:
        raise BadConfiguration("--since: is needed: from when on to send again, e.g. --since 2d")
    found = _asked(data, lambda gateway: gateway.sinks.replay(name, start, end, tenant=tenant))
    about = "" if found.events is None else f", about {found.events:,} events"
    out.print(f"sink {name} sends {minute(start)} to {minute(end)} again{about}", markup=False, highlight=False)


@group.command()
def apply(
    file: Annotated[Path, typer.Argument(help="YAML file with `sinks:` and a list, as AOC_SINKS_FILE takes it.")],
    check: Annotated[bool, typer.Option("--check/--no-check", help="Have an exporter try the settings first.")] = True,
    data: Data = None,
) -> None:
    """Add the sinks of a file to the registry, or change them to be as they are there. Others stay."""
    sinks = read_file(file)

    async def work(gateway: Gateway) -> list[str]:
        return [await _applied(gateway, sink, check=check) for sink in sinks]

    for line in _asked(data, work):
        out.print(line, markup=False, highlight=False)


@group.command()
def remove(name: Name, data: Data = None) -> None:
    """Remove a sink, its account, and what waits for it."""
    _asked(data, lambda gateway: gateway.sinks.remove(name))
    out.print(f"sink {name} removed", markup=False)


async def _applied(gateway: Gateway, sink: SinkSettings, *, check: bool) -> str:
    wanted = document(sink)
    try:
        there = await gateway.sinks.get(sink.name)
    except Absent:
        await gateway.sinks.add(wanted, check=check)
        return f"sink {sink.name} added"
    if there.settings == wanted:
        return f"sink {sink.name} is so already"
    await gateway.sinks.replace(sink.name, wanted, revision=there.revision or 0, check=check)
    return f"sink {sink.name} changed"


def _print_account(sink: SinkView) -> None:
    now = datetime.now(UTC)
    out.print(Text(f"\n{sink.state}", _COLOURS.get(sink.state, "")), Text(visible(sink.words), "dim"))
    until = minute(sink.delivered_until) if sink.delivered_until else "not known yet"
    out.print(
        f"waiting {sink.waiting:,}; {sink.per_s:,.1f} a second; delivered until {until}", markup=False, highlight=False
    )
    if means := _DELIVERED.get(sink.delivered):
        out.print(f"delivered means: {means}", markup=False, highlight=False)
    columns = ("tenant", "delivered", "filtered", "refused", "repeated", "late", "last", "last error")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for one in sink.accounts:
        counts = (one.delivered, one.filtered, one.refused, one.repeated, one.late)
        last = ago(one.delivered_at, now) if one.delivered_at else ""
        words = f"behind: {one.behind}" if one.behind else one.error
        table.add_row(plain(one.tenant), *(f"{count:,}" for count in counts), last, Text(visible(words)[:100], "dim"))
    print_table(table)


def _asked[T](data: Path | None, work: Callable[[Gateway], Awaitable[T]]) -> T:
    shown = credentials.find(data)

    async def ask() -> T:
        async with shown.client() as gateway:
            return await work(gateway)

    return asyncio.run(ask())

"""`aoc notifications`: the routes by which people are told of alerts, as the gateway knows them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from aoc_cli.access import credentials
from aoc_cli.listing import ago
from aoc_cli.terminal import json_line, out, plain, print_table
from aoc_common.contracts.printable import visible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.client import Gateway

group = typer.Typer(
    help="Who is told of alerts: list routes, send a test, show what would be said.",
    no_args_is_help=True,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The route's name.")]
_COLOURS: Final = {"running": "green", "paused": "dim", "closed": "dim", "failing": "yellow", "broken": "red"}
#: Alerters say every 5 s how a route fares; another one takes it over within a minute.
_SILENT: Final = timedelta(minutes=2)


@group.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """All routes, and how they fare."""
    found = _asked(data, lambda gateway: gateway.notifications.list())
    if as_json:
        out.out(json_line(found.model_dump(mode="json")), highlight=False)
        return
    now = datetime.now(UTC)
    columns = ("route", "kind", "state", "waiting", "sent", "refused", "repeats", "last sent", "")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for route in found.items:
        unserved = now - route.seen_at > _SILENT
        words = f"no alerter serves it; one did {ago(route.seen_at, now)}" if unserved else visible(route.words)[:100]
        table.add_row(
            plain(route.name),
            plain(route.kind),
            Text("unserved", "red") if unserved else Text(route.state, _COLOURS.get(route.state, "")),
            *(f"{count:,}" for count in (route.waiting, route.sent, route.refused, route.repeated)),
            ago(route.sent_at, now) if route.sent_at else "",
            Text(words, "dim"),
        )
    print_table(table)


@group.command("test")
def try_(name: Name, data: Data = None) -> None:
    """Send a message that says nothing of anybody, and what the destination answered. Status 1: it did not take it."""
    found = _asked(data, lambda gateway: gateway.notifications.test(name))
    out.print(f"{visible(found.words)}: message {found.id}", markup=False, highlight=False)
    raise typer.Exit(0 if found.accepted else 1)


@group.command()
def preview(
    name: Name,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Id of an alert, as `aoc alerts list` shows it.")],
    data: Data = None,
) -> None:
    """What would be said of an alert. Status 1: this route does not tell it."""
    found = _asked(data, lambda gateway: gateway.notifications.preview(name, alert))
    if not found.goes:
        out.print(f"route {name} does not tell alert {found.alert}; it would say:", markup=False, highlight=False)
    for line in (found.title, "", *found.body.splitlines()):
        out.out(visible(line), highlight=False)
    raise typer.Exit(0 if found.goes else 1)


def _asked[T](data: Path | None, work: Callable[[Gateway], Awaitable[T]]) -> T:
    shown = credentials.find(data)

    async def ask() -> T:
        async with shown.client() as gateway:
            return await work(gateway)

    return asyncio.run(ask())

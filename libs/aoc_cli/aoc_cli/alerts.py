"""`aoc alerts`: lists and shows alerts, and says what became of them, by the gateway."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from aoc_cli.access import credentials
from aoc_cli.asked import moment
from aoc_cli.asking import Since, Tenant, Until
from aoc_cli.no_such_tenant import missing_there
from aoc_cli.terminal import err, json_line, minute, out, plain, print_table
from aoc_common.contracts import subjects
from aoc_common.contracts.alert import SEVERITIES, STATUSES, VERDICTS
from aoc_common.contracts.printable import visible
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.alerts import AlertChangeRequest, PersonView
from aoc_common.gateway.tickets import TicketView
from aoc_common.validation import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_common.client import Gateway
    from aoc_common.client.alerts import AlertFilters
    from aoc_common.gateway.alerts import AlertDetail, AlertItem

group = typer.Typer(help="Show alerts, and say what became of them.", no_args_is_help=True)

_OPEN: Final = tuple(status for status in STATUSES if status != "resolved")
_COLOURS: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
Data = Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")]
Json = Annotated[bool, typer.Option("--json", help="JSON, an alert a line.")]
AlertIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of alerts, as `aoc alerts list` shows them.")]


@group.command("list")
def list_(
    tenant: Tenant = subjects.DEFAULT_TENANT,
    status: Annotated[
        str, typer.Option(help=f"`open`, `all`, or some of {', '.join(STATUSES)}, with commas.")
    ] = "open",
    severity: Annotated[str | None, typer.Option(help=f"Some of {', '.join(SEVERITIES)}, with commas.")] = None,
    rule: Annotated[str | None, typer.Option(help="Id of a rule.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Who looks after it, by id; `me`: you.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Id of the ticket that stands for it.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List alerts, newest first by when what they tell of has happened. Status 1: there are none."""
    subjects.check_tenant(tenant)
    now = datetime.now(UTC)
    given: dict[str, Any] = {
        "tenant": tenant,
        "status": _statuses(status),
        "severity": _some(severity, SEVERITIES, "--severity") if severity else None,
        "rule": rule,
        "assignee": assignee,
        "ticket": ticket,
        "start": moment(since, now, "--since"),
        "end": moment(until, now, "--until"),
    }
    filters = cast("AlertFilters", {name: value for name, value in given.items() if value is not None})
    shown = credentials.find(data)

    async def ask() -> list[AlertItem]:
        found: list[AlertItem] = []
        async with shown.client() as gateway:
            async for item in gateway.alerts.all(**filters):
                found.append(item)
                if len(found) == limit:
                    break
            if not found and (said := await missing_there(gateway, tenant)):
                err.print(plain(said))
        return found

    found = asyncio.run(ask())
    if as_json:
        for item in found:
            out.out(json_line(item.model_dump(mode="json")), highlight=False)
    else:
        print_list(found)
    if not found:
        raise typer.Exit(1)


@group.command("show")
def show(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the alert.")],
    tenant: Tenant = subjects.DEFAULT_TENANT,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show an alert with its events, what was done with it, and what people wrote."""
    shown = credentials.find(data)

    async def ask() -> AlertDetail:
        async with shown.client() as gateway:
            return await gateway.alerts.get(alert_id, tenant=tenant)

    alert = asyncio.run(ask())
    if as_json:
        out.out(json_line(alert.model_dump(mode="json")), highlight=False)
    else:
        print_alert(alert)


@group.command("set")
def set_(
    alert_ids: AlertIds,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    status: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = None,
    severity: Annotated[str | None, typer.Option(help=f"One of {', '.join(SEVERITIES)}.")] = None,
    verdict: Annotated[str | None, typer.Option(help=f"What it was: one of {', '.join(VERDICTS)}; or `none`.")] = None,
    assign: Annotated[str | None, typer.Option(help="Who looks after it: `me`, or `none`.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Id of the ticket that stands for it; or `none`.")] = None,
    ticket_url: Annotated[str | None, typer.Option(help="Where people see the ticket; with --ticket.")] = None,
    ticket_system: Annotated[
        str | None, typer.Option(help="The system that has it, as the gateway's settings name it; with --ticket.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Write this on it.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say how far one is with alerts, what they were, who looks after them, and which ticket they have."""
    said = _request_body(status, severity, verdict, note) | _ticket(ticket, ticket_url, ticket_system)
    if assign not in {None, "me", "none"}:
        raise BadConfiguration(f"--assign: {assign!r} is neither me nor none")
    if not said and assign is None:
        raise BadConfiguration("nothing to set: say --status, --severity, --verdict, --assign, --ticket or --note")
    shown = credentials.find(data)

    async def change() -> list[AlertDetail]:
        async with shown.client() as gateway:
            if assign is not None:
                said["assignee"] = await _me(gateway) if assign == "me" else None
            request = AlertChangeRequest.model_validate(said)
            return [await gateway.alerts.change(one, request, tenant=tenant) for one in alert_ids]

    for alert in asyncio.run(change()):
        if as_json:
            out.out(json_line(alert.model_dump(mode="json")), highlight=False)
        else:
            out.print(Text(f"{alert.id}: {alert.status}, revision {alert.revision}"))


def _request_body(status: str | None, severity: str | None, verdict: str | None, note: str | None) -> dict[str, Any]:
    """The members of a request. Raises `BadConfiguration` for a word that is not known."""
    said: dict[str, Any] = {}
    for name, value, known in (
        ("status", status, STATUSES),
        ("severity", severity, SEVERITIES),
        ("verdict", verdict, VERDICTS),
    ):
        if value is not None:
            (said[name],) = [None] if (name, value) == ("verdict", "none") else _some(value, known, f"--{name}", most=1)
    return said if note is None else {**said, "note": note}


def _ticket(identity: str | None, url: str | None, system: str | None) -> dict[str, Any]:
    """The ticket of a request. Raises `BadConfiguration` for one that cannot be."""
    if identity is None or identity == "none":
        if url is not None or system is not None:
            raise BadConfiguration("--ticket-url and --ticket-system say more of a ticket: say --ticket, too")
        return {} if identity is None else {"ticket": None}
    try:
        return {"ticket": TicketView(id=identity, url=url, system=system).model_dump()}
    except ValidationError as error:
        wrong = error.errors()[0]
        option = {"id": "--ticket"}.get(name := str(wrong["loc"][0]), f"--ticket-{name}")
        raise BadConfiguration(f"{option}: {in_words(wrong)}") from None


async def _me(gateway: Gateway) -> PersonView:
    me = await gateway.access.me()
    return PersonView(id=me.principal, name=me.name)


def _statuses(value: str) -> list[str] | None:
    if value == "all":
        return None
    return list(_OPEN) if value == "open" else _some(value, STATUSES, "--status")


def _some(value: str, known: Sequence[str], option: str, most: int = 100) -> list[str]:
    """The words of an option. Raises `BadConfiguration` for one that is not known."""
    words = [word.strip().lower().replace("-", "_") for word in value.split(",")]
    if unknown := [word for word in words if word not in known]:
        raise BadConfiguration(f"{option}: {unknown[0]!r} is none of {', '.join(known)}")
    if len(words) > most:
        raise BadConfiguration(f"{option}: expected one of {', '.join(known)}")
    return words


def print_list(found: Sequence[AlertItem]) -> None:
    """Print alerts as a table."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    tickets = any(one.ticket for one in found)
    for name in ("happened", "severity", "status", "alert", "assignee", *(["ticket"] if tickets else []), "id"):
        table.add_column(name, overflow="fold", no_wrap=name in {"happened", "id"})
    for one in found:
        table.add_row(
            minute(one.first_at),
            Text(one.severity, _COLOURS[one.severity]),
            one.status.replace("_", " ") + (" (past)" if one.retrospective else ""),
            Text(visible(one.message)),
            Text(visible(one.assignee.name) if one.assignee else ""),
            *([Text(visible(one.ticket.id) if one.ticket else "")] if tickets else []),
            str(one.id),
        )
    if found:
        print_table(table)
    else:
        out.print(Text("no alerts", "dim"))


def print_alert(alert: AlertDetail) -> None:
    """Print it, part by part."""
    out.print(Text(visible(alert.message), "bold"))
    for name, value in _facts(alert):
        out.print(Text(f"{name:<14}", "dim").append(visible(value)))
    out.print(Text("\nevents", "bold"))
    for event in alert.events:
        out.print(Text(f"  {minute(event.at)}  {visible(event.operation)}  {visible(event.actor or '')}  {event.id}"))
        for one in event.matched:
            out.print(Text(f"    {visible(one.field)} = {visible(one.value)}", "dim"))
    if alert.count > len(alert.events):
        out.print(Text(f"  and {alert.count - len(alert.events):,} more", "dim"))
    out.print(Text("\nwhat was done", "bold"))
    for change in alert.history:
        fields = ", ".join(f"{one.field} {one.old or 'none'} -> {one.new or 'none'}" for one in change.fields)
        out.print(Text(f"  {minute(change.at)}  {visible(change.by.name)}: {visible(fields)}"))
    for note in alert.notes:
        out.print(Text(f"\n{minute(note.at)}  {visible(note.by.name)}", "dim"))
        out.print(Text("\n".join(visible(line) for line in note.text.splitlines())))


def _facts(alert: AlertDetail) -> Iterator[tuple[str, str]]:
    yield "severity", alert.severity
    yield "status", alert.status.replace("_", " ") + (f", {alert.verdict.replace('_', ' ')}" if alert.verdict else "")
    if alert.retrospective:
        yield "past", "it had happened long before it was looked at"
    if alert.assignee:
        yield "assignee", f"{alert.assignee.name} ({alert.assignee.id})"
    if alert.ticket:
        said = (alert.ticket.id, alert.ticket.system and f"({alert.ticket.system})", alert.ticket.url)
        yield "ticket", " ".join(part for part in said if part)
    yield "happened", f"{minute(alert.first_at)} to {minute(alert.last_at)}"
    yield "raised", minute(alert.created_at)
    yield "rule", alert.rule
    if alert.description:
        yield "about", alert.description
    if alert.group:
        yield "in common", ", ".join(f"{one.field} {one.value or 'nothing'}" for one in alert.group)
    if alert.tags:
        yield "tags", ", ".join(alert.tags)
    for reference in alert.references:
        yield "reference", reference

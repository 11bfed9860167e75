"""`aoc entity`: who or what somebody is, and what that has to do with, as the gateway tells it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.table import Table
from rich.text import Text

from aoc_cli.access import credentials
from aoc_cli.asked import moment
from aoc_cli.asking import Since, Tenant, Until
from aoc_cli.listing import ago
from aoc_cli.terminal import json_line, minute, out, print_table
from aoc_common.contracts import subjects
from aoc_common.contracts.printable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.gateway.entities import Activity, EntityReport, KnownEntity

#: Of an activity: its maps, as they are headed.
_MAPS: Final[Mapping[str, str]] = {
    "operations": "operations",
    "results": "results",
    "services": "services",
    "sources": "sources",
    "actors": "by whom",
    "addresses": "addresses",
}
_PARTS: Final[Mapping[str, str]] = {
    "actor": "what it did",
    "target": "what was done to it",
    "address": "what came from there",
    "named": "events that name it",
}


def entity(
    kind: Annotated[Literal["user", "application", "device", "group", "address"], typer.Argument(help="What it is.")],
    entity_id: Annotated[
        str, typer.Argument(metavar="ID", help="Object id, user name, application id, name, or IP address.")
    ],
    tenant: Tenant = subjects.DEFAULT_TENANT,
    since: Since = None,
    until: Until = None,
    data: Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show who or what it is by the directory, when it was first and last seen, and what it did how often.

    It is asked of the gateway that `aoc whoami` names, and stands in its audit trail. Status 1: nothing is known.
    """
    subjects.check_tenant(tenant)
    now = datetime.now(UTC)
    start, end = moment(since, now, "--since"), moment(until, now, "--until")
    shown = credentials.find(data)

    async def ask() -> EntityReport:
        async with shown.client() as gateway:
            return await gateway.investigation.entity(kind, entity_id, start=start, end=end, tenant=tenant)

    report = asyncio.run(ask())
    if as_json:
        out.out(json_line(report.model_dump(mode="json")), highlight=False)
        return
    print_entity(report, now)


def print_entity(report: EntityReport, now: datetime) -> None:
    """Print it, part by part."""
    known = report.directory
    out.print(Text(visible(known.name or report.id if known else report.id), "bold"))
    _lines([("kind", report.kind), ("tenant", report.tenant), *(_known(known) if known else ()),
            ("names", ", ".join(report.names))])  # fmt: skip
    if known is None and report.kind != "address":
        out.print(Text("  the directory knows none of this name", "dim"))
    for activity in report.activities:
        _print_activity(activity, now)


def _known(known: KnownEntity) -> list[tuple[str, str]]:
    marks = {
        "deleted: this is what it was last": known.deleted,
        "cannot sign in": known.enabled is False,
        "guest": known.guest is True,
        "service account": known.service_account,
        "privileged": known.privileged,
    }
    return [
        ("user name", known.user_name or ""),
        ("id", known.id),
        ("application id", known.app_id or ""),
        ("department", known.department or ""),
        ("roles", ", ".join(known.roles)),
        ("state", ", ".join(mark for mark, holds in marks.items() if holds)),
        ("others", f"{known.others} more have, or had, this name" if known.others else ""),
    ]


def _print_activity(activity: Activity, now: datetime) -> None:
    out.print(Text(f"\n{_PARTS[activity.part]}", "dim"))
    if not activity.events:
        looked = "nothing" if activity.complete else "nothing in the time that was looked at"
        out.print(Text(f"  {looked}", "dim"))
        return
    more = "" if activity.complete else " at least"
    until = activity.counted_back_to
    seen = [f"{minute(at)}, {ago(at, now)}" if at else "" for at in (activity.first_seen, activity.last_seen)]
    _lines(
        [
            ("events", f"{activity.events:,}{more}"),
            ("counted", f"back to {minute(until)}; before that by --until" if until else ""),
            ("first seen" if activity.complete else "seen since", seen[0]),
            ("last seen", seen[1]),
            *((heading, _counted(getattr(activity, name))) for name, heading in _MAPS.items()),
            ("over time", _busiest(activity)),
        ]
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number:,})" for name, number in counts.items())


def _busiest(activity: Activity) -> str:
    """The buckets with most events, in their order."""
    most = sorted(activity.timeline, key=lambda one: -one.count)[:3]
    shown = sorted((one for one in most if one.count), key=lambda one: one.start)
    return f"most per {activity.bucket}: " + ", ".join(f"{minute(one.start)} ({one.count:,})" for one in shown)


def _lines(lines: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2), pad_edge=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        if text:
            table.add_row(Text(name), Text(visible(text)))
    print_table(table)

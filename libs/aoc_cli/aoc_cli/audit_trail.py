"""`aoc audit-trail`: lists what was done at the gateway, and checks that nothing of it was changed or removed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from aoc_cli import asking, attach
from aoc_cli.asked import moment
from aoc_cli.reports import form
from aoc_cli.reports.reading import read
from aoc_cli.terminal import err, harmless_json, out, plain
from aoc_cli.trail_check import OnBus, TrailCheck, read_bus
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import INSTALLATION, Chain, Head
from aoc_common.errors import BadConfiguration
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_cli.attach import System
    from aoc_cli.trail_check import Verdict
    from aoc_common.contracts.audit import AuditEntry

group = typer.Typer(help="What was done at the gateway, and whether all of it is there.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option(help="About whom.")]
Installation = Annotated[
    bool, typer.Option("--installation", help="Instead: what concerns no tenant, e.g. who signed in.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, a line each.")]


@group.command("list")
def list_(
    tenant: Tenant = subjects.DEFAULT_TENANT,
    installation: Installation = False,
    action: Annotated[str | None, typer.Option(help="Only this action, e.g. events.search.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this principal did, by its id.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was refused or broken off.")] = False,
    since: asking.Since = None,
    until: asking.Until = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    data: asking.Data = None,
    as_json: Json = False,
) -> None:
    """List entries, newest first. Status 1 when there is none."""
    now = datetime.now(UTC)
    query = AuditQuery(
        INSTALLATION if installation else subjects.check_tenant(tenant),
        start=moment(since, now, "--since"),
        end=moment(until, now, "--until"),
        action=action,
        actor=actor,
        outcome="failure" if failed else None,
        limit=limit,
    )
    with attach.opened(data) as system:
        entries = asyncio.run(_search(system, query))
    for entry in entries:
        _print(entry, as_json=as_json)
    if not entries:
        err.print("nothing is noted there")
        raise typer.Exit(1)


@group.command()
def verify(
    tenant: Tenant = subjects.DEFAULT_TENANT,
    installation: Installation = False,
    report: Annotated[
        list[Path] | None, typer.Option(help="Signed reports whose ends of chains must be there (aoc completeness).")
    ] = None,
    bus: Annotated[bool, typer.Option(help="Compare with what AOC_AUDIT holds of the last 30 days.")] = True,
    data: asking.Data = None,
    as_json: Json = False,
) -> None:
    """Check every entry against the one before it, the noted ends, the bus and reports. Status 1 for a fault."""
    name = INSTALLATION if installation else subjects.check_tenant(tenant)
    anchors = [head for path in report or [] for head in _heads_of(path, name)]
    with attach.opened(data) as system:
        verdict = asyncio.run(_check(system, name, anchors, bus=bus))
    if as_json:
        out.out(orjson.dumps(asdict(verdict)).decode(), highlight=False)
    else:
        _print_verdict(verdict)
    if verdict.faults:
        raise typer.Exit(1)


async def _search(system: System, query: AuditQuery) -> list[AuditEntry]:
    async with connect(system.mongo) as database:
        return await MongoAuditTrail(database).search(query)


async def _check(system: System, tenant: str, anchors: Sequence[Head], *, bus: bool) -> Verdict:
    async with connect(system.mongo) as database:
        on_bus = await read_bus(system.nats, tenant) if bus else OnBus()
        check = TrailCheck(MongoAuditTrail(database), MongoAuditHeads(database), tenant, datetime.now(UTC))
        return await check.run(anchors, on_bus)


def _heads_of(path: Path, tenant: str) -> Iterator[Head]:
    """The ends of chains that a signed report states. Raises `BadConfiguration` for one of another tenant."""
    try:
        signed = form.check(path.read_bytes())
    except OSError as error:
        raise BadConfiguration(f"--report {path}: {error.strerror}") from None
    statement = read(signed.statement(), signed.form)
    if statement.tenant != tenant:
        raise BadConfiguration(f"--report {path}: is about {statement.tenant}, not {tenant}")
    if statement.audit_trail is None:
        raise BadConfiguration(f"--report {path}: states no ends of the audit trail, which older versions did not")
    for head in statement.audit_trail.heads:
        yield Head(Chain(tenant, head.writer), head.sequence, head.hash)


def _print(entry: AuditEntry, *, as_json: bool) -> None:
    if as_json:
        out.out(harmless_json(entry.text), highlight=False)
        return
    event: dict[str, Any] = entry.event
    asked = event.get("query_info", {}).get("query_string", event["unmapped"].get("asked", ""))
    address = event["src_endpoint"].get("ip")  # what is done at the command line has none
    told = [asked, f"from {address}" if address else "", entry.id]
    out.print(f"[dim]{entry.at:%Y-%m-%d %H:%M:%S}[/]  {plain(event['message'])}", highlight=False)
    out.print(f"    [dim]{plain('  '.join(filter(None, told)))}[/]", highlight=False)


def _print_verdict(verdict: Verdict) -> None:
    out.print(f"{verdict.entries:,} entries in {verdict.chains:,} chains about {plain(verdict.tenant)}")
    out.print(f"compared with {verdict.anchors:,} entries and ends that stand elsewhere")
    for fault in verdict.faults:
        out.print(f"[red]broken[/]: {plain(fault)}")
    if not verdict.faults:
        out.print("[green]whole[/]: every entry follows from the one before it")

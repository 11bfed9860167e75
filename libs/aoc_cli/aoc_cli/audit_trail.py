"""`aoc audit-trail`: lists what was done at the gateway, and checks that nothing of it was changed or removed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from aoc_cli import asking, attach
from aoc_cli.amounts import amount
from aoc_cli.asked import moment
from aoc_cli.reports import form
from aoc_cli.reports.reading import read
from aoc_cli.terminal import err, harmless_json, out, plain
from aoc_cli.trail_check import AuditBus, OnBus, TrailCheck
from aoc_common.bus.broker import connected_broker
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
OneTenant = Annotated[str | None, typer.Option(help="Only about this tenant; else about each, and the installation.")]
Installation = Annotated[bool, typer.Option("--installation", help="Only what concerns no tenant, e.g. who signed in.")]
_SHOWN: Final = 10
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
        entries, others = asyncio.run(_search(system, query))
    for entry in entries:
        _print(entry, as_json=as_json)
    if not entries:
        err.print(plain(_nothing(query, others)))
        raise typer.Exit(1)


@group.command()
def verify(
    tenant: OneTenant = None,
    installation: Installation = False,
    report: Annotated[
        list[Path] | None, typer.Option(help="Signed reports whose ends of chains must be there (aoc completeness).")
    ] = None,
    bus: Annotated[bool, typer.Option(help="Compare with what AOC_AUDIT holds of the last 30 days.")] = True,
    data: asking.Data = None,
    as_json: Json = False,
) -> None:
    """Check every entry against the one before it, the noted ends, the bus and reports. Status 1 for a fault."""
    about = INSTALLATION if installation else None if tenant is None else subjects.check_tenant(tenant)
    anchors = [head for path in report or [] for head in _heads_of(path, about)]
    with attach.opened(data) as system:
        verdicts = asyncio.run(_check(system, about, anchors, bus=bus))
    if as_json:
        for verdict in verdicts:
            out.out(orjson.dumps(asdict(verdict)).decode(), highlight=False)
    else:
        _print_verdicts(verdicts)
    if any(verdict.faults for verdict in verdicts):
        raise typer.Exit(1)


async def _search(system: System, query: AuditQuery) -> tuple[list[AuditEntry], list[str]]:
    """The entries; if there is none, about whom else something is noted."""
    async with connect(system.mongo) as database:
        entries = await MongoAuditTrail(database).search(query)
        return entries, [] if entries else await MongoAuditHeads(database).tenants()


def _nothing(query: AuditQuery, about: Sequence[str]) -> str:
    """`nothing is noted about default; something is about contoso: --tenant, and about the installation`."""
    if query.tenant not in about and (others := [name for name in about if name != INSTALLATION]):
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        return (
            f"nothing is noted about {_whom(query.tenant)}; something is about {', '.join(others[:_SHOWN])}{more}: "
            "--tenant, and about the installation: --installation"
        )
    if query.actor is not None and "/" not in query.actor:
        return f"nothing of {query.actor} is noted there: --actor takes an id, DIRECTORY-ID/OBJECT-ID or as listed"
    return "nothing is noted there"


async def _check(system: System, about: str | None, anchors: Sequence[Head], *, bus: bool) -> list[Verdict]:
    """Of one tenant, or of each about which there is anything, wherever that stands."""
    async with connect(system.mongo) as database, AsyncExitStack() as stack:
        audit_bus = AuditBus(await stack.enter_async_context(connected_broker(system.nats, "cli"))) if bus else None
        entries, heads, verdicts = MongoAuditTrail(database), MongoAuditHeads(database), []
        for name in [about] if about is not None else await _known(heads, anchors, audit_bus):
            stated = [anchor for anchor in anchors if anchor.chain.tenant == name]
            now = datetime.now(UTC)  # what is noted after that need not be among what the bus holds
            on_bus = await audit_bus.of(name) if audit_bus else OnBus()
            verdicts.append(await TrailCheck(entries, heads, name, now).run(stated, on_bus))
        return verdicts


async def _known(heads: MongoAuditHeads, anchors: Sequence[Head], audit_bus: AuditBus | None) -> list[str]:
    """About whom anything is noted, wherever that stands."""
    on_bus = await audit_bus.tenants() if audit_bus else []
    return sorted({*await heads.tenants(), *on_bus, *(anchor.chain.tenant for anchor in anchors)})


def _heads_of(path: Path, tenant: str | None) -> Iterator[Head]:
    """The ends of chains that a signed report states. Raises `BadConfiguration` for one of another tenant."""
    try:
        signed = form.check(path.read_bytes())
    except OSError as error:
        raise BadConfiguration(f"--report {path}: {error.strerror}") from None
    statement = read(signed.statement(), signed.form)
    if tenant is not None and statement.tenant != tenant:
        raise BadConfiguration(f"--report {path}: is about {statement.tenant}, not {tenant}")
    if statement.audit_trail is None:
        raise BadConfiguration(f"--report {path}: states no ends of the audit trail, which older versions did not")
    for head in statement.audit_trail.heads:
        yield Head(Chain(statement.tenant, head.writer), head.sequence, head.hash)


def _print(entry: AuditEntry, *, as_json: bool) -> None:
    if as_json:
        out.out(harmless_json(entry.text), highlight=False)
        return
    event: dict[str, Any] = entry.event
    asked = event.get("query_info", {}).get("query_string", event["unmapped"].get("asked", ""))
    address = event["src_endpoint"].get("ip")  # what is done at the command line has none
    who = event["actor"]["user"].get("uid")  # nobody has none
    told = [asked, f"from {address}" if address else "", f"by {who}" if who else "", entry.id]
    out.print(f"[dim]{entry.at:%Y-%m-%d %H:%M:%S}[/]  {plain(event['message'])}", highlight=False)
    out.print(f"    [dim]{plain('  '.join(filter(None, told)))}[/]", highlight=False)


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        entries, chains = amount(verdict.entries, "entry"), amount(verdict.chains, "chain")
        out.print(f"{entries} in {chains} about {plain(_whom(verdict.tenant))}")
        out.print(f"compared with {verdict.anchors:,} entries and ends that stand elsewhere")
        for fault in verdict.faults:
            out.print(f"[red]broken[/]: {plain(fault)}")
    if not any(verdict.faults for verdict in verdicts):
        out.print("[green]whole[/]: every entry follows from the one before it" if verdicts else "nothing is noted yet")


def _whom(tenant: str) -> str:
    return "the installation" if tenant == INSTALLATION else tenant

"""`aoc doctor`."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer
from rich.table import Table

from aoc_cli import attach
from aoc_cli import tenants as tenants_files
from aoc_cli.doctor import decisions, keys, links, readers, registry, remarks, services, sinks
from aoc_cli.doctor import system as servers
from aoc_cli.terminal import err, out, plain, print_table
from aoc_collector.findings import Grade, gravest
from aoc_collector.microsoft.auth import Tokens
from aoc_collector.tenant_check import TenantCheck
from aoc_common import http
from aoc_common.clock import SystemClock
from aoc_common.environment import TENANTS_FILE
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Sequence

    from aoc_collector.findings import Finding
    from aoc_common.tenants.tenant import Tenant

_HTTP_S: Final = 8.0
_COLOURS: Final = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


def doctor(
    tenants: Annotated[Path | None, typer.Option(help="Tenants file; else AOC_TENANTS_FILE, or the local one.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check tenants, permissions, licences, subscriptions, clocks, servers, services, dead letters, twins, report keys.

    And what was remarkable in records, what readers of events had missed, and until when sinks have delivered. Status 1
    when something fails.
    """
    system = attach.find(data)
    file = tenants_files.find_file(tenants, data)
    if file is None and system is None and data is None:
        raise BadConfiguration(f"no tenants file: name one with --tenants, or set {TENANTS_FILE}")
    in_file = tenants_files.read(file) if file else ()
    if file and system is None and not in_file:
        raise BadConfiguration(f"{file}: no tenants")
    with err.status("looking"), ExitStack() as stack:
        if system is None and data is not None and file is None:
            # A case at rest: what is to be decided about it, and what was remarkable in its records.
            system = stack.enter_context(attach.started(attach.existing(data)))
        findings = asyncio.run(_look(in_file, system, data, tenant))
    grade = gravest(findings)
    if as_json:
        report = {"grade": grade, "findings": [asdict(finding) for finding in findings]}
        out.out(orjson.dumps(report).decode(), highlight=False)
    else:
        _show(findings)
    if grade is Grade.FAIL:
        raise typer.Exit(1)


async def _chosen(in_file: Sequence[Tenant], system: attach.System | None, name: str | None) -> list[Tenant]:
    """The tenants of the file and of the registry, or the one of this name. Raises `BadConfiguration` for none."""
    chosen = [tenant for tenant in in_file if name in {None, tenant.name}]
    stored = None
    if system is not None:
        stored = await registry.tenants(system, {tenant.name for tenant in in_file}, name)
        chosen += stored or ()
    # Where the registry cannot be asked, the check of the servers says so.
    if name is not None and not chosen and (system is None or stored is not None):
        raise BadConfiguration(f"there is no tenant {name}, neither in a tenants file nor in the registry")
    return chosen


async def _look(
    in_file: Sequence[Tenant], system: attach.System | None, data: Path | None, name: str | None = None
) -> list[Finding]:
    async with http.make_client(timeout_s=_HTTP_S) as client:
        tokens = Tokens(client, SystemClock(), attempts=1)
        checks = [TenantCheck(tenant, client, tokens).run() for tenant in await _chosen(in_file, system, name)]
        if system is not None:
            checks += [servers.check(system), decisions.check(system), links.check(system)]
            checks += [keys.check(system, data), remarks.check(system)]
            checks += [] if system.owned else _of_services(system, {tenant.name for tenant in in_file})
        return [finding for part in await asyncio.gather(*checks) for finding in part]


def _of_services(system: attach.System, in_file: Collection[str]) -> list[Coroutine[Any, Any, list[Finding]]]:
    """What services that run say of themselves."""
    return [services.check(system), readers.check(system), sinks.check(system), registry.check(system, in_file)]


def _show(findings: Sequence[Finding]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")  # half a fingerprint, or half an address, is none
    where = ""
    for finding in findings:
        if finding.where != where:
            where = finding.where
            table.add_row("", f"[bold]{plain(where)}[/]", "")
        colour = _COLOURS[finding.grade]
        fix = f"\n[dim]-> {plain(finding.fix)}[/]" if finding.fix else ""
        table.add_row(f"[{colour}]{finding.grade.value}[/]", plain(finding.check), f"{plain(finding.found)}{fix}")
    print_table(table)
    counts = {grade: sum(finding.grade is grade for finding in findings) for grade in Grade}
    out.print(f"\n{counts[Grade.OK]} ok, {counts[Grade.WARN]} to look at, {counts[Grade.FAIL]} failed")

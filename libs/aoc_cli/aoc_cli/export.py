"""`aoc export`: all events of a search as a file, from the gateway, and verified."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from aoc_cli.access import credentials
from aoc_cli.asking import Actor, Failed, Ip, Operation, Service, Since, Source, Tenant, Until
from aoc_cli.search import moment
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from aoc_common.client import Filters
    from aoc_common.gateway.exports import ExportReceipt


def export(
    path: Annotated[Path, typer.Argument(help="The file; one that is there is replaced.")],
    text: Annotated[str, typer.Argument(help="A query as aoc search takes it; all events without one.")] = "",
    form: Annotated[
        Literal["csv", "jsonl", "ocsf", "parquet"], typer.Option("--format", help="How the file is written.")
    ] = "csv",
    fields: Annotated[str | None, typer.Option(help="Only these fields, with commas; not of ocsf.")] = None,
    tenant: Tenant = subjects.DEFAULT_TENANT,
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    ip: Ip = None,
    operation: Operation = None,
    service: Service = None,
    source: Source = None,
    failed: Failed = False,
    data: Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")] = None,
) -> None:
    """Export all events of a search. The file is there once its count and SHA-256 are what the gateway has noted.

    It is asked of the gateway that `aoc whoami` names, and stands in its audit trail.
    """
    subjects.check_tenant(tenant)
    if path.is_dir():
        raise BadConfiguration(f"{path}: is a directory")
    now = datetime.now(UTC)
    asked = {
        "tenant": tenant, "q": text.strip() or None, "start": moment(since, now, "--since"),
        "end": moment(until, now, "--until"), "actor": actor, "ip": ip, "operation": operation, "service": service,
        "source": source, "result": "failure" if failed else None,
    }  # fmt: skip
    filters = cast("Filters", {name: value for name, value in asked.items() if value is not None})

    shown = credentials.find(data)

    async def work() -> ExportReceipt:
        async with shown.client() as gateway:
            return await gateway.exports.to_file(path, form, fields=fields.split(",") if fields else None, **filters)

    receipt = asyncio.run(work())
    out.print(f"{plain(path)}: {receipt.rows:,} events")
    err.print(f"SHA-256 {receipt.sha256}, export {receipt.id}, as the audit trail has it", highlight=False)

"""`aoc export`: all events of a search as a file, from the gateway, and verified."""

from __future__ import annotations

import asyncio
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import typer

from aoc_cli.access import credentials
from aoc_cli.amounts import amount
from aoc_cli.asked import moment
from aoc_cli.asking import Actor, Failed, Ip, Operation, Service, Since, Source, Tenant, Until
from aoc_cli.no_such_tenant import missing_there
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.client import Filters
    from aoc_common.client.export_jobs import ExportJobs
    from aoc_common.gateway.export_jobs import ExportJobView
    from aoc_common.gateway.exports import ExportReceipt

    type Make = Callable[[ExportJobs], Awaitable[ExportJobView]]

type Form = Literal["csv", "jsonl", "ocsf", "parquet"]

#: As names of files end.
_ENDINGS: Final[Mapping[str, Form]] = {
    ".ocsf.jsonl": "ocsf",
    ".ocsf": "ocsf",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def export(
    path: Annotated[Path, typer.Argument(help="The file; one that is there is replaced.")],
    text: Annotated[str, typer.Argument(help="A query as aoc search takes it; all events without one.")] = "",
    form: Annotated[
        Form | None,
        typer.Option("--format", help="How the file is written; else as its name ends, csv where that says nothing."),
    ] = None,
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
    job: Annotated[
        bool,
        typer.Option("--job", help="The gateway makes the file first, and keeps it for a day: for long ones."),
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="ID", help="Wait for this export, or go on fetching it, after a break.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory of the stack whose gateway is asked.")] = None,
) -> None:
    """Export all events of a search. The file is there once its count and SHA-256 are what the gateway has noted.

    It is asked of the gateway that `aoc whoami` names, and stands in its audit trail. With --job it is made in the
    background: a transfer that breaks off is gone on with, and so is one that was ended, by --resume.
    """
    subjects.check_tenant(tenant)
    if path.is_dir():
        raise BadConfiguration(f"{path}: is a directory")
    if not path.parent.is_dir():
        raise BadConfiguration(f"{path.parent}: is no directory")
    form = form or _form_of(path.name)
    now = datetime.now(UTC)
    asked = {
        "tenant": tenant, "q": text.strip() or None, "start": moment(since, now, "--since"),
        "end": moment(until, now, "--until"), "actor": actor, "ip": ip, "operation": operation, "service": service,
        "source": source, "result": "failure" if failed else None,
    }  # fmt: skip
    filters = cast("Filters", {name: value for name, value in asked.items() if value is not None})
    shown = credentials.find(data)
    if job or resume is not None:
        names = fields.split(",") if fields else None
        asyncio.run(_in_background(shown, path, resume, lambda jobs: jobs.make(form, fields=names, **filters), tenant))
        return

    async def work() -> ExportReceipt:
        async with shown.client() as gateway:
            done = await gateway.exports.to_file(path, form, fields=fields.split(",") if fields else None, **filters)
            if not done.rows and (said := await missing_there(gateway, tenant)):
                err.print(plain(said))
            return done

    receipt = asyncio.run(work())
    out.print(f"{plain(path)}: {amount(receipt.rows or 0, 'event')}")
    err.print(f"SHA-256 {receipt.sha256}, export {receipt.id}, as the audit trail has it", highlight=False)


def _form_of(name: str) -> Form:
    return next((form for ending, form in _ENDINGS.items() if name.lower().endswith(ending)), "csv")


async def _in_background(
    shown: credentials.Credentials, path: Path, resume: str | None, make: Make, tenant: str
) -> None:
    async with shown.client() as gateway:
        jobs = gateway.export_jobs
        job = await make(jobs) if resume is None else await jobs.get(resume, tenant=tenant)
        again = f"aoc export {shlex.quote(str(path))} --tenant {job.tenant} --resume {job.id}"
        err.print(f"To go on after a break: {plain(again)}", highlight=False, soft_wrap=True)
        with err.status("The gateway makes the file") as status:
            job = await jobs.done(job, lambda now: status.update(f"The gateway makes the file: {now.rows:,} events"))
        await jobs.to_file(path, job)
        if not job.rows and (said := await missing_there(gateway, tenant)):
            err.print(plain(said))
    out.print(f"{plain(path)}: {amount(job.rows, 'event')}")
    err.print(
        f"SHA-256 {job.sha256}, export {job.id}, there until {job.expires_at:%Y-%m-%d %H:%M} UTC", highlight=False
    )

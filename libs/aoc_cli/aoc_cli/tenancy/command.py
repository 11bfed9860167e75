"""`aoc tenants`: the registry of tenants, of the system that runs here or that the environment names."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from aoc_cli import attach, known_tenants
from aoc_cli.noting import note
from aoc_cli.tenancy.administering import Administered, administering
from aoc_cli.tenancy.export import MANIFEST
from aoc_cli.tenancy.export import export as export_
from aoc_cli.terminal import err, json_line, json_text, minute, out, plain, print_table
from aoc_common.contracts.subjects import TENANT_PATTERN, check_tenant
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.tenant_data import MongoTenantData
from aoc_common.tenants.administration import IDENTIFYING, Change
from aoc_common.tenants.checks import CheckFailed
from aoc_common.tenants.file import document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aoc_common.tenants.records import TenantRecord

group = typer.Typer(
    help="The registry of tenants: list, add, change, pause, delete.",
    no_args_is_help=True,
    add_completion=False,
)

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Check = Annotated[
    bool, typer.Option("--check/--no-check", help="Have a collector sign in at Microsoft with it before it is saved.")
]
Name = Annotated[str, typer.Argument(help=f"The tenant's short name, {TENANT_PATTERN}.")]
_MOST_BYTES = 1024 * 1024
_SHOWN = 10
_NOT_COLLECTED = "not collected"


@group.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """The tenants, where they are configured, and what the licence allows."""

    async def work(here: Administered) -> None:
        in_file = await here.registry.file.tenants()
        registered = await here.tenants.records()
        # Nothing is stored under a name that a deleted tenant had, unless the registry gives it to another one.
        gone = {record.name for record in registered if record.state != "active"}
        states = {one.name: _NOT_COLLECTED if one.name in gone else _state(document(one)) for one in in_file}
        records = [record for record in registered if record.state != "deleted" and record.name not in states]
        terms, counted = await here.tenants.terms(), await here.tenants.counted()
        if as_json:
            listed: list[dict[str, Any]] = [
                {"name": name, "origin": "file", "state": state} for name, state in states.items()
            ]
            listed += [
                {
                    "name": record.name,
                    "origin": "registry",
                    "state": _state_of(record),
                    "revision": record.revision,
                }
                for record in records
            ]
            report = {"tenants": listed, "licence": {"state": terms.state, "max_tenants": terms.max_tenants}}
            out.out(json_line(report), highlight=False)
            return
        _print_list(states, records)
        out.print(f"[dim]{counted} of {terms.max_tenants} tenants that a licence counts[/]")
        if _NOT_COLLECTED in states.values():
            err.print(
                f"[yellow]{_NOT_COLLECTED}: a deleted tenant had the name; add it to the registry instead, or name it "
                "otherwise in the file[/]"
            )
        if deleted := [plain(record.name) for record in registered if record.state == "deleted"]:
            more = f" and {len(deleted) - _SHOWN} more" if len(deleted) > _SHOWN else ""
            shown = ", ".join(deleted[:_SHOWN])
            out.print(f"[dim]deleted: {shown}{more}; aoc tenants show NAME has the proof[/]")
        if terms.advice:
            err.print(f"[yellow]{plain(terms.advice)}[/]")

    _run(data, work)


def _print_list(in_file: Mapping[str, str], records: Sequence[TenantRecord]) -> None:
    table = Table("tenant", "state", "configured in", "revision", "changed by", box=None, padding=(0, 2, 0, 0))
    for name, state in in_file.items():
        table.add_row(plain(name), state, "tenants file", "", "")
    for record in records:
        last = record.history[0]
        by = f"{plain(last.by)}, {minute(last.at)}"
        table.add_row(plain(record.name), _state_of(record), "registry", str(record.revision), by)
    print_table(table)


@group.command()
def show(name: Name, data: Data = None) -> None:
    """A tenant's settings, its newest changes, and of a deleted one what was deleted, as JSON."""

    async def work(here: Administered) -> None:
        tenant = await here.registry.file.get(check_tenant(name))
        if tenant is not None:
            shown: dict[str, Any] = {"origin": "file", "settings": document(tenant)}
        else:
            record = await here.tenants.record(name)
            shown = {
                "origin": "registry",
                "state": _state_of(record),
                "revision": record.revision,
                "settings": record.settings,
                "history": [
                    {
                        "revision": step.revision,
                        "at": step.at,
                        "by": step.by,
                        "what": step.what,
                        "fields": step.fields,
                        "check": step.check,
                    }
                    for step in record.history
                ],
                "proof": record.proof or None,
            }
        out.out(json_text(shown), highlight=False)

    _run(data, work)


@group.command()
def add(
    file: Annotated[Path, typer.Argument(help="JSON file with the tenant, an entry of a tenants file; - for stdin.")],
    data: Data = None,
    check: Check = True,
) -> None:
    """Add a tenant. It is collected within seconds."""
    settings = _read(file)

    async def work(here: Administered) -> None:
        checked = await _checked(here, settings, check=check)
        await note(here.database, "tenants.add", "create", f"tenant {settings['name']}", settings["name"])
        record = await here.tenants.add(settings, Change(here.by, check=checked))
        out.print(f"{plain(record.name)}: added, revision {record.revision} ({plain(checked)})")

    _run(data, work)


@group.command("set")
def set_(
    name: Name,
    settings: Annotated[
        list[str],
        typer.Argument(
            help="field=JSON, e.g. time_zone=Europe/Amsterdam groups='[\"retail\"]'; field= for its default."
        ),
    ],
    revision: Annotated[int | None, typer.Option(help="Only if this is its revision still.")] = None,
    data: Data = None,
    check: Check = True,
) -> None:
    """Change settings of a tenant."""
    patch = dict(map(_assignment, settings))

    async def work(here: Administered) -> None:
        before = await here.tenants.record(check_tenant(name))
        merged = {key: value for key, value in {**before.settings, **patch}.items() if value is not None}
        # What only says how AOC treats the tenant needs no sign-in.
        asks = bool(patch.keys() & (IDENTIFYING | {"sources"}))
        checked = await _checked(here, merged, check=check) if asks else ""
        change = Change(here.by, before.revision if revision is None else revision, checked)
        await note(here.database, "tenants.change", "change", f"{', '.join(sorted(patch))} of tenant {name}", name)
        record = await here.tenants.merge(name, patch, change)
        how = f" ({plain(checked)})" if checked else ""
        out.print(f"{plain(record.name)}: changed, revision {record.revision}{how}")

    _run(data, work)


@group.command()
def pause(name: Name, data: Data = None) -> None:
    """Collect nothing from a tenant until it is resumed."""

    async def work(here: Administered) -> None:
        await note(here.database, "tenants.pause", "change", f"tenant {name}", check_tenant(name))
        record = await here.tenants.pause(name, Change(here.by), paused=True)
        out.print(f"{plain(record.name)}: paused; aoc tenants resume {plain(record.name)} goes on")

    _run(data, work)


@group.command()
def resume(name: Name, data: Data = None) -> None:
    """Collect from a tenant again, first what Microsoft still has of the pause."""

    async def work(here: Administered) -> None:
        await note(here.database, "tenants.resume", "change", f"tenant {name}", check_tenant(name))
        record = await here.tenants.pause(name, Change(here.by), paused=False)
        out.print(f"{plain(record.name)}: is collected")

    _run(data, work)


@group.command()
def export(
    name: Name,
    directory: Annotated[Path, typer.Argument(help="A directory that is new, or empty.")],
    data: Data = None,
) -> None:
    """Write all data of a tenant to files: events, versions, accounts, settings without secrets; counts and hashes."""

    async def work(here: Administered) -> None:
        tenant = await here.registry.get(check_tenant(name))
        await known_tenants.require(here.database, data, name)
        await note(here.database, "tenants.export", "read", f"all data of tenant {name}", name)
        settings = {"name": name} if tenant is None else document(tenant)
        # Limits, which tenants of one app share, are not exported: it need not be known.
        stored = MongoTenantData(here.database, name, app="-/-")
        with err.status("reading") as status:
            files = await export_(
                stored,
                settings,
                directory,
                datetime.now(UTC),
                lambda file: status.update(f"{file.name}: {file.documents:,}"),
            )
        table = Table("file", "documents", "SHA-256", box=None, padding=(0, 2, 0, 0))
        for file in files:
            table.add_row(plain(file.name), f"{file.documents:,}", file.sha256)
        print_table(table)
        out.print(f"{plain(str(directory))}: complete; {MANIFEST} has the counts and hashes")

    _run(data, work)


@group.command()
def delete(
    name: Name,
    yes: Annotated[str, typer.Option("--yes", help="The tenant's name again: nothing of it comes back.")] = "",
    wait: Annotated[bool, typer.Option(help="Stay until all of it is deleted.")] = False,
    data: Data = None,
) -> None:
    """Delete a tenant with all its data: events, versions, accounts, messages. What is kept is the proof."""
    if yes != name:
        raise BadConfiguration(
            f"--yes {name} is needed: all that is stored of {name} is deleted, and cannot be had again"
        )

    async def work(here: Administered) -> None:
        await note(here.database, "tenants.delete", "delete", f"tenant {name}", check_tenant(name))
        record = await here.tenants.delete(name, Change(here.by))
        proof = f"aoc tenants show {plain(name)} has the proof"
        if record.state == "deleted":
            out.print(f"{plain(name)}: was deleted before; {proof}")
            return
        out.print(f"{plain(name)}: {record.state}, which takes a minute and more; {proof} then")
        if not wait:
            return
        with err.status("the normalizer deletes it"):
            record = await _deleted(here, name)
        table = Table("where", "before", "after", box=None, padding=(0, 2, 0, 0))
        for where, number in sorted(record.proof.get("before", {}).items()):
            if number:
                table.add_row(plain(where), f"{number:,}", f"{record.proof['after'].get(where, 0):,}")
        print_table(table)
        out.print(f"{plain(name)}: {record.state}")

    _run(data, work)


async def _deleted(here: Administered, name: str) -> TenantRecord:
    while True:
        record = await here.tenants.record(name)
        if record.state != "deleting":
            return record
        await asyncio.sleep(1)


def _read(file: Path) -> dict[str, Any]:
    try:
        text = typer.get_text_stream("stdin").read(_MOST_BYTES) if str(file) == "-" else file.read_text("utf-8")
        settings = json.loads(text)
    except OSError as error:
        raise BadConfiguration(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadConfiguration(f"{file}: no JSON ({error})") from None
    if isinstance(settings, list) and len(settings) == 1:
        settings = settings[0]
    if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
        raise BadConfiguration(f"{file}: expected one tenant, an object with a name (docs/reference/tenants.md)")
    return settings


def _assignment(text: str) -> tuple[str, Any]:
    field, is_, value = text.partition("=")
    if not is_ or not field:
        raise BadConfiguration(f"{text}: expected field=value")
    if not value:
        return field, None
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


async def _checked(here: Administered, settings: dict[str, Any], *, check: bool) -> str:
    """How settings were checked, as it is noted. Raises `BadConfiguration` for what must not be saved."""
    here.tenants.read(settings)
    if not check:
        return "not checked"
    with err.status("a collector signs in with it"):
        try:
            return await here.check(settings)
        except CheckFailed as error:
            for finding in error.findings:
                err.print(f"[bold red]fail[/] {plain(finding.check)}: {plain(finding.found)}")
                if finding.fix:
                    err.print(f"     [dim]-> {plain(finding.fix)}[/]")
            raise BadConfiguration("it was not saved; --no-check saves it all the same, which is noted") from None


def _state(settings: Any) -> str:
    return "paused" if settings.get("paused") else "active"


def _state_of(record: TenantRecord) -> str:
    return _state(record.settings) if record.state == "active" else record.state


def _run(data: Path | None, work: Callable[[Administered], Awaitable[None]]) -> None:
    system = attach.required(data)

    async def attached() -> None:
        async with administering(system, data) as here:
            await work(here)

    asyncio.run(attached())

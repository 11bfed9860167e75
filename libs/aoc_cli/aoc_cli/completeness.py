"""`aoc completeness`: what was collected, what is on its way, and what is missing."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from aoc_cli import attach, report
from aoc_cli.local.stack import DataDirectory, default_data
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.settings import resolve_secret
from aoc_common.store.accounts import GapCause
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.accounts import Gap, SourceAccount

_HEADINGS: Final = (
    "source", "complete until (UTC)", "ago", "records", "stored", "changed", "duplicate", "put aside", "not understood",
    "undated",
    "slices on their way",
)  # fmt: skip
#: Columns on the left are text, the others are numbers.
_TEXTS: Final = 3
_SHOWN: Final = 5
_WORDS: Final = {
    GapCause.EXPIRED: "expired at Microsoft, lost for good",
    GapCause.LOST: "lost for good",
    GapCause.BEHIND: "not fetched yet",
    GapCause.WAITING: "listed, not fetched yet",
    GapCause.DEAD_LETTER: "not stored",
}

_ITEMS: Final = {
    GapCause.EXPIRED: "blobs",
    GapCause.LOST: "items",
    GapCause.BEHIND: "blobs",
    GapCause.WAITING: "blobs",
    GapCause.DEAD_LETTER: "dead letters",
}


def completeness(
    tenant: Annotated[str, typer.Option(help="Whose collection.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    write: Annotated[Path | None, typer.Option("--report", help="Write a signed report to this file.")] = None,
    verify: Annotated[Path | None, typer.Option("--check", help="Check a signed report; nothing else is done.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Ed25519 key to sign with, env:NAME or file:PATH; else one of the data directory."),
    ] = None,
) -> None:
    """Show until when each source is complete, its account, and its gaps.

    Status 1 when something is lost for good, or a dead letter waits for a decision.
    """
    if verify is not None:
        _check(verify)
        return
    subjects.check_tenant(tenant)
    now = datetime.now(UTC)
    with ExitStack() as stack:
        system = attach.find(data) or stack.enter_context(attach.started(attach.existing(data)))
        accounts, others = asyncio.run(_read(system, tenant, now))
    told = {"tenant": tenant, "at": now, "sources": [asdict(account) for account in accounts]}
    plainly: dict[str, Any] = orjson.loads(orjson.dumps(told, default=str))
    if write is not None:
        _write(write, plainly, key, data or default_data())
    elif as_json:
        out.out(orjson.dumps(plainly).decode(), highlight=False)
    elif accounts:
        _show(accounts, now)
    else:
        hint = f"; there is something of --tenant {plain(' or '.join(others))}" if others else ""
        err.print(f"nothing was collected for {plain(tenant)} yet{hint}")
    if any(not gap.closable or gap.cause is GapCause.DEAD_LETTER for account in accounts for gap in account.gaps):
        raise typer.Exit(1)


def _write(path: Path, told: dict[str, Any], reference: str | None, data: Path) -> None:
    """Sign and write. Raises `BadConfiguration` for a key that is none, or a file that cannot be written."""
    own = DataDirectory(data).secret("report-key", report.new_key) if reference is None else None
    pem = resolve_secret(reference or f"file:{own}", "--key")
    signed = report.sign(told, pem, "--key")
    try:
        path.write_bytes(signed)
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None
    _, fingerprint = report.check(signed)
    out.print(f"{plain(path)}: signed with key {fingerprint}")


def _check(path: Path) -> None:
    """Say whether a report is as it was signed. Raises `Malformed` when it is not."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None
    told, fingerprint = report.check(document)
    out.print(f"[green]unchanged[/] since it was signed with key {fingerprint}")
    out.print(
        f"tenant {plain(told.get('tenant'))}, as of {plain(told.get('at'))}, {len(told.get('sources', []))} sources"
    )


async def _read(system: attach.System, tenant: str, now: datetime) -> tuple[list[SourceAccount], list[str]]:
    """The tenant's accounts; when there are none, the first tenants that have some."""
    async with connect(system.mongo) as database:
        if accounts := await MongoAccount(database).accounts(tenant, now):
            return accounts, []
        states = await MongoSources(database).all_states(None)
        return [], sorted({state.tenant for state in states})[:_SHOWN]


def _show(accounts: Sequence[SourceAccount], now: datetime) -> None:
    rows = [_HEADINGS, *(_row(account, now) for account in accounts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for number, row in enumerate(rows):
        cells = [
            text.ljust(width) if column < _TEXTS else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        style = "dim" if number == 0 else "default"
        out.print(f"[{style}]{plain('  '.join(cells).rstrip())}[/]", soft_wrap=True)
    for account in accounts:
        for gap in account.gaps:
            out.print(_gap(account.source, gap), soft_wrap=True)
        if account.waiting:
            kept = f"{account.waiting:,} records in the quarantine wait for a decision: aoc quarantine list"
            out.print(f"[yellow]aside[/] {plain(account.source)} {kept}", soft_wrap=True)


def _row(account: SourceAccount, now: datetime) -> tuple[str, ...]:
    counts = (
        account.records,
        account.stored,
        account.changed,
        account.duplicate,
        account.quarantined,
        account.not_understood,
        account.undated,
        account.unsettled,
    )
    ago = _ago(account.complete_until, now)
    return (account.source, _moment(account.complete_until), ago, *(f"{count:,}" for count in counts))


def _gap(source: str, gap: Gap) -> str:
    colour = "yellow" if gap.closable else "red"
    size = f", {gap.items:,} {_ITEMS[gap.cause]}" if gap.items else ""
    detail = f": {plain(gap.detail)}" if gap.detail else ""
    span = f"{_moment(gap.start)} to {_moment(gap.end)}"
    return f"[{colour}]gap[/] {plain(source)} {span}{size}, {_WORDS[gap.cause]}{detail}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "never"


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    minutes = max(0, int((now - at).total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"

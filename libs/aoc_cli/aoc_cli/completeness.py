"""`aoc completeness`: what was collected, what is in progress, and what is missing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer

from aoc_cli import attach
from aoc_cli.importing.interrupted import as_interrupted
from aoc_cli.reports import keys
from aoc_cli.reports.checking import check
from aoc_cli.reports.custody import show_imports, without_account
from aoc_cli.reports.form import public_bytes, sign
from aoc_cli.reports.formatting import gap, not_needed, table
from aoc_cli.reports.settings import ReportSettings
from aoc_cli.reports.sinks import show_sinks
from aoc_cli.reports.statement import MOST_FILES, MOST_HEADS, import_document, statement, tenant_id_of
from aoc_cli.reports.trust import pins
from aoc_cli.tenants import registry
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.contracts.report_keys import thumbprint
from aoc_common.errors import BadConfiguration, NotFound
from aoc_common.settings import load
from aoc_common.store.accounts import GapCause, SourceAccount
from aoc_common.store.imports import ImportState
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.audit_trail import MongoAuditHeads
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.decisions import Discarded, discarded
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from aoc_common.store.mongo.sink_deliveries import MongoSinkDeliveries
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.store.imports import ImportRecord
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.sink_deliveries import SinkDelivery
    from aoc_common.tenants.records import Pause

_HEADINGS: Final = (
    "source", "complete until (UTC)", "ago", "records", "stored", "changed", "duplicate", "put aside", "not understood",
    "undated",
    "slices on their way",
)  # fmt: skip
#: Columns on the left are text, the others are numbers.
_TEXTS: Final = 3
_SHOWN: Final = 5
#: Files of an import that are shown one by one.
_FILES_SHOWN: Final = 20


def completeness(
    tenant: Annotated[str, typer.Option(help="Whose collection.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    write: Annotated[Path | None, typer.Option("--report", help="Write a signed report to this file.")] = None,
    verify: Annotated[Path | None, typer.Option("--check", help="Check a signed report; nothing else is done.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="env:NAME or file:PATH. With --report: the private key to sign with; else AOC_REPORTS__KEY, else "
            "the data directory's. With --check: the key that is believed, as PEM, JWK or JWK Set."
        ),
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(
            help="With --check: a key that is believed, as aoc keys shows it; else AOC_REPORTS__FINGERPRINTS."
        ),
    ] = None,
) -> None:
    """Show until when each source is complete, its account, its gaps, and what the sinks have delivered.

    Status 1 when something is lost for good, or a dead letter waits for a decision. With --check: 0 only when a pinned
    key signed the report, 1 when it was changed or is none, 3 when another key signed it, 4 when no key is pinned.
    """
    _check_options(write, verify, key, fingerprint)
    if verify is not None:
        believed = pins(fingerprint or (), load(ReportSettings).reports.fingerprints, key)
        if verdict := check(verify, believed, json=as_json):
            raise typer.Exit(int(verdict))
        return
    subjects.check_tenant(tenant)
    now = datetime.now(UTC)
    with attach.opened(data) as system:
        stated, other_tenants = asyncio.run(_read(system, tenant, now, data))
        signed = asyncio.run(_signed(system, stated, now, key, data)) if write is not None and stated.accounts else None
    accounts = stated.accounts
    if write is not None:
        _write(write, tenant, signed)
    elif as_json:
        sources = [
            asdict(account) | {"discarded": asdict(stated.dropped.get(account.source, Discarded()))}
            for account in accounts
        ]
        imports = [import_document(record) for record in stated.imports]
        lacking = without_account(accounts, stated.imports)
        document = {
            "tenant": tenant,
            "at": now,
            "pauses": [asdict(pause) for pause in stated.pauses],
            "sources": sources,
            "imports": imports,
            "imports_without_account": lacking,
            "sinks": [asdict(delivery) for delivery in stated.sinks],
        }
        out.out(orjson.dumps(document, default=str).decode(), highlight=False)
    elif accounts:
        _show(accounts, stated.dropped, now)
        for pause in stated.pauses:
            out.print(_paused(tenant, pause), soft_wrap=True)
        show_sinks(stated.sinks)
        show_imports(stated.imports, _FILES_SHOWN)
        if (lacking := without_account(accounts, stated.imports)) is not None:
            out.print(f"[yellow]import[/] {plain(lacking)}", soft_wrap=True)
    else:
        hint = f"; there is something of --tenant {plain(' or '.join(other_tenants))}" if other_tenants else ""
        err.print(f"nothing was collected for {plain(tenant)} yet{hint}")
    if any(
        not missing.closable or missing.cause is GapCause.DEAD_LETTER
        for account in accounts
        for missing in account.gaps
    ):
        raise typer.Exit(1)


def _check_options(write: Path | None, verify: Path | None, key: str | None, fingerprint: Sequence[str] | None) -> None:
    """Raise `BadConfiguration` for options that do not go together."""
    if write is not None and verify is not None:
        raise BadConfiguration("--report and --check: one at a time")
    if key is not None and write is None and verify is None:
        raise BadConfiguration("--key: only with --report or --check")
    if fingerprint and verify is None:
        raise BadConfiguration("--fingerprint: only with --check")


@dataclass(frozen=True, slots=True)
class _Stated:
    """What is stated of a tenant: its accounts, what was discarded by source, imports, pauses, and its sinks."""

    accounts: Sequence[SourceAccount] = ()
    dropped: Mapping[str, Discarded] = field(default_factory=dict)
    imports: Sequence[ImportRecord] = ()
    pauses: Sequence[Pause] = ()
    sinks: Sequence[SinkDelivery] = ()


async def _signed(
    system: attach.System, stated: _Stated, now: datetime, key: str | None, data: Path | None
) -> tuple[bytes, str]:
    """The signed report of what is stated, and the fingerprint of the key."""
    tenant, directory = stated.accounts[0].tenant, keys.directory_of(system, data)
    async with connect(system.mongo) as database:
        register = MongoKeyRegister(database)
        signer = await keys.signer(directory, key, register, now)
        installation = await register.installation()
        heads = [known.head for known in await MongoAuditHeads(database).of_tenant(tenant, "", MOST_HEADS)]
    tenant_id = tenant_id_of(tenant, directory.path)
    document = statement(
        tenant, tenant_id, now, installation, stated.accounts, stated.dropped, stated.imports, heads, stated.sinks
    )
    return sign(document, signer), thumbprint(public_bytes(signer))


def _write(path: Path, tenant: str, signed: tuple[bytes, str] | None) -> None:
    """Write a report. Raises `NotFound` when there is none, `BadConfiguration` for a file that cannot be written."""
    if signed is None:
        raise NotFound(f"nothing was collected for {tenant} yet, so there is nothing to sign; no report was written")
    report, fingerprint = signed
    try:
        path.write_bytes(report)
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None
    out.print(f"{plain(path)}: signed with key {fingerprint}")


async def _read(system: attach.System, tenant: str, now: datetime, data: Path | None) -> tuple[_Stated, list[str]]:
    """What is stated of the tenant; when that is nothing, the first tenants that have accounts."""
    async with connect(system.mongo) as database:
        accounts, dropped = await MongoAccount(database).accounts(tenant, now), await discarded(database, tenant)
        imports = [record async for record in MongoImports(database).records(tenant, MOST_FILES)]
        if system.owned:
            # Nobody else uses the directory, so none of them is at work.
            imports = [await _ended(database, record) for record in imports]
        # Also a source of which only discarded items remain, and an import of which nothing was read.
        known = {account.source for account in accounts}
        others = dropped.keys() | ({subjects.IMPORT_SOURCE} if imports else set())
        accounts += [SourceAccount(tenant, source) for source in sorted(others - known)]
        if accounts:
            sinks = await MongoSinkDeliveries(database).of(tenant)
            return _Stated(accounts, dropped, imports, await _pauses(database, tenant, data), sinks), []
        states = await MongoSources(database).all_states(None)
        return _Stated(), sorted({state.tenant for state in states})[:_SHOWN]


async def _pauses(database: Database, tenant: str, data: Path | None) -> list[Pause]:
    try:
        return await registry(database, data).pauses(tenant)
    except BadConfiguration as error:
        # What was collected is told all the same.
        err.print(f"[yellow]whether {plain(tenant)} is paused is not known: {plain(error)}[/]")
        return []


async def _ended(database: Database, record: ImportRecord) -> ImportRecord:
    """An import as it is known where none is at work."""
    if record.account.state is not ImportState.OPEN:
        return record
    return replace(record, account=await as_interrupted(database, record.account))


def _show(accounts: Sequence[SourceAccount], dropped: Mapping[str, Discarded], now: datetime) -> None:
    table([_HEADINGS, *(_row(account, now) for account in accounts)], _TEXTS)
    for account in accounts:
        for missing in account.gaps:
            out.print(gap(account.source, missing), soft_wrap=True)
        if account.waiting:
            waiting = f"{account.waiting:,} records in the quarantine wait for a decision: aoc quarantine list"
            out.print(f"[yellow]aside[/] {plain(account.source)} {waiting}", soft_wrap=True)
        if line := not_needed(account.source, dropped.get(account.source, Discarded())):
            out.print(line, soft_wrap=True)


def _paused(tenant: str, pause: Pause) -> str:
    since = f" since {_moment(pause.since)}" if pause.since else ""
    if pause.until is not None:
        return f"[dim]paused[/] {plain(tenant)} was paused{since} until {_moment(pause.until)}: nothing was collected"
    return (
        f"[yellow]paused[/] {plain(tenant)} is paused{since}: nothing is collected; aoc tenants resume {plain(tenant)}"
    )


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


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "never"


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    minutes = max(0, int((now - at).total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"

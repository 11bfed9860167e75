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

from aoc_cli import attach
from aoc_cli.terminal import err, out, plain
from aoc_common.contracts import subjects
from aoc_common.store.accounts import GapCause
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.accounts import Gap, SourceAccount

_HEADINGS: Final = (
    "source", "complete until (UTC)", "ago", "records", "stored", "duplicate", "put aside", "slices on their way"
)  # fmt: skip
#: Columns on the left are text, the others are numbers.
_TEXTS: Final = 3
_WORDS: Final = {
    GapCause.EXPIRED: "expired at Microsoft, lost for good",
    GapCause.LOST: "lost for good",
    GapCause.BEHIND: "not fetched yet",
    GapCause.WAITING: "listed, not fetched yet",
}


def completeness(
    tenant: Annotated[str, typer.Option(help="Whose collection.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show until when each source is complete, its account, and its gaps. Status 1 when something is lost for good."""
    subjects.check_tenant(tenant)
    now = datetime.now(UTC)
    with ExitStack() as stack:
        system = attach.find(data) or stack.enter_context(attach.started(attach.existing(data)))
        accounts = asyncio.run(_read(system, tenant, now))
    if as_json:
        told: dict[str, Any] = {"tenant": tenant, "at": now, "sources": [asdict(account) for account in accounts]}
        out.out(orjson.dumps(told, default=str).decode(), highlight=False)
    elif accounts:
        _show(accounts, now)
    else:
        err.print(f"nothing was collected for {plain(tenant)} yet")
    if any(not gap.closable for account in accounts for gap in account.gaps):
        raise typer.Exit(1)


async def _read(system: attach.System, tenant: str, now: datetime) -> list[SourceAccount]:
    async with connect(system.mongo) as database:
        return await MongoAccount(database).accounts(tenant, now)


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


def _row(account: SourceAccount, now: datetime) -> tuple[str, ...]:
    counts = (account.records, account.stored, account.duplicate, account.quarantined, account.unsettled)
    ago = _ago(account.complete_until, now)
    return (account.source, _moment(account.complete_until), ago, *(f"{count:,}" for count in counts))


def _gap(source: str, gap: Gap) -> str:
    colour = "yellow" if gap.closable else "red"
    size = f", {gap.items} blobs" if gap.items else ""
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

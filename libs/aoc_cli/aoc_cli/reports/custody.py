"""Prints the accounts of imports: who brought in which files, and what became of each."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from aoc_cli.amounts import amount
from aoc_cli.terminal import out, plain
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.store.imports import FileStatus, ImportState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.imports import ImportAccount, ImportedFile, ImportRecord

_COLOURS: Final = {
    FileStatus.READ: "green",
    FileStatus.PARTLY: "red",
    FileStatus.SKIPPED: "yellow",
    FileStatus.UNREAD: "red",
    FileStatus.HIDDEN: "dim",
}
#: Counts of a file that are shown where there are some.
_COUNTS: Final = {
    "new": "new",
    "changed": "changed",
    "duplicates": "duplicates",
    "quarantined": "put aside",
    "dead_lettered": "given up",
    "empty": "empty rows",
    "truncated": "cut",
    "not_understood": "not understood",
    "undated": "undated",
}
#: Paths that were named to an import, in one line.
_PATHS: Final = 3


def show_imports(records: Sequence[ImportRecord], most: int) -> None:
    """Print them, with at most so many files of each."""
    for record in records:
        for line in _import(record.account):
            out.print(line, soft_wrap=True)
        for file in record.files[:most]:
            for line in _file(file):
                out.print(line, soft_wrap=True)
        if (more := record.account.files - min(most, len(record.files))) > 0:
            out.print(f"  ... and {more:,} more files: --json shows them")


def without_account(accounts: Sequence[SourceAccount], records: Sequence[ImportRecord]) -> str | None:
    """That something was imported of which no account was kept; None where each import has one."""
    source = next((account for account in accounts if account.source == IMPORT_SOURCE), None)
    if source is None or source.since is None or not source.records:
        return None
    first = min((record.account.began_at for record in records), default=None)
    # What came in is counted by day: of what came on the day of the first account nobody can tell.
    if first is not None and source.since.date() >= first.astimezone(UTC).date():
        return None
    until = f" before {_moment(first)} UTC" if first is not None else ""
    return (
        f"what was imported since {source.since:%Y-%m-%d}{until} has no account: that version of AOC kept none, so who "
        "brought in which files is not on record. To have one, import the files again: what is stored is a duplicate"
    )


def _import(account: ImportAccount) -> Iterator[str]:
    where = f"on {plain(account.host)} in {plain(account.directory)}"
    yield (
        f"[bold]import[/] of {_moment(account.began_at)} UTC by {plain(account.by)} {where}, AOC {plain(account.aoc)}: "
        f"{_state(account)}"
    )
    shown = ", ".join(map(plain, account.paths[:_PATHS]))
    more = f" and {account.named - _PATHS:,} more" if account.named > _PATHS else ""
    span = _span(account.first, account.last)
    files, records = amount(account.files, "file"), amount(account.records, "record")
    yield f"  named: {shown}{more}; {files}, {records}{_counts(account)}{span}"
    if account.manifest is not None:
        yield f"  manifest {plain(account.manifest)}"


def _state(account: ImportAccount) -> str:
    if account.state is ImportState.FAILED:
        return f"[red]failed[/]: {plain(account.reason)}"
    if account.ended_at is None:
        return "[yellow]not ended[/]: at work, or killed; what it had read is stored, its files are not on record"
    return f"ended {_moment(account.ended_at)} UTC"


def _file(file: ImportedFile) -> Iterator[str]:
    size = f", {file.size:,} bytes" if file.size is not None else ""
    records = f", {amount(file.records, 'record')}{_counts(file)}" if file.records else _counts(file)
    reason = f": {plain(file.reason)}" if file.reason else ""
    span = _span(file.first, file.last)
    yield f"  [{_COLOURS[file.status]}]{file.status.value}[/] {plain(file.file)}{size}{records}{span}{reason}"
    if file.sha256 is not None:
        yield f"    sha256 {plain(file.sha256)}"


def _counts(of: ImportAccount | ImportedFile) -> str:
    counts = [f"{count:,} {text}" for name, text in _COUNTS.items() if (count := getattr(of, name, 0))]
    return f" ({', '.join(counts)})" if counts else ""


def _span(first: datetime | None, last: datetime | None) -> str:
    return f", of {_moment(first)} to {_moment(last)}" if first is not None and last is not None else ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"

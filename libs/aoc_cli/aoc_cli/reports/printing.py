"""Prints the statement of a report, from the signed bytes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_cli.reports.custody import show_imports
from aoc_cli.reports.formatting import gap, not_needed, table
from aoc_cli.reports.sinks import show_sinks
from aoc_cli.terminal import out, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from aoc_cli.reports.reading import Source, Statement

_HEADINGS: Final = (
    "source", "state", "since (UTC)", "complete until (UTC)",
    "records", "stored", "changed", "duplicate", "put aside", "given up", "not understood", "undated", "unsettled",
)  # fmt: skip
_TEXTS: Final = 4
#: Gaps of a source that are shown; `--json` has all of them.
_SHOWN: Final = 50
_SILENT: Final = "not stated"


def show(statement: Statement) -> None:
    """Print it."""
    ident = f" ({plain(statement.tenant_id)})" if statement.tenant_id else ""
    out.print(f"tenant {plain(statement.tenant)}{ident}, as of {_moment(statement.at)} UTC")
    if statement.made_by is not None:
        out.print(f"made by installation {plain(statement.made_by.installation)}, AOC {plain(statement.made_by.aoc)}")
    table([_HEADINGS, *map(_row, statement.sources)], _TEXTS)
    for source in statement.sources:
        for line in _lines(source):
            out.print(line, soft_wrap=True)
    show_imports([entry.record() for entry in statement.imports or ()], _SHOWN)
    show_sinks([sink.delivery() for sink in statement.sinks or ()])
    if statement.never_collected:
        out.print(f"[yellow]never collected[/] {plain(', '.join(statement.never_collected))}", soft_wrap=True)
    for name, meaning in (statement.meaning or {}).items():
        out.print(f"[dim]meaning of {plain(name)}: {plain(meaning)}[/]", soft_wrap=True)


def _row(source: Source) -> tuple[str, ...]:
    counts = (
        source.records,
        source.stored,
        source.changed,
        source.duplicate,
        source.quarantined,
        source.dead_lettered,
        source.not_understood,
        source.undated,
        source.unsettled,
    )
    return (
        source.source,
        source.state.value if source.state else _SILENT,
        _day(source.since),
        _moment(source.complete_until),
        *(_SILENT if count is None else f"{count:,}" for count in counts),
    )


def _lines(source: Source) -> Iterator[str]:
    """Lines about what is missing of a source, and about what its figures do not include."""
    name = plain(source.source)
    if source.open is not None:
        span = f"{_moment(source.open.start)} to {_moment(source.open.end)}"
        yield f"[yellow]open[/] {name} {span}, not accounted for yet"
    for missing in source.gaps[:_SHOWN]:
        yield gap(source.source, missing)
    if len(source.gaps) > _SHOWN:
        yield f"[red]gap[/] {name} and {len(source.gaps) - _SHOWN:,} more: --json shows them"
    if source.waiting:
        yield f"[yellow]aside[/] {name} {source.waiting:,} records in the quarantine, not decided about"
    if source.dead_letters:
        yield f"[yellow]given up[/] {name} {source.dead_letters:,} dead letters, not decided about"
    if source.discarded is not None and (line := not_needed(source.source, source.discarded)):
        yield line
    if source.last_error:
        yield f"[yellow]trouble[/] {name} {plain(source.last_error)}"
    for reason in source.reasons or ():
        yield f"[yellow]{source.state.value if source.state else 'noted'}[/] {name} {plain(reason)}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "never"


def _day(day: date | datetime | None) -> str:
    return f"{day:%Y-%m-%d}" if day else "never"

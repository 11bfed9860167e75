"""`aoc import`."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from aoc_cli import attach
from aoc_cli.importing.finding import find
from aoc_cli.importing.job import Importer
from aoc_cli.importing.lifeline import Lifeline
from aoc_cli.importing.streams import Unpacking
from aoc_cli.importing.summary import Summary
from aoc_cli.local.stack import DataDirectory, default_data
from aoc_cli.terminal import err, out, plain
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 20


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Exported logs, or directories of them.")],
    tenant: Annotated[str, typer.Option(help="The tenant that the records belong to.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    patience: Annotated[
        float,
        typer.Option(
            min=1, help="Seconds for which a server that is away, or a normalizer that stands, is waited for."
        ),
    ] = 900.0,
    max_ratio: Annotated[int, typer.Option(min=1, help="How many times its size a packed file may hold.")] = 200,
    max_unpacked: Annotated[int, typer.Option(min=1, help="Bytes that a packed file may hold.")] = 16 << 30,
) -> None:
    """Import exported logs: JSON, NDJSON, Purview or Search-UnifiedAuditLog exports, Graph lists; also gzipped.

    Status 1 when a file that was named is no log or is empty, or any file could not be read to its end: it is broken,
    cut, or over a bound. The rest is in. What else lies in a directory, or is hidden there, is told.
    """
    subjects.check_tenant(tenant)
    found = find(paths)
    with ExitStack() as stack:
        system, directory = attach.find(data), None

        def start(path: Path) -> attach.System:
            return stack.enter_context(attach.started(path, services=("normalizer",), report=say))

        if system is None:
            directory = data or default_data()
            if not as_json:
                err.print(f"Nothing is running; starting the embedded stack in {plain(str(directory))}")
            system = start(directory)
            DataDirectory(directory).mark_evidence()
        with _bar(quiet=as_json) as progress:
            lifeline = Lifeline(system, start, say, patience)
            importer = Importer(lifeline, SystemClock(), tenant, Unpacking(max_ratio, max_unpacked), found)
            summary = asyncio.run(_run(importer, progress))
    if as_json:
        out.print_json(json.dumps(summary.as_dict()))
    else:
        _show(summary)
    if directory is not None and not as_json:
        where = plain(str(directory))
        out.print(f"Look at it with [bold]./aoc search --data {where}[/] or [bold]./aoc up --data {where}[/]")
    if not summary.whole:
        raise typer.Exit(1)


def say(text: str) -> None:
    """One line for the person who waits; the progress bar stays below it."""
    err.print(f"[yellow]![/] {plain(text)}")


async def _run(importer: Importer, progress: _Bar) -> Summary:
    async with importer.lifeline:
        return await importer.run(progress)


class _Bar:
    """Shows progress on the terminal."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._reading = bar.add_task("reading", total=None, note="")
        self._storing: Any = None

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read."""
        self._bar.update(self._reading, completed=done, total=total, note=f"{records:,} records")

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        if self._storing is None:
            self._storing = self._bar.add_task("storing", total=of, note="")
        self._bar.update(self._storing, completed=pages, total=of, note=f"{pages}/{of} pages")


@contextmanager
def _bar(*, quiet: bool) -> Iterator[_Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=quiet, transient=True) as bar:
        yield _Bar(bar)


def _show(summary: Summary) -> None:
    rate = summary.records / summary.seconds if summary.seconds else 0
    out.print(
        f"[bold]{summary.records:,}[/] records in {summary.seconds:.1f} s ({rate:,.0f}/s): "
        f"[green]{summary.new:,} new[/], {summary.changed:,} changed, {summary.duplicates:,} duplicates, "
        f"[{'yellow' if summary.quarantined else 'default'}]{summary.quarantined:,} quarantined[/]"
        + (f", [red]{summary.dead_lettered:,} dead letters: aoc deadletters list[/]" if summary.dead_lettered else "")
        + (f", {summary.empty:,} empty rows" if summary.empty else "")
        + (f"; {summary.skipped} of {summary.files} files are no logs" if summary.skipped else "")
        + (f"; [red]{summary.unread} could not be read, or not to the end[/]" if summary.unread else "")
        + (f"; {summary.stopped} files were stopped at a bound" if summary.stopped else "")
    )
    for kind, count, said in (
        ("not_understood", summary.not_understood, "of the new have a shape that no mapper knows"),
        ("undated", summary.undated, "of the new do not say when they happened, and stand in 1970"),
    ):
        if count:
            out.print(f"  [yellow]![/] {count:,} {said}, e.g. {plain(summary.examples.get(kind, ''))}")
    if summary.not_understood:
        out.print("    Show them all: aoc search --not-understood")
    if summary.earlier:
        out.print(f"  {summary.earlier} earlier imports had not come to their end; what they had read is stored too")
    for one in summary.left:
        out.print(f"  [red]![/] {plain(one.file)}: {plain(one.reason)}")
    if summary.hidden_files:
        names = ", ".join(summary.hidden[:_SHOWN]) + (", ..." if summary.hidden_files > _SHOWN else "")
        out.print(f"  {summary.hidden_files:,} hidden, not read; name it to import it: {plain(names)}")
    left = {(one.file, one.reason) for one in summary.left}
    parts = [one for one in summary.problems if one.line or (one.file, one.reason) not in left]
    for problem in parts[:_SHOWN]:
        where = f"{problem.file} line {problem.line}" if problem.line else problem.file
        out.print(f"  [yellow]![/] {plain(where)}: {plain(problem.reason)}")
    more = sum(summary.problems_by_reason.values()) - len(summary.left) - min(len(parts), _SHOWN)
    if more > 0:
        out.print(f"  ... and {more:,} more (--json lists up to a thousand)")

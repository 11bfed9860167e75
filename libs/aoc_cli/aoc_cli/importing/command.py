"""`aoc import`."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli import attach
from aoc_cli.decisions import decider
from aoc_cli.importing import report
from aoc_cli.importing.custody import Origin
from aoc_cli.importing.days import DateOrder, is_day_first
from aoc_cli.importing.encodings import check_encoding
from aoc_cli.importing.job import Importer, NothingImportedError
from aoc_cli.importing.progress import shown_progress
from aoc_cli.importing.reading import Options
from aoc_cli.importing.resilient_link import ResilientLink
from aoc_cli.importing.selection import select
from aoc_cli.importing.unpacking import Unpacking
from aoc_cli.local.stack import DataDirectory, default_data
from aoc_cli.terminal import err, out, plain
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from aoc_cli.importing.reading import Progress as ImportProgress
    from aoc_cli.importing.summary import Summary


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Exported logs, archives, or directories of them.")],
    tenant: Annotated[str, typer.Option(help="The tenant that the records belong to.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    patience: Annotated[
        float,
        typer.Option(
            min=1, help="Seconds for which a server that is away, or a normalizer that stands, is waited for."
        ),
    ] = 900.0,
    encoding: Annotated[
        str | None,
        typer.Option(help="What text without a byte order mark is in, where it is neither UTF-8 nor Windows-1252."),
    ] = None,
    dates: Annotated[
        DateOrder | None,
        typer.Option(help="How times like 05/11/2026 10:00 in tables begin, where the table does not tell."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Who imports, for the account that aoc completeness shows; else your login.")
    ] = None,
    max_ratio: Annotated[int, typer.Option(min=1, help="How many times its size a packed file may hold.")] = 200,
    max_unpacked: Annotated[int, typer.Option(min=1, help="Bytes that a packed file may hold.")] = 20 << 30,
    max_entries: Annotated[int, typer.Option(min=1, help="Files that an archive may hold.")] = 100_000,
    max_nesting: Annotated[int, typer.Option(min=1, help="How many archives may lie within one another.")] = 2,
) -> None:
    """Import exported logs: JSON, NDJSON, CSV, whatever wraps them, also in zip and tar archives and gzipped.

    Status 0 when all that was there is in, whole, and understood; 3 when something needs attention, which stands at
    the end: not understood, undated, put aside, cut, skipped, not read to its end. What is no log and cannot be
    evidence (a note, a picture beside the logs) is named, and is no fault. Status 1 when nothing could be imported.
    """
    subjects.check_tenant(tenant)
    limits = Unpacking(max_ratio, max_unpacked, max_entries, max_nesting)
    options = Options(limits, check_encoding(encoding) if encoding else None, is_day_first(dates))
    selection, origin = select(paths), Origin(decider(by), tuple(map(str, paths)))
    with ExitStack() as stack:
        system, directory = attach.find(data), None

        def start(path: Path) -> attach.System:
            return stack.enter_context(attach.started(path, services=("normalizer",), report=say))

        if system is None:
            directory = data or default_data()
            if not as_json:
                err.print(f"Nothing is running; starting the embedded stack in {plain(str(directory))}")
            system = start(directory)
            stack_directory = DataDirectory(directory)
            stack_directory.mark_evidence()
            if not as_json:
                engine, *hint = stack_directory.engine
                err.print(f"Stored by {plain(engine)}")
                for line in hint:
                    err.print(f"  [dim]{plain(line)}[/]")
        with shown_progress(quiet=as_json) as progress:
            resilient_link = ResilientLink(system, start, say, patience)
            importer = Importer(resilient_link, SystemClock(), tenant, options, selection, origin)
            try:
                summary = asyncio.run(_run(importer, progress))
            except NothingImportedError as error:
                if as_json:
                    out.print_json(json.dumps(error.summary.as_dict()))
                raise
    if as_json:
        out.print_json(json.dumps(summary.as_dict()))
    else:
        report.show(summary, directory)
    if not summary.clean:
        raise typer.Exit(report.ATTENTION)


def say(text: str) -> None:
    """One line for the person who waits; the progress bar stays below it."""
    err.print(f"[yellow]![/] {plain(text)}")


async def _run(importer: Importer, progress: ImportProgress) -> Summary:
    async with importer.resilient_link:
        return await importer.run(progress)

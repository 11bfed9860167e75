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
from aoc_cli.importing.job import Importer, Summary
from aoc_cli.local.stack import DataDirectory, default_data
from aoc_cli.terminal import err, out, plain
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.streams import check_streams
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHOWN = 20


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Exported logs, or directories of them.")],
    tenant: Annotated[str, typer.Option(help="The tenant that the records belong to.")] = subjects.DEFAULT_TENANT,
    data: Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import exported logs: JSON, NDJSON, Purview or Search-UnifiedAuditLog exports, Graph lists; also gzipped."""
    subjects.check_tenant(tenant)
    files = _files(paths)
    with ExitStack() as stack:
        system, directory = attach.find(data), None
        if system is None:
            directory = data or default_data()
            if not as_json:
                err.print(f"Nothing is running; starting the embedded stack in {plain(str(directory))}")
            system = stack.enter_context(attach.started(directory, services=("normalizer",)))
            DataDirectory(directory).mark_evidence()
        with _bar(quiet=as_json) as progress:
            summary = asyncio.run(_run(system, tenant, files, progress))
    if as_json:
        out.print_json(json.dumps(summary.as_dict()))
        return
    _show(summary)
    if directory is not None:
        where = plain(str(directory))
        out.print(f"Look at it with [bold]./aoc search --data {where}[/] or [bold]./aoc up --data {where}[/]")


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise BadConfiguration(f"{path}: no such file or directory")
    if not found:
        raise BadConfiguration(f"{paths[0]}: no files in it")
    return found


async def _run(system: attach.System, tenant: str, files: Sequence[Path], progress: _Bar) -> Summary:
    broker = make_broker(system.nats, "cli")
    await broker.connect()
    try:
        await check_streams(jetstream(broker), system.nats, (subjects.RAW_STREAM,))
        async with connect(system.mongo) as database:
            importer = Importer(
                jetstream(broker), MongoLedger(database), MongoQuarantine(database), SystemClock(), tenant
            )
            return await importer.run(files, progress)
    finally:
        await close(broker)


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
        f"[green]{summary.new:,} new[/], {summary.duplicates:,} duplicates, "
        f"[{'yellow' if summary.quarantined else 'default'}]{summary.quarantined:,} quarantined[/]"
        + (f", [red]{summary.dead_lettered:,} dead letters: aoc deadletters list[/]" if summary.dead_lettered else "")
        + (f", {summary.empty:,} empty rows" if summary.empty else "")
        + (f"; {summary.skipped} of {summary.files} files are no logs" if summary.skipped else "")
    )
    for problem in summary.problems[:_SHOWN]:
        where = f"{problem.file} line {problem.line}" if problem.line else problem.file
        out.print(f"  [yellow]![/] {plain(where)}: {plain(problem.reason)}")
    hidden = sum(summary.problems_by_reason.values()) - min(len(summary.problems), _SHOWN)
    if hidden > 0:
        out.print(f"  ... and {hidden:,} more (--json lists up to a thousand)")

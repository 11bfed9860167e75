"""`aoc explain`: what becomes of a record, field by field."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from aoc_cli.destinations import Field, destinations
from aoc_cli.importing.days import DateOrder, is_day_first
from aoc_cli.importing.encodings import check_encoding
from aoc_cli.importing.items import Ambiguity, Record, Unreadable
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.reading import Options
from aoc_cli.importing.records import sources
from aoc_cli.importing.report import ATTENTION
from aoc_cli.importing.selection import select
from aoc_cli.importing.streams import CountingFile
from aoc_cli.terminal import err, out, plain, print_table
from aoc_common.contracts import subjects
from aoc_common.contracts.event import Event
from aoc_common.errors import BadConfiguration, Malformed
from aoc_normalizer.mappers import GENERIC
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext, Rejected

_SHOWN: Final = 80
#: Places of the event that are named for one field.
_PLACES: Final = 5
#: Paths that are named in one line.
_NAMED: Final = 3
_EVENTS: Final = "events"

type Part = Event | Record | Rejected | Ambiguity | NoLogError
"""What reading gives: a record and its event, what is neither, what can be read in two ways, a file that is no log."""


def explain(
    paths: Annotated[
        list[Path], typer.Argument(help="Exported logs, archives, or directories of them; - reads from a pipe.")
    ],
    tenant: Annotated[str, typer.Option(help="The tenant that the record belongs to.")] = subjects.DEFAULT_TENANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON, one a line.")] = False,
    encoding: Annotated[
        str | None,
        typer.Option(help="What text without a byte order mark is in, where it is neither UTF-8 nor Windows-1252."),
    ] = None,
    dates: Annotated[
        DateOrder | None,
        typer.Option(help="How times like 05/11/2026 10:00 in tables begin, where the table does not tell."),
    ] = None,
) -> None:
    """Show which mapper takes a record, what goes where, and what stays in `unmapped`. Nothing is stored.

    Reads what `aoc import` reads, in the same way. Status 3 when something was no record, not understood, undated or
    cut.
    """
    context = RecordContext(subjects.check_tenant(tenant), subjects.IMPORT_SOURCE, datetime.now(UTC))
    options = Options(encoding=check_encoding(encoding) if encoding else None, day_first=is_day_first(dates))
    counts = Counter[str]()
    for path, named in _files(paths):
        for name, part in parts(path, options, context):
            counts.update(_shown(name, part, context, named=named and name == str(path), as_json=as_json))
    shown = ", ".join(map(str, paths[:_NAMED])) + (", ..." if len(paths) > _NAMED else "")
    if not counts[_EVENTS]:
        raise Malformed(f"{shown}: no record in it ({_listed(counts) or 'nothing at all'})")
    if counts.keys() != {_EVENTS}:
        events = counts.pop(_EVENTS)
        err.print(f"[yellow]![/] {plain(shown)}: {events:,} records; {plain(_listed(counts))}")
        raise typer.Exit(ATTENTION)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """The files, as an import selects them, and whether each was named itself. Raises `BadConfiguration`."""
    if any(str(path) == "-" for path in paths):
        if len(paths) > 1:
            raise BadConfiguration("-: a pipe cannot be read beside files")
        yield paths[0], True
        return
    selection = select(paths)
    for path, reason in selection.unread:
        err.print(f"[red]not read[/]: {plain(path)}: {plain(reason)}")
    yield from ((path, path in selection.named) for path in selection.files)


def _shown(name: str, part: Part, context: RecordContext, *, named: bool, as_json: bool) -> Iterator[str]:
    """Show a part of a file; what it counts as. `named`: it is a file that was named itself."""
    if isinstance(part, Event):
        if as_json:
            out.out(part.message().decode(), highlight=False)
        else:
            _show(part, context)
        yield _EVENTS
        yield from _faults_of(part)
    elif isinstance(part, Record):
        if part.cut is not None:
            err.print(f"[yellow]![/] {plain(name)} line {part.line}: {plain(part.cut)}")
            yield "cut"
    elif isinstance(part, Ambiguity):
        err.print(f"[yellow]![/] {plain(name)} line {part.line}: {plain(part.reason)}")
        yield "doubtful"
    elif isinstance(part, NoLogError):
        err.print(f"[red]no log[/]: {plain(name)}: {plain(part)}")
        if named or not part.harmless:
            yield "no logs"
    else:
        (err if as_json else out).print(
            f"[red]no record[/]: {plain(part.reason)}: {plain(' '.join(part.text[:_SHOWN].split()))}"
        )
        yield "no records"


def parts(path: Path, options: Options, context: RecordContext) -> Iterator[tuple[str, Part]]:
    """What an import would make of a file: each record, its event, and what is none."""
    with _opened(path) as file:
        _, documents = sources(file, options.limits, options.encoding, day_first=options.day_first)
        for source in documents:
            name = f"{path}/{source.name}" if source.name else str(path)
            try:
                for item in source.items():
                    if isinstance(item, Unreadable):
                        yield name, Rejected(item.data.decode("utf-8", "replace"), item.reason)
                    elif isinstance(item, Ambiguity):
                        yield name, item
                    else:
                        yield name, item
                        events, rejected = normalise_page(item.data, context)
                        for event in events:
                            yield name, event
                        for part in rejected:
                            yield name, part
            except NoLogError as error:
                yield name, error


@contextmanager
def _opened(path: Path) -> Iterator[CountingFile]:
    """The file; of a pipe what it gives, in a temporary file."""
    if str(path) == "-":
        with tempfile.NamedTemporaryFile(prefix="aoc-explain-") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            with CountingFile(Path(copy.name)) as file:
                yield file
        return
    with CountingFile(path) as file:
        yield file


def _faults_of(event: Event) -> Iterator[str]:
    if event.mapper == GENERIC.name:
        yield "not understood"
    if event.time_ms == 0:
        yield "undated"


def _show(event: Event, context: RecordContext) -> None:
    ocsf = event.ocsf
    out.print(f"[bold]{plain(ocsf['message'])}[/]")
    facts = {
        "mapper": f"{event.mapper} (version {event.mapper_version})",
        "class": f"{ocsf['class_name']} ({event.class_uid}), activity {ocsf['activity_id']}",
        "severity": ocsf["severity"],
        "event id": event.id,
        "tags": ", ".join(event.tags) or "none",
        "search terms": ", ".join(event.terms),
    }
    for name, value in facts.items():
        out.print(f"  [dim]{name:13}[/]{plain(value)}")
    try:
        fields = destinations(event.raw, context)
    except (ValueError, RecursionError):
        out.print("  [yellow]its text is no JSON as it stands, so no field of it can be tried[/]\n")
        return
    table = Table("field of the record", "value", "goes to", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for field in fields:
        table.add_row(plain(field.name), plain(_short(field.value)), _destination(field))
    print_table(table)
    out.print()


def _destination(field: Field) -> str:
    """Where a field goes: the places of the event that change with it."""
    if not field.tried:
        return "[dim]not tried[/]"
    if field.places == ("mapper",):
        return "[cyan]decides which mapper takes the record[/]"
    unmapped = ["[yellow]unmapped[/]"] if field.unmapped else []
    if field.places:
        more = f" and {len(field.places) - _PLACES} more" if len(field.places) > _PLACES else ""
        places = f"[green]{' | '.join(map(plain, field.places[:_PLACES]))}[/]{more}"
        return " | ".join([places, *unmapped])
    if unmapped:
        return unmapped[0]
    return "[dim]empty[/]" if field.value in ("", None, [], {}) else "[cyan]nowhere; the record's text keeps it[/]"


def _short(value: Any) -> str:
    text = "" if value in ([], {}, None) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"

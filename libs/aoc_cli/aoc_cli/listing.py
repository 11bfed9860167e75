"""Lists of events on standard output: a table that fits the terminal, CSV, or JSON."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from aoc_cli.columns import Cell, Column, fitted, of_fields
from aoc_cli.terminal import json_line, out
from aoc_common.contracts import rows
from aoc_common.contracts.printable import cell, visible
from aoc_common.errors import BadConfiguration, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rich.text import Text

    from aoc_cli.columns import Layout
    from aoc_common.contracts.rows import Row

#: OCSF severity_id -> how its sentence looks.
_STYLES: Final[Mapping[int, str]] = {0: "", 1: "", 2: "", 3: "yellow", 4: "red", 5: "bold red", 6: "bold red"}
#: Printed events of which a twin may follow. Twins are minutes apart.
_REMEMBERED: Final = 100_000
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Clock(StrEnum):
    """How a table shows times."""

    UTC = "utc"
    LOCAL = "local"
    RELATIVE = "relative"


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, the whole event.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV with a header; no cell is a formula to a spreadsheet.")]
Fields = Annotated[
    str | None,
    typer.Option(help="Only these fields, with commas, e.g. time,actor,ip,event.status_detail; also of --csv, --json."),
]
Time = Annotated[Clock, typer.Option("--time", help="How the table shows times.")]
Twins = Annotated[
    bool, typer.Option("--twins", help="Each of two events that tell of one action; else the table has one of them.")
]


class Printer(Protocol):
    """Prints events as they come. `folded`: events that were left out, since another of the same action was printed."""

    folded: int

    def show(self, events: Sequence[Row]) -> int:
        """Print them; how many were printed."""
        ...


def printer(
    *,
    as_json: bool,
    as_csv: bool,
    fields: str | None,
    clock: Clock = Clock.UTC,
    twins: bool = False,
    live: bool = False,
) -> Printer:
    """What the options ask for. `live`: events come one by one, and of several tenants. Raises `BadConfiguration`."""
    if as_json and as_csv:
        raise BadConfiguration("--json and --csv: one of them at a time")
    names = _names(fields) if fields is not None else None
    if as_json:
        return JsonLines(names)
    if as_csv:
        return CsvLines(names or rows.OF_CSV)
    columns = of_fields(names) if names else default_columns(clock, live=live)
    return Table(columns, clock, twins=twins, live=live)


def _names(listed: str) -> tuple[str, ...]:
    try:
        return rows.names_of(listed)
    except Malformed as error:
        raise BadConfiguration(f"--fields: {error}") from None


def default_columns(clock: Clock, *, live: bool = False) -> tuple[Column, ...]:
    """Time, whether it failed, address, place, operation, the sentence; the id where there is much room.

    `live`: with the tenant, and wide enough for what nobody has seen yet.
    """
    heading = {Clock.UTC: "time (UTC)", Clock.LOCAL: "time (local)", Clock.RELATIVE: "when"}[clock]
    width = 10 if clock is Clock.RELATIVE else 19
    return (
        Column("time", heading, width, width, style="dim"),
        Column("failed", "", 1, 1, style="red"),
        *([Column("tenant", "tenant", 10, 20, 2, 30, style="cyan")] if live else ()),
        Column("ip", "address", 15, 39, 1, 24),
        Column("place", "place", 16 if live else 6, 24, 3, 48, style="dim"),
        Column("operation", "operation", 24 if live else 12, 34, 4, 60, style="magenta"),
        *([Column("id", "id", 36, 36, 5, 80, style="dim")] if out.is_terminal else ()),
        Column("message", "event", 30, 10_000, rest=True),
    )


class Table:
    """A table. What the first events need decides how wide the columns are; not of `live` ones, which come one by one.

    `now`: what relative times are relative to; the present, if nothing else is said.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        clock: Clock = Clock.UTC,
        *,
        twins: bool = False,
        live: bool = False,
        now: datetime | None = None,
    ) -> None:
        self._columns = columns
        self._clock = clock
        self._twins = twins
        self._live = live
        self._now = now
        self._layout: Layout | None = None
        self._printed: dict[UUID, None] = {}
        self.folded = 0

    def show(self, events: Sequence[Row]) -> int:
        """Print their lines; of two twins the one that comes first."""
        shown = [event for event in events if self._twins or self._is_first(event)]
        self.folded += len(events) - len(shown)
        now = self._now or datetime.now(UTC)
        cells = [[self._cell(event, column.name, now) for column in self._columns] for event in shown]
        if self._layout is None and cells:
            self._layout = self._begun(cells)
        if self._layout is not None:
            chosen = [self._columns.index(column) for column in self._layout.columns]
            for line in cells:
                _print(self._layout.line([line[number] for number in chosen]))
        return len(shown)

    def _begun(self, cells: Sequence[Sequence[Cell]]) -> Layout:
        seen: list[list[str]] = [[] for _ in self._columns]
        if not self._live:
            seen = [[line[number].text for line in cells] for number in range(len(self._columns))]
        if not out.is_terminal:
            # Nothing is cut for who reads a pipe, and whoever counts lines counts events.
            return fitted(self._columns, seen, None)
        layout = fitted(self._columns, seen, out.width)
        _print(layout.header())
        return layout

    def _is_first(self, event: Row) -> bool:
        if event.twin in self._printed or event.twin_of in self._printed:
            return False
        self._printed[event.id] = None
        if len(self._printed) > _REMEMBERED:
            del self._printed[next(iter(self._printed))]
        return True

    def _cell(self, event: Row, name: str, now: datetime) -> Cell:
        if name == "time":
            return Cell(moment(event.at, self._clock, now))
        if name == "failed":
            return Cell("x" if event.failed else "")
        text = visible(rows.text(event, name))
        return Cell(text, style_of(event), note_of(event)) if name == "message" else Cell(text)


def style_of(event: Row) -> str:
    """How the sentence of an event looks: by its severity."""
    return _STYLES.get(event.severity, "")


def note_of(event: Row) -> str:
    """What is to be known of an event beside its sentence."""
    notes = [f"version {event.version} of {event.versions}"] if event.versions > 1 else []
    if event.twin_of is not None or event.twin is not None:
        notes.append("in two logs")
    return f"({', '.join(notes)})" if notes else ""


class CsvLines:
    """CSV (RFC 4180, with line feeds) that a spreadsheet shows as it is."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._begun = False
        self.folded = 0

    def show(self, events: Sequence[Row]) -> int:
        """Print their lines, the header before the first."""
        if not self._begun:
            self._begun = True
            self._writer.writerow(self._names)
        for event in events:
            self._writer.writerow([cell(rows.text(event, name)) for name in self._names])
        return len(events)


class JsonLines:
    """One JSON object a line. `names`: only these fields; None is the whole event."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names
        self.folded = 0

    def show(self, events: Sequence[Row]) -> int:
        """Print them."""
        for event in events:
            whole: Mapping[str, Any] = (
                event.json() if self._names is None else {name: rows.value(event, name) for name in self._names}
            )
            out.out(json_line(whole), highlight=False)
        return len(events)


def moment(at: datetime | None, clock: Clock, now: datetime) -> str:
    """A time as a table shows it."""
    if at is None:
        return "undated"
    if clock is Clock.RELATIVE:
        return ago(at, now)
    return f"{at.astimezone() if clock is Clock.LOCAL else at:%Y-%m-%d %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """`5 min ago`, `3 h ago`, `12 d ago`; `in 3 h` of what lies ahead."""
    distance = abs(now - at)
    if distance < _MINUTE:
        text = f"{distance.seconds} s"
    elif distance < _HOUR:
        text = f"{distance // _MINUTE} min"
    elif distance < 2 * _DAY:
        text = f"{distance // _HOUR} h"
    else:
        text = f"{distance // _DAY} d"
    return f"in {text}" if at > now else f"{text} ago"


def _print(line: Text) -> None:
    out.print(line, soft_wrap=True)

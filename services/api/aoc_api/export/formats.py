"""What an export is written in. One class a format, listed in `FORMATS`; Parquet has a module of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from aoc_api.export.parquet import ParquetRows
from aoc_common.contracts import rows
from aoc_common.contracts.event import full_event
from aoc_common.contracts.printable import cell
from aoc_common.contracts.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.event import StoredEvent


class Format(StrEnum):
    """The formats that there are."""

    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"
    PARQUET = "parquet"


class Writing(Protocol):
    """Writes events. The bytes of all calls, one after the other, are the file. Must be closed."""

    def begin(self) -> bytes:
        """What stands before the first event."""
        ...

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """These events. May hold some back, but never more than a bounded number of bytes.

        Raises `Permanent` when the format cannot have them.
        """
        ...

    def end(self) -> bytes:
        """What was held back, and what stands behind the last event."""
        ...

    def close(self) -> None:
        """Let go of everything, also in the middle."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A format. `make`: the writing of a file with these fields, or the usual ones.

    `raw`: whether it holds records' own text. `lines`: one event a line, so that a last line can tell how many.
    """

    media_type: str
    make: Callable[[Sequence[str] | None], Writing]
    raw: bool = False
    lines: bool = False
    fields: bool = True
    compressed: bool = False


class _Held:
    """A writing that holds nothing which must be let go of."""

    def close(self) -> None:
        """Nothing."""


class CsvRows(_Held):
    """CSV (RFC 4180, with line feeds) with a header; no cell is a formula to a spreadsheet."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names or rows.OF_CSV
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")

    def begin(self) -> bytes:
        """The header."""
        self._writer.writerow(self._names)
        return self._taken()

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """A line for each."""
        for row in map(Row.of_stored, events):
            self._writer.writerow([cell(rows.text(row, name)) for name in self._names])
        return self._taken()

    def end(self) -> bytes:
        """Nothing."""
        return b""

    def _taken(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


class JsonRows(_Held):
    """A JSON object a line: the event as `aoc search --json` prints it, or these fields of it."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """A line for each."""
        return b"".join(map(self._line, map(Row.of_stored, events)))

    def end(self) -> bytes:
        """Nothing."""
        return b""

    def _line(self, row: Row) -> bytes:
        whole = row.json() if self._names is None else {name: rows.value(row, name) for name in self._names}
        return orjson.dumps(whole, default=str, option=orjson.OPT_APPEND_NEWLINE)


class OcsfRows(_Held):
    """An OCSF event a line as it is on AOC_EVENTS: with `unmapped`, and the record's own text in `raw_data`.

    What people have tagged it with is in `metadata.labels`, which mappers leave alone.
    """

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """A line for each."""
        return b"".join(full_event(_labelled(event), event.unmapped, event.raw or "") + b"\n" for event in events)

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _labelled(event: StoredEvent) -> dict[str, Any]:
    """The OCSF event with its tags."""
    if not event.note_tags:
        return event.ocsf
    metadata = event.ocsf["metadata"]
    labels = [*dict.fromkeys([*metadata.get("labels", ()), *event.note_tags])]
    return event.ocsf | {"metadata": metadata | {"labels": labels}}


FORMATS: Final[Mapping[Format, Kind]] = {
    Format.CSV: Kind("text/csv; charset=utf-8", CsvRows),
    Format.JSONL: Kind("application/x-ndjson", JsonRows, lines=True),
    Format.OCSF: Kind("application/x-ndjson", lambda _names: OcsfRows(), raw=True, lines=True, fields=False),
    Format.PARQUET: Kind("application/vnd.apache.parquet", ParquetRows, compressed=True),
}

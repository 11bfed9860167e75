"""CSV in the dialects of those who save it: what parts the cells, where the header is, what the rows hold.

Not `csv.Sniffer`: cells that hold JSON make it take a quote, a colon or a letter for what parts them. A table is known
by its header, so the delimiter is the one that makes a known header of the first line.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, Final, Self

from aoc_cli.importing import kinds
from aoc_cli.importing.kinds import NoLogError
from aoc_normalizer.mappers.envelopes.tables import recognise_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Tried in this order where the file does not say; `sep=` in its first line does.
_DELIMITERS: Final = (",", ";", "\t", "|")
_SAYS: Final = "sep="
#: Lines before the header: `sep=;`, `#TYPE` of PowerShell's Export-Csv, blank ones.
_BEFORE: Final = 20
_OTHERWISE: Final = "leave JSON alone in it, without what stands before, or export it as JSON or CSV"
#: Columns whose text is a record.
CARRIERS: Final = frozenset({"_raw", "event.original"})
_AUDIT_DATA: Final = "auditdata"
_MAX_FIELD: Final = 32 << 20
#: Characters of a line: a row's largest field, and room for the others.
MAX_LINE: Final = 48 << 20
_SHOWN: Final = 8
#: Columns that make a single line the header of a table.
_SURELY: Final = 4
#: Characters of a text that are looked through for records, before it is taken for a note; and those of a part.
_LOOKED_THROUGH: Final = 16 << 20
_PART: Final = 1 << 20
_SEAM: Final = 64

csv.field_size_limit(_MAX_FIELD)


class Content(Enum):
    """What the rows of a table are."""

    AUDIT_DATA = auto()
    """Rows of the unified log's exports, with the record in a column."""
    CARRIER = auto()
    """Rows of a store's export, with the record in a column."""
    RECORDS = auto()
    """Records: of a table that a mapper knows."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the line that it begins on. `broken`: why it is none."""

    line: int
    cells: list[str]
    broken: str | None = None


@dataclass(slots=True)
class Table:
    """A table whose header was read. `whole_lines`: one cell holds the line, as when Excel has quoted it once more."""

    header: list[str]
    content: Content
    delimiter: str
    whole_lines: bool
    _lines: Lines

    def rows(self) -> Iterator[Row]:
        """The rows, without blank ones. A row that is broken, or of another width than the header, is told."""
        reader = csv.reader(self._lines, delimiter=self.delimiter)
        before = self._lines.number
        while True:
            line = before + reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(line, [], f"not CSV: {error}")
                continue
            if cells is None:
                return
            if self.whole_lines and len(cells) == 1:
                cells = _cells(cells[0], self.delimiter)
            if any(cells):
                yield Row(line, cells, self._width_fault(cells))

    def _width_fault(self, cells: Sequence[str]) -> str | None:
        if any(cells[len(self.header) :]):
            return f"the row has {len(cells)} columns, the header {len(self.header)}"
        return None


class Lines:
    """The lines of a text, counted. A file without an end of line, such as a sparse one, must not be one string."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.number = 0
        self._text = text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next line. Raises `csv.Error` for one that is too long, and goes on after it."""
        line = self._text.readline(MAX_LINE)
        if len(line) < MAX_LINE or line.endswith("\n"):
            if not line:
                raise StopIteration
            return line
        while line and not line.endswith("\n"):
            line = self._text.readline(MAX_LINE)
        raise csv.Error(f"a line longer than {MAX_LINE >> 20} million characters")

    def hold_records(self, before: str) -> bool:
        """Whether there are records in what was read `before`, or in what comes."""
        for _ in range(_LOOKED_THROUGH // _PART):
            part = before + self._text.read(_PART)
            if kinds.holds_records(part):
                return True
            if len(part) == len(before):
                break
            before = part[-_SEAM:]  # a name may stand where two parts meet
        return False


def read_table(stream: IO[bytes]) -> Table:
    """The table in a text of UTF-8. Raises `NoLogError` that says what its first line has, for what is none of ours."""
    lines = Lines(io.TextIOWrapper(stream, "utf-8", errors="replace", newline=""))
    try:
        line, declared = _first_line(lines)
    except csv.Error as error:
        raise NoLogError(f"neither JSON nor CSV ({error})") from None
    widest: list[str] = []
    comma = _DELIMITERS[0]
    for delimiter in (declared,) if declared else _DELIMITERS:
        header = _cells(line, delimiter)
        whole = len(header) == 1 and delimiter in header[0]
        if whole:
            header = _cells(header[0], delimiter)
        if (content := _content(header)) is not None:
            return Table([name.lstrip("\ufeff") for name in header], content, delimiter, whole, lines)
        if len(header) > len(widest):
            widest, comma = header, delimiter
    following = next(lines, "")
    refusal = _refusal(line, widest, _cells(following, comma))
    if refusal.harmless and lines.hold_records(line + following):
        raise NoLogError(f"text with records in it, in a form that is not read: {_OTHERWISE} ({refusal})")
    raise refusal


def _first_line(lines: Lines) -> tuple[str, str | None]:
    """The line of the header, and the delimiter that a line before it names."""
    declared = None
    for _ in range(_BEFORE):
        line = next(lines, "")
        lines.number += 1
        text = line.strip().strip('"')
        if text[: len(_SAYS)].lower() == _SAYS and len(text) <= len(_SAYS) + 1:
            # A tab is stripped with the end of the line.
            declared = text[len(_SAYS) :] or "\t"
        elif line == "" or (text and not text.startswith("#TYPE")):
            return line, declared
    return "", declared


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _content(header: Sequence[str]) -> Content | None:
    names = {name.strip("\ufeff \t").casefold() for name in header}
    if _AUDIT_DATA in names:
        return Content.AUDIT_DATA
    if not CARRIERS.isdisjoint(names):
        return Content.CARRIER
    return Content.RECORDS if recognise_table(header) is not None else None


def _refusal(line: str, header: Sequence[str], row: Sequence[str]) -> NoLogError:
    """Why a text is no table of ours. `row`: the cells of its second line."""
    if not kinds.is_text([line]):
        return NoLogError("neither JSON nor CSV: it is no text", harmless=True)
    # Prose has commas, too, but not as many in each line.
    if len(header) > 1 and (len(row) == len(header) or (not row and len(header) >= _SURELY)):
        shown = ", ".join(header[:_SHOWN])[:160] + (", ..." if len(header) > _SHOWN else "")
        return NoLogError(f"neither JSON nor a CSV with a column AuditData or of a table that is known here: {shown!r}")
    shown = line.strip()[:80]
    return NoLogError(f"text, neither JSON nor CSV, and no audit log (its first line: {shown!r})", harmless=True)

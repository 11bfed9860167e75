"""CSV in the dialects of those who save it: what parts the cells, where the header is, what the rows hold.

Not `csv.Sniffer`: cells that hold JSON make it take a quote, a colon or a letter for what parts them. A table is known
by its header, so the delimiter is the one that makes a known header of the first line.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Self

from aoc_cli.importing import dialects, kinds
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.unread_tables import why_unread
from aoc_normalizer.fields import values
from aoc_normalizer.mappers.envelopes.tables import recognise_table
from aoc_normalizer.reading import containers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Tried in this order where the file does not say; `sep=` in its first line does.
_DELIMITERS: Final = (",", ";", "\t", "|")
_SAYS: Final = "sep="
#: Lines before the header: `sep=;`, `#TYPE` of PowerShell's Export-Csv, blank ones.
_BEFORE: Final = 20
#: Columns whose text is a record.
CARRIERS: Final = frozenset({"_raw", "event.original"})
#: What columns begin with that make up a record together.
_OF_ELASTIC: Final = (
    "o365.audit.",
    "azure.signinlogs.",
    "azure.auditlogs.",
    "azure.activitylogs.",
    "azure.graphactivitylogs.",
)
_AUDIT_DATA: Final = "auditdata"
_MAX_FIELD: Final = 32 << 20
#: Characters of a line: a row's largest field, and room for the others.
MAX_LINE: Final = 48 << 20
_SHOWN: Final = 8
#: Columns that make a single line the header of a table.
_SURELY: Final = 4
#: Characters that are read of a text that is no table.
_PART: Final = 1 << 20
_DIGIT: Final = re.compile(r"\d")

csv.field_size_limit(_MAX_FIELD)


class Content(Enum):
    """What the rows of a table are."""

    AUDIT_DATA = auto()
    """Rows of the unified log's exports, with the record in a column."""
    CARRIER = auto()
    """Rows of a store's export, with the record in a column."""
    TEXT = auto()
    """Rows of whatever keeps logs, with the record as the text of a column (`Header.carrier`)."""
    RECORDS = auto()
    """Records: of a table that a mapper knows."""


class Header(NamedTuple):
    """The columns of the rows below it, and what these are. `folded`: their names without regard to case.

    `carrier`: of rows of `Content.TEXT` the column that holds the record.
    """

    names: list[str]
    content: Content
    folded: frozenset[str]
    carrier: int = -1


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the line that it begins on. `broken`: why it is none of the header's; `text`: what then stands there.

    `ends_inside`: the file ends before the row does.
    """

    line: int
    cells: list[str]
    header: Header
    broken: str | None = None
    text: str = ""
    ends_inside: bool = False

    @property
    def fault(self) -> str | None:
        """Why it is no whole row."""
        return "the file ends inside it" if self.ends_inside else self.broken


@dataclass(slots=True)
class Table:
    """A table whose header was read. `whole_lines`: one cell holds the line, as when Excel has quoted it once more."""

    header: Header
    delimiter: str
    whole_lines: bool
    _lines: Lines
    _narrowest: int = 0

    def rows(self) -> Iterator[Row]:
        """The rows, without blank ones and headers. One that is broken, or wider than the header, is told."""
        reader = csv.reader(self._lines, delimiter=self.delimiter)
        before = self._lines.number
        while True:
            line = before + reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(line, [], self.header, f"not CSV: {error}", self._lines.taken())
                continue
            text = self._lines.taken()
            if cells is None:
                return
            if self.whole_lines and len(cells) == 1:
                cells = _cells(cells[0], self.delimiter)
            if any(cells) and not self._is_header(cells) and not _is_rule(cells):
                yield self._row(line, cells, text)

    def _is_header(self, cells: list[str]) -> bool:
        """Whether a row is a header again: files were put one behind the other. What follows is read by it."""
        if cells[0].strip().casefold() not in self.header.folded and any(map(_DIGIT.search, cells)):
            return False
        if cells == self.header.names:
            return True
        content = _content(cells)
        if content is not None:
            self.header = _header(cells, content)
        return content is not None

    def _row(self, line: int, cells: list[str], text: str) -> Row:
        width = len(self.header.names)
        narrow = len(cells) < (self._narrowest or width)
        self._narrowest = min(len(cells), self._narrowest or width)
        if self._lines.ended and (self._lines.in_row or narrow):
            return Row(line, cells, self.header, ends_inside=True)
        if not any(cells[width:]):
            return Row(line, cells, self.header)
        if (otherwise := dialects.otherwise(text, self.delimiter, width)) is not None:
            return Row(line, otherwise, self.header)
        return Row(line, cells, self.header, f"the row has {len(cells)} columns, the header {width}", text)


class Lines:
    """The lines of a text, counted. A file without an end of line, such as a sparse one, must not be one string."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.number = 0
        #: Whether the text was read to its end, and its last line had none; whether a row went on there.
        self.ended = self.in_row = False
        self._text = text
        self._taken: list[str] = []
        self._again: str | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next line. Raises `csv.Error` for one that is too long, and goes on after it."""
        if (again := self._again) is not None:
            self._again = None
            self._taken.append(again)
            return again
        line = self._text.readline(MAX_LINE)
        if len(line) < MAX_LINE or line.endswith("\n"):
            if not line:
                self.ended, self.in_row = True, bool(self._taken)
                raise StopIteration
            self.ended = not line.endswith(("\n", "\r"))
            # Where files with a byte order mark were put one behind the other, it stands before a line.
            line = line.removeprefix("\ufeff")
            self._taken.append(line)
            return line
        while line and not line.endswith("\n"):
            line = self._text.readline(MAX_LINE)
        raise csv.Error(f"a line longer than {MAX_LINE >> 20} million characters")

    def put_back(self, line: str) -> None:
        """Give the line that was read last once more."""
        self._taken.clear()
        self._again = line

    def taken(self) -> str:
        """The lines that were read since this was asked last."""
        text = self._taken[0] if len(self._taken) == 1 else "".join(self._taken)
        self._taken.clear()
        return text

    def part(self) -> str:
        """The next characters, wherever lines end; empty at the end."""
        return self._text.read(_PART)


@dataclass(frozen=True, slots=True)
class UnreadableText:
    """A text that is no table of ours. `refusal`: why; `begin`: what was read of it; `lines`: what comes."""

    refusal: NoLogError
    begin: str
    lines: Lines


def read_table(stream: IO[bytes]) -> Table | UnreadableText:
    """The table in a text of UTF-8, or why it is none of ours. Raises `NoLogError` for what is no text."""
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
            lines.taken()
            return Table(_header(header, content), delimiter, whole, lines)
        if len(header) > len(widest):
            widest, comma = header, delimiter
    following = next(lines, "")
    if (column := _carrier(_cells(following, comma), len(widest))) is not None:
        lines.put_back(following)
        folded = _header(widest, Content.TEXT).folded
        return Table(Header(widest, Content.TEXT, folded, column), comma, False, lines)
    return UnreadableText(_refusal(line, widest, _cells(following, comma)), lines.taken(), lines)


def _carrier(row: Sequence[str], width: int) -> int | None:
    """The column of a first row whose text is a record that a mapper knows, or holds one."""
    for column, cell in enumerate(row[:width]):
        text = cell.strip()
        inside = values.decoded(text) if text.startswith("{") else None
        if isinstance(inside, dict) and containers.is_known(inside, text.encode()):
            return column
    return None


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


def _header(names: list[str], content: Content) -> Header:
    return Header(names, content, frozenset(name.strip().casefold() for name in names))


def _is_rule(cells: Sequence[str]) -> bool:
    """Whether it is the line of dashes that PowerShell's Format-Table puts below a header."""
    return all(not cell.strip(" -") for cell in cells)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _content(header: Sequence[str]) -> Content | None:
    names = {name.strip("\ufeff \t").casefold() for name in header}
    if _AUDIT_DATA in names:
        return Content.AUDIT_DATA
    if not CARRIERS.isdisjoint(names) or any(name.startswith(_OF_ELASTIC) for name in names):
        return Content.CARRIER
    return Content.RECORDS if recognise_table(header) is not None else None


def _refusal(line: str, header: Sequence[str], row: Sequence[str]) -> NoLogError:
    """Why a text is no table of ours. `row`: the cells of its second line."""
    if not kinds.is_text([line]):
        return NoLogError("neither JSON nor CSV: it is no text", harmless=True)
    # Prose has commas, too, but not as many in each line.
    if len(header) > 1 and (len(row) == len(header) or (not row and len(header) >= _SURELY)):
        why = why_unread(header) or "neither JSON nor a CSV with a column AuditData or of a table that is known here"
        return NoLogError(f"{why}: {_shown(header)}")
    shown = line.strip()[:80]
    return NoLogError(f"text, neither JSON nor CSV, and no audit log (its first line: {shown!r})", harmless=True)


def _shown(header: Sequence[str]) -> str:
    return repr(", ".join(header[:_SHOWN])[:160] + (", ..." if len(header) > _SHOWN else ""))

"""A table of rows that fits the terminal: which columns there is room for, and how wide each is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP: Final = 2
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
#: The narrowest that a column can be and still tell something.
_LEAST: Final = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A column: between `least` and `most` characters wide.

    `rank`: where there is no room, columns are left out, the highest rank first, none of rank 0; one that would leave
    less than `leaves` to the column of the rest has no room. `rest`: takes what the others leave.
    """

    name: str
    heading: str
    least: int
    most: int
    rank: int = 0
    leaves: int = 0
    rest: bool = False
    style: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column, in its style; a `note` follows it, is dim, and is not cut before the text is."""

    text: str
    style: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns for which there is room, with their widths. Of unlimited width: nothing is cut."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    limited: bool

    def header(self) -> Text:
        """The line of headings."""
        return self.line([Cell(column.heading, "dim") for column in self.columns])

    def line(self, cells: Sequence[Cell]) -> Text:
        """A row's line; one cell for each of `columns`. Texts must be visible (`terminal.visible`)."""
        line = Text()
        last = len(self.columns) - 1
        for number, (column, width, cell) in enumerate(zip(self.columns, self.widths, cells, strict=True)):
            note = f" {cell.note}" if cell.note else ""
            room = max(width - cell_len(note), _LEAST) if self.limited else None
            text = cell.text if room is None else cut(cell.text, room)
            line.append(text, column.style if cell.style is None else cell.style)
            line.append(note if room is None else cut(note, width - cell_len(text)), "dim")
            if number != last:
                line.append(" " * (max(width - cell_len(text + note), 0) + _GAP))
        return line


def cut(text: str, width: int) -> str:
    """`text`, at most so many characters wide on a terminal; what was cut shows."""
    if width <= 0:
        return ""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + _ELLIPSIS


def fitted(columns: Sequence[Column], seen: Sequence[Sequence[str]], width: int | None) -> Layout:
    """The layout for cells such as these (`seen`: of each column). `width`: of the terminal; None is unlimited."""
    sized = [
        (column, min(column.most, max(column.least, cell_len(column.heading), *map(cell_len, cells), 0)))
        for column, cells in zip(columns, seen, strict=True)
        if not column.rank or any(cells) or not cells
    ]
    if width is None:
        return Layout(tuple(column for column, _ in sized), tuple(size for _, size in sized), limited=False)
    for candidate in sorted((column for column, _ in sized if column.rank), key=lambda column: -column.rank):
        if _needed(sized, candidate.leaves) <= width:
            continue
        narrow = [(column, column.least if column is candidate else size) for column, size in sized]
        fits = _needed(narrow, candidate.leaves) <= width
        sized = narrow if fits else [(column, size) for column, size in sized if column is not candidate]
    return _filled(sized, width)


def _needed(sized: Iterable[tuple[Column, int]], rest: int) -> int:
    """The width of a line that leaves so much to the column of the rest."""
    widths = [rest if column.rest else size for column, size in sized]
    return sum(widths) + _GAP * (len(widths) - 1)


def _filled(sized: Sequence[tuple[Column, int]], width: int) -> Layout:
    """Give the rest to its column; where even that is too much, take from the widest."""
    widths = [min(column.least, size) if column.rest else size for column, size in sized]
    room = width - sum(widths) - _GAP * (len(widths) - 1)
    for number, (column, _) in enumerate(sized):
        if column.rest and room > 0:
            widths[number] += room
            room = 0
    while room < 0 and max(widths, default=0) > _LEAST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
        room += 1
    return Layout(tuple(column for column, _ in sized), tuple(widths), limited=True)


def of_fields(names: Sequence[str]) -> tuple[Column, ...]:
    """Columns for fields that somebody asked for: none of them is left out, the last takes the rest."""
    made = [Column(name, name, min(_LEAST, len(name)), 60) for name in names]
    return (*made[:-1], replace(made[-1], rest=True, most=10_000))

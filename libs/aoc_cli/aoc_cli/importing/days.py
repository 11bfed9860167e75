"""Which number of a day is the month, in a table whose times were written in the way of somebody's country.

`05/11/2026 10:00` is in May or in November. `25/11/2026` in the same column tells; so rows are held back until one
does, or until they are too many. What nothing tells is read with the month first, as Microsoft's tools write it, and
is a doubt that is reported.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aoc_cli.importing.items import Ambiguity
from aoc_normalizer.fields import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aoc_cli.importing.tables import Row

#: Rows, and characters of them, that are held back.
_ROWS: Final = 20_000
_CHARACTERS: Final = 16 << 20
_DECEMBER: Final = 12
_OTHERWISE: Final = "--dates day-first or --dates month-first decides"


class DateOrder(StrEnum):
    """What a user says of local times."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


def is_day_first(dates: DateOrder | None) -> bool | None:
    """Whether they begin with the day, if that is said."""
    return None if dates is None else dates is DateOrder.DAY_FIRST


class Days:
    """What the times of a table tell about their order. `columns`: where they are; `day_first`: what the user says.

    `day_first` is known of each row that `settled` has passed on.
    """

    def __init__(self, columns: Sequence[int], day_first: bool | None) -> None:
        self.day_first = bool(day_first)
        self._columns = columns
        self._chosen = day_first is not None
        #: The first time of each kind, with its line: that begins with the day, with the month, and that may either.
        self._day: tuple[int, str] | None = None
        self._month: tuple[int, str] | None = None
        self._open: tuple[int, str] | None = None
        self._habit = True

    def settled(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each once its order is known, or has to be assumed."""
        held: list[Row] = []
        size = 0
        waiting = bool(self._columns) and not self._chosen
        for row in rows:
            self._look(row)
            if not (waiting and self._open):
                yield row
                continue
            held.append(row)
            size += sum(map(len, row.cells))
            if self._day or self._month or len(held) >= _ROWS or size >= _CHARACTERS:
                waiting, self.day_first = False, self._is_day_first()
                yield from held
                held = []
        if waiting:
            self.day_first = self._is_day_first()
        yield from held

    def is_open(self, row: Row) -> bool:
        """Whether a row has a time that alone does not tell."""
        return any(times.open_day(row.cells[column]) is not None for column in self._columns if column < len(row.cells))

    def doubt(self) -> Ambiguity | None:
        """What is left in doubt when all rows are read."""
        if self._open is None or self._chosen:
            return None
        line, text = self._open
        read = f"{text!r} was read with the {'day' if self.day_first else 'month'} first; {_OTHERWISE}"
        if self._day and self._month:
            return Ambiguity(
                line, f"{self._day[1]!r} begins with the day, and {self._month[1]!r} with the month: {read}"
            )
        if self._day and not self.day_first:
            return Ambiguity(self._day[0], f"{self._day[1]!r} begins with the day, but comes too late to tell: {read}")
        if self._day or self._month or self._habit:
            return None
        return Ambiguity(line, f"nothing tells which number is the month: {read}")

    def _is_day_first(self) -> bool:
        """As the first time says that says something."""
        if self._day is None or self._month is None:
            return self._day is not None
        return self._day < self._month

    def _look(self, row: Row) -> None:
        for column in self._columns:
            if column >= len(row.cells) or (found := times.open_day(row.cells[column])) is None:
                continue
            first, second, habit = found
            seen = (row.line, row.cells[column])
            if first > _DECEMBER >= second:
                self._day = self._day or seen
            elif second > _DECEMBER >= first:
                self._month = self._month or seen
            elif first != second:
                self._open = self._open or seen
                self._habit = self._habit and habit

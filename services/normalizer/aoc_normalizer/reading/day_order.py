"""Times of a row that begin with the day, where their own text does not tell: `05/11/2026 10:00`.

Excel and PowerShell write times as their user's country does. One row may not tell the day from the month, but the
table that it stands in does: a reader of the whole table puts `MARK` into each row whose times begin with the day, and
the row stays otherwise as it was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import times
from aoc_normalizer.mappers.envelopes.tables.columns import column_key

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The name of a member of a row, and its value, that say so.
MARK: Final = "aoc:times"
DAY_FIRST: Final = "day first"
#: What names of columns have in them whose values are times. Who writes texts for records does not choose these.
_OF_TIMES: Final = ("time", "date", "received")


def is_of_times(column: str) -> bool:
    """Whether a column of this name tells times."""
    key = column_key(column)
    return any(word in key for word in _OF_TIMES)


def applied(row: Mapping[str, Any]) -> dict[str, Any]:
    """A marked row with its times in the order that `times` reads without being told, and without the mark."""
    return {name: _month_first(value) if is_of_times(name) else value for name, value in row.items() if name != MARK}


def _month_first(value: Any) -> Any:
    if times.open_day(value) is None:
        return value
    day, month, rest = value.strip().split("/", 2)
    return f"{month}/{day}/{rest}"

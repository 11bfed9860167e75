"""How a table is described, and how a row becomes the record that its mapper reads.

A table is a list of columns, each with the place of its value in Microsoft's own record (`status.errorCode`). Columns
are compared by their `column_key`, so one description serves a portal's `Sign-in error code`, an extractor's
`status_errorCode` and PowerShell's `Status.ErrorCode`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Mapper, Record

#: What portals add to a column of times. All of these tables tell times in UTC.
_ZONES: Final = ("[utc]", "(utc)")
_WORD_JOINER: Final = "."
#: The last step to where a whole object, or a word in its place, is put: others have its parts in columns of their own.
WHOLE: Final = "*"
#: Columns of a table; Microsoft's widest (advanced hunting's) have some 120.
MAX_COLUMNS: Final = 1000

type Columns = frozenset[str]


def column_key(column: str) -> str:
    """A column as it is compared: its letters and digits in lower case, without the zone of a time.

    `Date (UTC)` is `date`, `Application ID ` is `applicationid`, `status.errorCode` is `statuserrorcode`. A leading
    underscore stays: `_ResourceId` is Log Analytics' own column, beside `ResourceId`.
    """
    name = column.strip().casefold()
    for zone in _ZONES:
        name = name.removesuffix(zone)
    letters = "".join(filter(str.isalnum, name))
    return f"_{letters}" if name.startswith("_") else letters


def paths(*listed: str, **renamed: str) -> dict[str, str]:
    """Column keys and places of a record's own properties (`listed`), and of columns with names of their own."""
    return {column_key(path): path for text in listed for path in text.split()} | renamed


def no_place(_key: str) -> str | None:
    """The place of a numbered column, in a table that has none."""
    return None


def as_it_is(record: Record) -> Record:
    """The record of a row whose columns are all in their places."""
    return record


def nothing_more(_record: Record, _draft: Draft) -> None:
    """What a row says that its record has no place for, where there is no such thing."""


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table.

    `needs`: of each of these groups a header has at least one column; `lacks`: columns that tell another table.
    `places`: column key -> place in the record. `numbered`: the place of a column that is one of many (`target2type`).
    `record`: the record of what was put in its places. `more`: adds what only the row says to the draft. `accepts`:
    whether such a record is one, where a header alone does not tell. `inside`: a record with fields of its own is in a
    cell.
    """

    name: str
    needs: tuple[Columns, ...]
    places: Mapping[str, str]
    mapper: Mapper
    lacks: Columns = frozenset()
    numbered: Callable[[str], str | None] = no_place
    record: Callable[[Record], Record] = as_it_is
    more: Callable[[Record, Draft], None] = nothing_more
    accepts: Callable[[Record], bool] | None = None
    inside: bool = False

    def has(self, keys: Columns) -> bool:
        """Whether a header with these column keys is one of this kind."""
        return self.lacks.isdisjoint(keys) and not any(group.isdisjoint(keys) for group in self.needs)

    def place(self, key: str) -> str | None:
        """Where the value of a column belongs."""
        return self.places.get(key) or self.numbered(key)


@dataclass(frozen=True, slots=True)
class Plan:
    """A header read with a table: each column that has a place, with the steps to it."""

    table: Table
    steps: Mapping[str, tuple[str, ...]] = field(repr=False)

    def rewrites(self, row: Record) -> bool:
        """Whether a row is another record than what is made of it.

        A column is not in its place, or has a text where Microsoft's record has an object.
        """
        return any(
            place != (column,) and (place != (column, WHOLE) or (isinstance(row[column], str) and row[column] != ""))
            for column, place in self.steps.items()
        )

    def placed(self, row: Record) -> Record:
        """What a row says, in its places. Of several columns for one place the first that says something counts."""
        made: Record = {}
        for column, (*outer, last) in self.steps.items():
            value = row[column]
            if value is None or value == "":
                continue
            where: Any = made
            for step in outer:
                inner = where.setdefault(step, {})
                if not isinstance(inner, dict):  # the whole stands there already, in a column of its own
                    break
                where = inner
            else:
                where.setdefault(last, value)
        return made


def needs(*groups: str) -> tuple[Columns, ...]:
    """Groups of column keys, each as words."""
    return tuple(frozenset(group.split()) for group in groups)


def plan_of(header: Iterable[str], tables: Iterable[Table]) -> Plan | None:
    """How to read a header, with the first table that it is one of."""
    columns = list(dict.fromkeys(header))
    if len(columns) > MAX_COLUMNS:
        return None
    keyed = {column: column_key(column) for column in columns}
    keys = frozenset(keyed.values())
    table = next((table for table in tables if table.has(keys)), None)
    if table is None:
        return None
    places = {column: place for column, key in keyed.items() if (place := table.place(key)) is not None}
    return Plan(table, {column: tuple(place.split(_WORD_JOINER)) for column, place in places.items()})

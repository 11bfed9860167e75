"""From the rows of a table to records."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import orjson

from aoc_cli.importing.audit_rows import AUDIT_DATA, audit_data, flattened, named
from aoc_cli.importing.days import Days
from aoc_cli.importing.items import Item, Record, Unreadable
from aoc_cli.importing.scan import Value
from aoc_cli.importing.tables import Content, Header, Row
from aoc_normalizer.fields import times
from aoc_normalizer.reading import containers, day_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aoc_cli.importing.tables import Table

_DAY_FIRST: Final = b',"%s":"%s"}' % (day_order.MARK.encode(), day_order.DAY_FIRST.encode())
#: A row with something in less than one of so many columns, and no time, is a total or a remark of who made the table.
_SPARSE: Final = 4

type Unwrap = Callable[[Value], Iterator[Item]]


def rows(table: Table, unwrap: Unwrap, *, day_first: bool | None = None) -> Iterator[Item]:
    """What the rows of a table hold. `unwrap`: the records in a JSON value. `day_first`: whether local times begin so.

    Files that were put one behind the other have a header each, which need not be the same.
    """
    for header, below in groupby(table.rows(), key=attrgetter("header")):
        if header.content is Content.AUDIT_DATA:
            yield from _audit_rows(named(header.names), below)
        elif header.content is Content.CARRIER:
            yield from _carriers(header.names, below, unwrap)
        elif header.content is Content.TEXT:
            yield from _texts(header, below, unwrap)
        else:
            yield from _records(header.names, below, day_first=day_first)


def _records(header: Sequence[str], below: Iterable[Row], *, day_first: bool | None) -> Iterator[Item]:
    """Rows that are records."""
    keys = containers.column_keys(_distinct(header))
    columns = [number for number, name in enumerate(header) if day_order.is_of_times(name)]
    days = Days(columns, day_first)
    for row in days.settled(below):
        data = _object(keys, row)
        if (fault := row.fault or _remark(row, columns, len(header))) is not None:
            yield Unreadable(row.line, fault, row.text.encode() if row.broken else data)
        else:
            if days.day_first and days.is_open(row):
                data = data[:-1] + _DAY_FIRST
            yield Record(row.line, data, flattened({}, data))
    if (doubt := days.doubt()) is not None:
        yield doubt


def _remark(row: Row, columns: Sequence[int], width: int) -> str | None:
    """Why a row is none of the records."""
    filled = sum(map(bool, row.cells))
    if not columns or filled * _SPARSE >= width:
        return None
    if any(times.parse_ms(row.cells[column]) is not None for column in columns if column < len(row.cells)):
        return None
    return f"something is in {filled} of {width} columns, and in none of them a time"


def _carriers(header: Sequence[str], below: Iterable[Row], unwrap: Unwrap) -> Iterator[Item]:
    """Rows with the record in one column."""
    keys = containers.column_keys(_distinct(header))
    for row in below:
        data = _object(keys, row)
        if row.fault is not None:
            yield Unreadable(row.line, row.fault, row.text.encode() if row.broken else data)
        else:
            yield from unwrap(Value(row.line, data))


def _texts(header: Header, below: Iterable[Row], unwrap: Unwrap) -> Iterator[Item]:
    """Rows with the record as the text of a column; what is around it is the store's own."""
    keys = containers.column_keys(_distinct(header.names))
    for row in below:
        text = row.cells[header.carrier].strip() if header.carrier < len(row.cells) else ""
        if row.fault is None and text:
            yield from unwrap(Value(row.line, text.encode()))
        else:
            fault = row.fault or "there is no record in the column that has the others"
            yield Unreadable(row.line, fault, row.text.encode() if row.broken else _object(keys, row))


def _audit_rows(header: Sequence[str], below: Iterable[Row]) -> Iterator[Item]:
    """Rows of the unified log's exports."""
    column = len(header) - 1 - header[::-1].index(AUDIT_DATA)
    keys = containers.column_keys(header)
    folded = [name.strip().casefold() for name in header if name.strip()]
    repeated = len(set(folded)) < len(folded)
    for row in below:
        data = _object(keys, row)
        whole = len(row.cells) > column
        parsed = {**dict(zip(header, row.cells, strict=False)), AUDIT_DATA: row.cells[column]} if whole else {}
        # The record may be whole in a row that is not, or be completed by the columns before it.
        if row.fault is not None and not (row.ends_inside and whole):
            yield Unreadable(row.line, row.fault, row.text.encode() if row.broken else data)
        elif not whole:
            yield Unreadable(row.line, f"the row has {len(row.cells)} of {len(header)} columns", data)
        else:
            yield audit_data(row.line, parsed, data, whole=repeated)


def _object(keys: Sequence[bytes], row: Row) -> bytes:
    return containers.row_object(keys, map(orjson.dumps, row.cells))


def _distinct(header: Sequence[str]) -> list[str]:
    """The columns of a table, a name's second with its number: Entra's portal has `Incoming token type` twice."""
    seen: Counter[str] = Counter()
    named = []
    for name in header:
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return named

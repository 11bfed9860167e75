"""Parquet: a column for each field, and the whole event as JSON text."""

from __future__ import annotations

import threading
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_api.export.encoder import Encoder
from aoc_common.contracts import rows
from aoc_common.contracts.rows import Row
from aoc_common.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.event import StoredEvent

#: Rows of a row group: readers skip groups, and each costs the writer some 30 KiB until the file has ended.
_MOST_ROWS: Final = 5_000
_LEAST_ROWS: Final = 500
#: Characters that a row group is aimed to have, by the largest of the first events.
_GROUP_AIM: Final = 16 << 20
#: Those that it has at most: what is compressed of it stays in memory until it is full.
_GROUP_LIMIT: Final = 128 << 20
#: The column of the whole event, without the record's own text, where no fields are named.
EVENT: Final = "event"
#: Fields that are not text.
_NUMBERS: Final = frozenset({"version", "versions"})
_LISTS: Final = frozenset({"tags", "targets", "note_tags"})
_TIME: Final = "time"


class ParquetRows:
    """A Parquet file, zstd inside: `time` is a timestamp in UTC, tags and targets are lists, all others text."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._arrow, self._write_parquet = _libraries()
        self._names = names or (*rows.OF_CSV, "tags")
        self._whole = names is None
        columns = (*self._names, *([EVENT] if self._whole else ()))
        self._types = {name: self._type(name) for name in columns}
        self._schema = self._arrow.Schema([self._arrow.Field(name, kind) for name, kind in self._types.items()])
        self._encoder: Encoder | None = None
        # Who closes does not wait for who writes, in another thread: none is begun after that.
        self._closing = threading.Lock()
        self._closed = False
        self._group_rows = _MOST_ROWS
        self._rows = 0
        self._characters = 0

    def begin(self) -> bytes:
        """Nothing: the magic number comes with the first events."""
        return b""

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """A row group, when one is full. Raises `Permanent` for one that would take too much memory."""
        made = [self._row(Row.of_stored(event)) for event in events]
        sizes = [sum(len(value) for value in row.values() if isinstance(value, str)) for row in made]
        encoder = self._encoder or self._begun(max(sizes))
        self._count(sizes)
        arrays = [self._array(name, [row[name] for row in made]) for name in self._types]
        return encoder.write(self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema))

    def end(self) -> bytes:
        """The last row group and the footer, without which the file cannot be read."""
        return (self._encoder or self._begun(1)).end()

    def close(self) -> None:
        """End the encoder in the middle, if it was not ended; also while another thread writes."""
        with self._closing:
            self._closed = True
        if self._encoder is not None:
            self._encoder.close()

    def _begun(self, largest: int) -> Encoder:
        self._group_rows = max(_LEAST_ROWS, min(_MOST_ROWS, _GROUP_AIM // max(1, largest)))
        options: Mapping[str, Any] = {
            "compression": "zstd(3)",
            "max_row_group_size": self._group_rows,
            "column_dictionary_enabled": {EVENT: False},  # no two are the same
        }
        with self._closing:
            if self._closed:
                raise RuntimeError("the file is closed")
            self._encoder = Encoder(self._arrow, self._write_parquet, self._schema, options)
            return self._encoder

    def _count(self, sizes: Sequence[int]) -> None:
        """Of the group that is being filled: its rows, and what they have."""
        for characters in sizes:
            if self._rows == self._group_rows:
                self._rows = self._characters = 0
            self._rows += 1
            self._characters += characters
            if self._characters > _GROUP_LIMIT:
                raise Permanent(
                    f"{self._rows} events one after the other have more than {_GROUP_LIMIT >> 20} MiB, which is too "
                    "much for a row group of Parquet; jsonl takes them"
                )

    def _row(self, row: Row) -> dict[str, Any]:
        """The values of an event as their columns have them: empty text is none."""
        made = {name: _value(row, name) for name in self._names}
        if self._whole:
            made[EVENT] = orjson.dumps(row.json(), default=str).decode()
        return made

    def _type(self, name: str) -> Any:
        types = self._arrow.DataType
        if name == _TIME:
            return types.timestamp("ms", tz="UTC")
        if name in _LISTS:
            return types.list(self._arrow.Field("item", types.utf8()))
        return types.int32() if name in _NUMBERS else types.utf8()

    def _array(self, name: str, values: Sequence[Any]) -> Any:
        types, array = self._arrow.DataType, self._arrow.Array
        if name == _TIME:
            return array(values, type=types.int64()).cast(self._types[name])
        if name in _LISTS:
            offsets = array([0, *accumulate(map(len, values))], type=types.int32())
            members = array([member for value in values for member in value], type=types.utf8())
            return self._arrow.list_array(offsets, members, type=self._types[name])
        return array(values, type=self._types[name])


def _value(row: Row, name: str) -> Any:
    if name == _TIME:
        return row.ocsf["time"] if row.at else None
    value = rows.value(row, name)
    if name in _LISTS or name in _NUMBERS:
        return value
    return rows.text(row, name) or None


def _libraries() -> tuple[Any, Any]:
    """arro3's, 11 MB of memory: taken by those gateways only that are asked for Parquet."""
    from arro3 import core
    from arro3.io import write_parquet

    return core, write_parquet

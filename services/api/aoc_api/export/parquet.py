"""Parquet: a column for each field, and the whole event as JSON text.

pyarrow is large (170 MB), so it is an extra of this package (`aoc-api[parquet]`), and imported when the first export
needs it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import rows
from aoc_common.contracts.rows import Row
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.event import StoredEvent

#: What a row group holds at most; readers skip groups, and none of them is made for a handful of rows.
_GROUP_ROWS: Final = 10_000
_GROUP_BYTES: Final = 8 << 20
#: The column of the whole event, without the record's own text, where no fields are named.
EVENT: Final = "event"
#: Fields that are not text.
_NUMBERS: Final = frozenset({"version", "versions"})
_LISTS: Final = frozenset({"tags", "targets"})
_TIME: Final = "time"


class ParquetRows:
    """A Parquet file, zstd inside: `time` is a timestamp in UTC, tags and targets are lists, all others text."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names or (*rows.OF_CSV, "tags")
        self._whole = names is None
        self._arrow, writer = _libraries()
        self._schema = self._arrow.schema(
            [(name, self._type(name)) for name in (*self._names, *([EVENT] if self._whole else ()))]
        )
        self._file = io.BytesIO()
        # A sink that is not seekable is written from its beginning to its end.
        sink = self._arrow.PythonFile(_Sink(self._file), "w")
        self._writer = writer.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[dict[str, Any]] = []
        self._bytes = 0

    def begin(self) -> bytes:
        """The magic number."""
        return self._taken()

    def events(self, events: Sequence[StoredEvent]) -> bytes:
        """A row group, when there are enough rows for one."""
        for event in events:
            row = Row.of_stored(event)
            values = {name: _value(row, name) for name in self._names}
            if self._whole:
                values[EVENT] = orjson.dumps(row.json(), default=str).decode()
            self._waiting.append(values)
            self._bytes += sum(len(value) for value in values.values() if isinstance(value, str))
            if len(self._waiting) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
                self._write()
        return self._taken()

    def end(self) -> bytes:
        """The last row group and the footer, without which the file cannot be read."""
        if self._waiting:
            self._write()
        self._writer.close()
        return self._taken()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._waiting, self._schema))
        self._waiting, self._bytes = [], 0

    def _type(self, name: str) -> Any:
        if name == _TIME:
            return self._arrow.timestamp("ms", "UTC")
        if name in _LISTS:
            return self._arrow.list_(self._arrow.string())
        return self._arrow.int32() if name in _NUMBERS else self._arrow.string()

    def _taken(self) -> bytes:
        data = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return data


class _Sink:
    """What pyarrow writes into. It counts for itself where it is, since what is written is taken away."""

    closed = False

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        """Take this."""
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """No more comes."""


def _value(row: Row, name: str) -> Any:
    """A value as its column has it: empty is none."""
    if name == _TIME:
        return row.at
    value = rows.value(row, name)
    if name in _LISTS or name in _NUMBERS:
        return value
    return rows.text(row, name) or None


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise BadConfiguration(
            "this gateway cannot write Parquet: pyarrow is not installed where it runs (pip install 'aoc-api[parquet]')"
        ) from None
    return pa, parquet

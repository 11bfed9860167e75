"""Parquet in the layout of Amazon Security Lake, in its bucket, or in a folder.

`ext/{source}/region={region}/accountId={account}/eventDay={YYYYMMDD}/{name}.zstd.parquet`: Security Lake wants one
source for each OCSF class, rows sorted by time, and the partition that their day is. pyarrow is large (170 MB), so it
is an extra of this package (`aoc-exporter[parquet]`), and imported when it is needed.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from pydantic import Field

from aoc_common.errors import BadConfiguration, Malformed
from aoc_exporter.delivery.naming import day, safe
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.columns import COLUMNS, List, shaped
from aoc_exporter.sinks.files import Files, marked_key
from aoc_exporter.stores.places import PlaceOptions, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_common.clock import Clock
    from aoc_exporter.framing.columns import Type
    from aoc_exporter.item import Item

_LIMITS: Final = Limits(items=10_000, batch_bytes=32_000_000, entry_bytes=4_000_000)
#: What says of a batch's entries whose they are. Bytes.
_LARGEST_MARKS: Final = 32_000_000


class SecurityLakeOptions(PlaceOptions):
    """The bucket of Security Lake, or a folder in its layout; `ext/` is made in it."""

    kind: Literal["security-lake"] = "security-lake"
    source: str = Field("aoc", pattern=r"^[A-Za-z0-9_-]{1,20}$", description="Beginning of the custom sources' names.")
    region: str = Field("eu-central-1", pattern=r"^[a-z0-9-]{1,32}$", description="Region of the bucket.")
    account: str = Field("external", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="AWS account that owns the source.")


def security_lake(options: SecurityLakeOptions, clock: Clock) -> Files:
    """The sink. Entries' own OCSF is written, whatever their format. Raises `BadConfiguration`."""
    return Files(Parquet(options), _LIMITS, store_of(options, clock), clock)


class Parquet:
    """The encoding. Raises `BadConfiguration` where pyarrow is missing."""

    suffix: Final = ".zstd.parquet"

    def __init__(self, options: SecurityLakeOptions) -> None:
        self._options = options
        self._arrow, self._parquet = _libraries()
        self._schema = self._arrow.schema([(name, _of(self._arrow, type_)) for name, type_ in COLUMNS.items()])

    def place(self, item: Item) -> tuple[str, ...]:
        """As the port says."""
        options = self._options
        return (
            "ext",
            safe(f"{options.source}_{item.entry.class_uid}"),
            f"region={options.region}",
            f"accountId={options.account}",
            f"eventDay={day(item).replace('-', '')}",
        )

    def line(self, item: Item) -> bytes:
        """As the port says."""
        try:
            return orjson.dumps(self.row(item), default=str) + b"\n"
        except Malformed as error:
            return f"{error}\n".encode()

    def row(self, item: Item) -> dict[str, Any]:
        """As the port says."""
        return shaped(item.entry.event, item.entry.mark(cut=item.cut))

    def packed(self, rows: Sequence[dict[str, Any]]) -> bytes:
        """As the port says."""
        file = io.BytesIO()
        table = self._arrow.Table.from_pylist(rows, self._schema)
        self._parquet.write_table(table, file, compression="zstd")
        return file.getvalue()

    def keys(self, content: bytes) -> Iterator[str]:
        """As the port says."""
        try:
            marks = _marks(self._parquet.ParquetFile(io.BytesIO(content)))
            yield from map(marked_key, map(orjson.loads, marks))
        except (self._arrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise Malformed(f"no file of entries: {type(error).__name__}") from None


def _marks(file: Any) -> list[str]:
    """The column `aoc`. Raises ValueError for a file that is not one group of rows, as large as a batch."""
    described = file.metadata
    if described.num_row_groups != 1 or described.num_rows > _LIMITS.items:
        raise ValueError("no batch")
    columns = [described.row_group(0).column(at) for at in range(described.num_columns)]
    if sum(column.total_uncompressed_size for column in columns if column.path_in_schema == "aoc") > _LARGEST_MARKS:
        raise ValueError("more than a batch holds")
    marks: list[str] = file.read(columns=["aoc"])["aoc"].to_pylist()
    return marks


def _of(arrow: Any, type_: Type) -> Any:
    """A column's type in pyarrow's words."""
    if isinstance(type_, List):
        return arrow.list_(_of(arrow, type_.of))
    if isinstance(type_, dict):
        return arrow.struct([(name, _of(arrow, inner)) for name, inner in type_.items()])
    return {"text": arrow.string(), "int": arrow.int32(), "long": arrow.int64(), "float": arrow.float64(),
            "bool": arrow.bool_()}[type_]  # fmt: skip


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise BadConfiguration(
            "a sink writes Parquet, and the exporter has no pyarrow where it runs (pip install 'aoc-exporter[parquet]')"
        ) from None
    return pa, parquet

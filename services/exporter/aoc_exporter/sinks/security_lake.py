"""Parquet in the layout of Amazon Security Lake, in a local folder (or one that is kept in step with a bucket).

`ext/{source}/region={region}/accountId={account}/eventDay={YYYYMMDD}/{name}.zstd.parquet`: Security Lake wants one
source for each OCSF class, rows sorted by time, and the partition that their day is. pyarrow is large (170 MB), so it
is an extra of this package (`aoc-exporter[parquet]`), and imported when it is needed.
"""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from pydantic import Field

from aoc_common.errors import BadConfiguration, Malformed, Unreachable
from aoc_common.outbound.refusals import said
from aoc_common.settings import Frozen
from aoc_exporter.delivery.files import write_whole
from aoc_exporter.delivery.naming import day, file_name, grouped, safe
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.columns import COLUMNS, List, shaped
from aoc_exporter.outcome import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_exporter.framing.columns import Type
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome


class SecurityLakeOptions(Frozen):
    """A folder in the layout of Security Lake."""

    kind: Literal["security-lake"] = "security-lake"
    path: Path = Field(description="The folder; `ext/` is made in it.")
    source: str = Field("aoc", pattern=r"^[A-Za-z0-9_-]{1,20}$", description="Beginning of the custom sources' names.")
    region: str = Field("eu-central-1", pattern=r"^[a-z0-9-]{1,32}$", description="Region of the bucket.")
    account: str = Field("external", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="AWS account that owns the source.")


class SecurityLake:
    """The sink. Raises `BadConfiguration` where pyarrow is missing."""

    idempotent: Final = True
    limits: Final = Limits(items=10_000, batch_bytes=32_000_000, entry_bytes=4_000_000)

    def __init__(self, options: SecurityLakeOptions) -> None:
        self._options = options
        self._arrow, self._parquet = _libraries()
        self._schema = self._arrow.schema([(name, _of(self._arrow, type_)) for name, type_ in COLUMNS.items()])

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. Repeats of a batch replace it. The entries' own OCSF is written, whatever their format."""
        rows: list[dict[str, Any] | Refused] = [_row(item) for item in items]
        fine = [(item, row) for item, row in zip(items, rows, strict=True) if not isinstance(row, Refused)]
        try:
            await asyncio.to_thread(self._write, [item for item, _ in fine], {item.key: row for item, row in fine})
        except OSError as error:
            raise Unreachable(said(f"security-lake: {os.strerror(error.errno or 0)}")) from None
        return [row if isinstance(row, Refused) else Accepted() for row in rows]

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return b"\n".join(orjson.dumps(_row(item), default=str) for item in items)

    async def close(self) -> None:
        """As the port says."""

    def _write(self, items: Sequence[Item], rows: Mapping[str, dict[str, Any]]) -> None:
        for (source, of_day), group in grouped(items, self._place):
            table = self._arrow.Table.from_pylist([rows[item.key] for item in group], self._schema)
            file = io.BytesIO()
            self._parquet.write_table(table, file, compression="zstd")
            path = (
                self._options.path / "ext" / source / f"region={self._options.region}"
                / f"accountId={self._options.account}" / f"eventDay={of_day}" / f"{file_name(group)}.zstd.parquet"
            )  # fmt: skip
            write_whole(path, file.getvalue())

    def _place(self, item: Item) -> tuple[str, str]:
        return safe(f"{self._options.source}_{item.entry.class_uid}"), day(item).replace("-", "")


def _row(item: Item) -> dict[str, Any] | Refused:
    try:
        return shaped(item.entry.event, item.entry.mark(cut=item.cut))
    except Malformed as error:
        return Refused(str(error))


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

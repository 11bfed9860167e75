"""NDJSON in zstd, in a folder or an object store: `{tenant}/{source}/{day}/{name}.ndjson.zst`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Literal

import orjson
import zstandard

from aoc_common.errors import Malformed
from aoc_exporter.delivery.naming import day, safe
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.ndjson import line
from aoc_exporter.sinks.files import Files, marked_key
from aoc_exporter.stores.places import PlaceOptions, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_common.clock import Clock
    from aoc_exporter.item import Item

_LIMITS: Final = Limits(items=10_000, batch_bytes=32_000_000, entry_bytes=16_000_000)
#: An entry with its marks, and the end of its line.
_LONGEST_ROW: Final = _LIMITS.entry_bytes + 1_000_000
_LEVEL: Final = 6


class FolderOptions(PlaceOptions):
    """A folder of this machine, or a place in an object store."""

    kind: Literal["folder"] = "folder"


def folder(options: FolderOptions, clock: Clock) -> Files:
    """The sink. Raises `BadConfiguration`."""
    return Files(Ndjson(), _LIMITS, store_of(options, clock), clock)


class Ndjson:
    """The encoding."""

    suffix: Final = ".ndjson.zst"

    def place(self, item: Item) -> tuple[str, str, str]:
        """As the port says."""
        return safe(item.entry.tenant), safe(item.entry.source), day(item)

    def line(self, item: Item) -> bytes:
        """As the port says."""
        return line(item)

    def row(self, item: Item) -> bytes:
        """As the port says."""
        return line(item)

    def packed(self, rows: Sequence[bytes]) -> bytes:
        """As the port says."""
        return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(b"".join(rows))

    def keys(self, content: bytes) -> Iterator[str]:
        """As the port says."""
        try:
            with zstandard.ZstdDecompressor().stream_reader(content) as unpacked:
                rows = io.BufferedReader(unpacked)
                while row := rows.readline(_LONGEST_ROW):
                    yield _key(row)
        except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
            raise Malformed(f"no file of entries: {type(error).__name__}") from None


def _key(row: bytes) -> str:
    if not row.endswith(b"\n"):
        raise ValueError("a line that is too long, or was written by half")
    return marked_key(orjson.loads(row)["aoc"])

"""A local folder, as NDJSON in zstd: `{tenant}/{source}/{day}/{name}.ndjson.zst`.

A file is there whole or not at all, and has its name of what is in it: a batch that is written again replaces itself.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import zstandard
from pydantic import Field

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import said
from aoc_common.settings import Frozen
from aoc_exporter.delivery.files import write_whole
from aoc_exporter.delivery.naming import day, file_name, grouped, safe
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.ndjson import body
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_LEVEL: Final = 6


class FolderOptions(Frozen):
    """A folder of this machine."""

    kind: Literal["folder"] = "folder"
    path: Path = Field(description="The folder.")


class Folder:
    """The sink."""

    idempotent: Final = True
    limits: Final = Limits(items=10_000, batch_bytes=32_000_000, entry_bytes=16_000_000)

    def __init__(self, options: FolderOptions) -> None:
        self._path = options.path

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. All files of the batch are on disk when it returns."""
        try:
            await asyncio.to_thread(self._write, items)
        except OSError as error:
            raise Unreachable(said(f"folder: {os.strerror(error.errno or 0)}")) from None
        return [Accepted()] * len(items)

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return body(items)

    async def close(self) -> None:
        """As the port says."""

    def _write(self, items: Sequence[Item]) -> None:
        packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        for (tenant, source, of_day), group in grouped(items, _place):
            path = self._path / tenant / source / of_day / f"{file_name(group)}.ndjson.zst"
            write_whole(path, packer.compress(body(group)))


def _place(item: Item) -> tuple[str, str, str]:
    return safe(item.entry.tenant), safe(item.entry.source), day(item)

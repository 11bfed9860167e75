"""An export as it is streamed: written, counted, hashed, compressed."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.errors import Permanent, Transient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_api.access.note import Note
    from aoc_api.export.encodings import Compressor
    from aoc_api.export.formats import Writing
    from aoc_common.contracts.event import StoredEvent

#: The only member of the last line of an export in lines.
TRAILER = "aoc_export"


class CutOff(Exception):  # noqa: N818  # what became of the file
    """It could not go on in the middle: what has been sent of the file cannot be taken back for a problem."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that was asked for. `trailer`: what its last line says beside counts and digest; None: it has none."""

    writing: Writing
    compressor: Compressor
    trailer: dict[str, Any] | None = None

    async def chunks(
        self, first: Sequence[StoredEvent], following: AsyncGenerator[Sequence[StoredEvent]], note: Note
    ) -> AsyncGenerator[bytes]:
        """The file, in parts that are not empty. `note` follows how many events it holds, and has its digest at last.

        The digest is that of the bytes before they are compressed, without the last line. Raises `CutOff`; the file
        has neither its end nor a last line then.
        """
        digest, size, rows = hashlib.sha256(), 0, 0
        async with aclosing(following):
            with closing(self.writing):
                data = self.writing.begin()
                while True:
                    digest.update(data)
                    size += len(data)
                    if compressed := self.compressor.compress(data):
                        yield compressed
                    if not first:
                        break
                    try:
                        # Events can be large: others are served while they are written.
                        data = await asyncio.to_thread(self.writing.events, first)
                        rows += len(first)
                        note.rows = rows
                        first = await anext(following, [])
                    except (Transient, Permanent) as error:
                        raise CutOff(f"after {rows} events: {error}") from error
                data = await asyncio.to_thread(self.writing.end)
        digest.update(data)
        note.rows, note.digest = rows, digest.hexdigest()
        if self.trailer is not None:
            counted = {"rows": rows, "bytes": size + len(data), "sha256": note.digest}
            data += orjson.dumps({TRAILER: self.trailer | counted}, option=orjson.OPT_APPEND_NEWLINE)
        if rest := self.compressor.compress(data) + self.compressor.flush():
            yield rest

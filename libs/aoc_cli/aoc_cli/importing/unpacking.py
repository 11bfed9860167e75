"""What a packed file may hold, and its bytes as far as it may."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any, Final

from aoc_cli.importing.streams import CHUNK, Converted
from aoc_common.errors import Permanent

#: Bytes that any file may unpack to.
_HARMLESS: Final = 16 << 20
#: Bytes that are gathered before a piece is passed on: unpackers give as little as they like.
_PIECE: Final = 1 << 16
#: What Python's unpackers raise for packed bytes that are broken, or packed in a way that they cannot read.
UNREADABLE: Final = (
    EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What one packed file may hold: times its own size (looked at after the first 16 MiB), bytes, files, and levels.

    `nesting`: how many archives may lie within one another, a compressed file counting as one.
    """

    ratio: int = 200
    most: int = 20 << 30
    entries: int = 100_000
    nesting: int = 2


class LimitError(Permanent):
    """A packed file holds more than it may."""


class Budget:
    """How much of its limits a packed file of `size` bytes has used, with all that is packed in it."""

    def __init__(self, limits: Unpacking, size: int) -> None:
        self.limits = limits
        self._size = size
        self._bytes = self._entries = 0

    def spend(self, count: int) -> None:
        """Bytes were unpacked. Raises `LimitError`."""
        self._bytes += count
        if self._bytes > self.limits.most:
            raise LimitError(f"it unpacks to more than {self.limits.most:,} bytes (--max-unpacked)")
        if self._bytes > max(_HARMLESS, self.limits.ratio * self._size):
            raise LimitError(f"it unpacks to more than {self.limits.ratio:,} times its size (--max-ratio)")

    def entry(self) -> None:
        """A file was met inside. Raises `LimitError`."""
        self._entries += 1
        if self._entries > self.limits.entries:
            raise LimitError(f"it holds more than {self.limits.entries:,} files (--max-entries)")


class Unpacked(Converted):
    """The bytes of a packed stream. It ends where that is broken, or larger than it may be.

    `trouble` then says why; `stopped`: by a limit. `kind`: what it is, for people. `size`: bytes that came out so far.
    """

    def __init__(self, source: IO[bytes], budget: Budget, kind: str) -> None:
        super().__init__(source)
        self.kind = kind
        self.trouble: str | None = None
        self.stopped = False
        self.size = 0
        self._budget = budget
        self._read: Any = getattr(source, "read1", source.read)

    def _next(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size < _PIECE and self.trouble is None:
            try:
                piece = self._read(CHUNK)
                self._budget.spend(len(piece))
            except LimitError as error:
                self.trouble, self.stopped = str(error), True
            except UNREADABLE as error:
                self.trouble = str(error) or type(error).__name__
            else:
                if not piece:
                    break
                pieces.append(piece)
                size += len(piece)
        self.size += size
        return b"".join(pieces)

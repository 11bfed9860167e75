"""Files as streams of bytes: read in constant memory, with errors that say how far reading came."""

from __future__ import annotations

import hashlib
import io
from abc import abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

from aoc_common.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Bytes that are read at a time.
CHUNK: Final = 1 << 18
_BUFFER: Final = 1 << 20
#: Bytes that are skipped in an archive, and read on the way for the hash of the whole.
_GAP: Final = 64 << 20

type Reader = io.BufferedReader[Any]


class BrokenFileError(Permanent):
    """A file that cannot be read, or not any further."""


class CountingFile(io.RawIOBase):
    """A file that counts and hashes what is read of it. Raises `BrokenFileError`, also while it is read.

    Bytes are hashed as they are read from the beginning on, so that nothing is read for the hash alone but what nobody
    else reads, and what an archive's directory has read out of order.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.size = self.done = 0
        self._hash = hashlib.sha256()
        #: How many bytes from the beginning are hashed; and the position.
        self._hashed = self._at = 0
        with self._translated():
            self._file = path.open("rb", buffering=0)
            self._before = self._look()
        self.size = self._before[0]

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is: archives have their directory at the end."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position. Raises `OSError` for one before the beginning, as who reads archives expects."""
        self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`, counting and hashing."""
        with self._translated():
            if _BUFFER < self._hashed < self._at <= self._hashed + _GAP:
                self._hash_on(self._file, self._at)
                self._file.seek(self._at)
            count = self._file.readinto(buffer) or 0
        self.done += count
        if self._at <= self._hashed < self._at + count:
            self._hash.update(memoryview(buffer)[self._hashed - self._at : count])
            self._hashed = self._at + count
        self._at += count
        return count

    def digest(self) -> str:
        """The SHA-256 of the whole file, in hex; reads what is not hashed yet, also when the file is closed."""
        if self._hashed < self.size:
            with self._translated(), self._path.open("rb", buffering=0) as rest:
                self._hash_on(rest, None)
        return self._hash.hexdigest()

    def _hash_on(self, file: io.RawIOBase, end: int | None) -> None:
        """Hash up to a position; None: to the end."""
        file.seek(self._hashed)
        while piece := file.read(CHUNK if end is None else min(CHUNK, end - self._hashed)):
            self._hash.update(piece)
            self._hashed += len(piece)

    @property
    def modified_at(self) -> datetime:
        """When it was last written to before it was opened."""
        return datetime.fromtimestamp(self._before[1] / 1e9, UTC)

    def changed(self) -> bool:
        """Whether somebody has written to it, or put another in its place, since it was opened."""
        with self._translated():
            return self._look() != self._before

    def _look(self) -> tuple[int, int, int]:
        state = self._path.stat()
        return state.st_size, state.st_mtime_ns, state.st_ino

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f" after {self.done:,} bytes" if self.done else ""
            raise BrokenFileError(f"cannot be read{where}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Converted(io.RawIOBase):
    """Bytes of a source, changed piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`."""
        if not self._ready:
            self._ready = self._next()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    @abstractmethod
    def _next(self) -> bytes:
        """The next piece; empty at the end."""


def buffered(stream: io.RawIOBase) -> Reader:
    """A reader that can look ahead."""
    return io.BufferedReader(stream, _BUFFER)

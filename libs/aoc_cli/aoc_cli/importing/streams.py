"""A file as UTF-8 bytes, whatever it is packed in: read as a stream, in constant memory."""

from __future__ import annotations

import codecs
import io
import zlib
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from aoc_common.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
#: Bytes that any file may unpack to.
_HARMLESS: Final = 16 << 20
type Reader = io.BufferedReader[Any]

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class BrokenFileError(Permanent):
    """A file that cannot be read, or not any further."""


class CountingFile(io.RawIOBase):
    """A file that knows how far it has been read, for the progress bar. Raises `BrokenFileError`, also while read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.size = self.done = 0
        with self._told():
            self._file = path.open("rb", buffering=0)
            self._before = self._look()
        self.size = self._before[0]

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`, counting."""
        with self._told():
            count = self._file.readinto(buffer) or 0
        self.done += count
        return count

    def changed(self) -> bool:
        """Whether somebody has written to it, or put another in its place, since it was opened."""
        with self._told():
            return self._look() != self._before

    def _look(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_size, found.st_mtime_ns, found.st_ino

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f" after {self.done:,} bytes" if self.done else ""
            raise BrokenFileError(f"cannot be read{where}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Converted(io.RawIOBase):
    """Bytes of a source, changed piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            self._ready = self._next()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    @abstractmethod
    def _next(self) -> bytes:
        """The next piece; empty at the end."""


@dataclass(frozen=True, slots=True)
class Unpacking:
    """How much a packed file may hold: times its own size (looked at after the first 16 MiB), and bytes at all."""

    ratio: int = 200
    most: int = 16 << 30


class Gunzip(_Converted):
    """Unpacks gzip, also of several members, a bounded piece at a time.

    A stream that is broken, or larger than it may be, ends there; `trouble` then says why. `stopped`: by a bound.
    """

    def __init__(self, source: IO[bytes], bounds: Unpacking) -> None:
        super().__init__(source)
        self._bounds = bounds
        self._member: zlib._Decompress | None = zlib.decompressobj(_GZIP_WINDOW)
        self._left = b""
        #: The last piece was as long as it may be: the member may hold more without another byte of input.
        self._full = False
        self._taken = self._made = 0
        self.trouble: str | None = None
        self.stopped = False

    def _next(self) -> bytes:
        out = b""
        while not out and self._member is not None:
            packed = self._left
            if not packed and not self._full and not (packed := self._read()):
                self.trouble, self._member = "it ends too early", None
                break
            try:
                out = self._member.decompress(packed, _CHUNK)
            except zlib.error as error:
                self.trouble, self._member = str(error), None
                break
            self._full = len(out) == _CHUNK
            self._made += len(out)
            if self._over():
                out, self._member, self.stopped = b"", None, True
            elif self._member.eof:
                self._left, self._full = self._member.unused_data or self._read(), False
                self._member = zlib.decompressobj(_GZIP_WINDOW) if self._left else None
            else:
                self._left = self._member.unconsumed_tail
        return out

    def _read(self) -> bytes:
        packed = self._source.read(_CHUNK)
        self._taken += len(packed)
        return packed

    def _over(self) -> bool:
        ratio, most = self._bounds.ratio, self._bounds.most
        if self._made > most:
            self.trouble = f"it unpacks to more than {most:,} bytes (--max-unpacked)"
        elif self._made > max(_HARMLESS, ratio * self._taken):
            self.trouble = f"it unpacks to more than {ratio:,} times its size (--max-ratio)"
        return self.trouble is not None


class _Recode(_Converted):
    """UTF-16 (what PowerShell's `>` writes) as UTF-8."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")

    def _next(self) -> bytes:
        text = ""
        while not text and (chunk := self._source.read(_CHUNK)):
            text = self._decoder.decode(chunk)
        return (text or self._decoder.decode(b"", final=True)).encode("utf-8", "replace")


def unpack(file: io.RawIOBase, bounds: Unpacking) -> tuple[Reader, Gunzip | None]:
    """The file's text as UTF-8 without a byte order mark, and what unpacks it if it is packed."""
    stream: Reader = io.BufferedReader(file, 1 << 20)
    packed = None
    if stream.peek(2).startswith(_GZIP):
        packed = Gunzip(stream, bounds)
        stream = io.BufferedReader(packed, 1 << 20)
    head = stream.peek(3)
    if head.startswith(_UTF16):
        return io.BufferedReader(_Recode(stream), 1 << 20), packed
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return stream, packed

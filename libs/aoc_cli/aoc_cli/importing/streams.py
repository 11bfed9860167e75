"""A file as UTF-8 bytes, whatever it is packed in: read as a stream, in constant memory."""

from __future__ import annotations

import codecs
import io
import zlib
from pathlib import Path
from typing import IO, Any, Final

_CHUNK: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
type Reader = io.BufferedReader[Any]

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CountingFile(io.RawIOBase):
    """A file that knows how far it has been read, for the progress bar."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = path.stat().st_size
        self.done = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`, counting."""
        count = self._file.readinto(buffer) or 0
        self.done += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Converted(io.RawIOBase):
    """Bytes of a source, changed chunk by chunk."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._source.read(_CHUNK)
            self._ready = self._convert(chunk)
            if not chunk:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _convert(self, chunk: bytes) -> bytes:
        raise AssertionError(chunk)


class Gunzip(_Converted):
    """Unpacks gzip, also of several members. A broken stream ends where it breaks; `trouble` then says why."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self._member: zlib._Decompress | None = zlib.decompressobj(_GZIP_WINDOW)
        self.trouble: str | None = None

    def _convert(self, chunk: bytes) -> bytes:
        out = b""
        if not chunk and self._member is not None and not self._member.eof and self.trouble is None:
            self.trouble = "it ends too early"
        while chunk and self._member is not None:
            try:
                out += self._member.decompress(chunk)
            except zlib.error as error:
                self.trouble, self._member = str(error), None
                break
            chunk = self._member.unused_data
            if self._member.eof and chunk:
                self._member = zlib.decompressobj(_GZIP_WINDOW)
        return out


class _Recode(_Converted):
    """UTF-16 (what PowerShell's `>` writes) as UTF-8."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")

    def _convert(self, chunk: bytes) -> bytes:
        return self._decoder.decode(chunk, final=not chunk).encode("utf-8", "replace")


def unpack(file: io.RawIOBase) -> tuple[Reader, Gunzip | None]:
    """The file's text as UTF-8 without a byte order mark, and what unpacks it if it is packed."""
    stream: Reader = io.BufferedReader(file, 1 << 20)
    packed = None
    if stream.peek(2).startswith(_GZIP):
        packed = Gunzip(stream)
        stream = io.BufferedReader(packed, 1 << 20)
    head = stream.peek(3)
    if head.startswith(_UTF16):
        return io.BufferedReader(_Recode(stream), 1 << 20), packed
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return stream, packed

"""From a file to the documents in it: itself, or what is in its archives, each as if it had been given by itself."""

from __future__ import annotations

import gzip
import os
import struct
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final, Self, cast

from aoc_cli.importing import kinds
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.streams import CHUNK, Reader, buffered
from aoc_cli.importing.unpacking import UNREADABLE, Budget, LimitError, Unpacked, Unpacking

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of an archive within an archive that stay in memory; more lie in a temporary file.
_IN_MEMORY: Final = 16 << 20
#: Bytes of an archive's directory for each file that it may hold.
_PER_ENTRY: Final = 1024
#: Ways of packing that Python unpacks a bounded piece at a time.
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED: Final = 1
#: Bytes of a tar header that only describes the next one.
_MAX_HEADER: Final = 1 << 20
_DESCRIBING: Final = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)
#: The end of a zip's directory, in the form of before and after it outgrew 32 bits: marks, and where its size stands.
_END: Final = (b"PK\x05\x06", struct.Struct("<12xI6x"), 22)
_END_64: Final = (b"PK\x06\x06", struct.Struct("<40xQ8x"), 56)
#: Bytes from the end of a file in which they stand: after them a comment, between them where the second is.
_LONGEST_END: Final = 22 + 65_535 + 20 + 56
_IN_64: Final = 0xFFFFFFFF
#: Characters of a name in an archive.
_LONGEST_NAME: Final = 300


@dataclass(slots=True)
class Document:
    """A file, or a file in an archive. `name`: after that of the file, with the archives' names before it.

    `stream`: its bytes, to be read before the next document is asked for. `layers`: what unpacks them, outermost first.
    `refusal`: why there is nothing to be read.
    """

    name: str
    stream: Reader | None = None
    layers: tuple[Unpacked, ...] = ()
    refusal: NoLogError | None = None

    @property
    def trouble(self) -> Unpacked | None:
        """The layer that ended too early, once the stream is read."""
        return next((layer for layer in self.layers if layer.trouble is not None), None)


@dataclass(slots=True)
class Opener:
    """Opens one file and what is in it. `hidden`: names in archives that are not read, since they begin with a dot."""

    budget: Budget
    hidden: list[str] = field(default_factory=list)
    stopped: bool = False

    def documents(
        self, stream: Reader, name: str = "", layers: tuple[Unpacked, ...] = (), depth: int = 0
    ) -> Iterator[Document]:
        """What is in a stream. `depth`: in how many archives it lies."""
        head = stream.peek(kinds.HEAD)
        packed = head.startswith(kinds.GZIP) or kinds.is_zip(head) or kinds.is_tar(head)
        if packed and depth >= self.budget.limits.nesting:
            reason = f"an archive in {depth} others (--max-nesting): unpack the outer ones first"
            yield Document(name, refusal=NoLogError(reason))
        elif head.startswith(kinds.GZIP):
            inner = Unpacked(cast("IO[bytes]", gzip.GzipFile(fileobj=stream)), self.budget, "gzip stream")
            reader = buffered(inner)
            # A tar is packed as a whole: both are one archive.
            both = kinds.is_tar(reader.peek(kinds.HEAD))
            yield from self.documents(reader, name, (*layers, inner), depth if both else depth + 1)
        elif kinds.is_zip(head):
            yield from self._zip(stream, name, layers, depth + 1)
        elif kinds.is_tar(head):
            yield from self._tar(stream, name, layers, depth + 1)
        else:
            yield Document(name, stream, layers)

    def _zip(self, stream: Reader, name: str, layers: tuple[Unpacked, ...], depth: int) -> Iterator[Document]:
        try:
            with _seekable(stream) as file, _zip_of(file, self.budget.limits) as archive:
                kinds.refuse_office(archive.NameToInfo.keys())
                for info in archive.infolist():
                    if not info.is_dir():
                        yield from self._zipped(archive, info, _join(name, info.filename), layers, depth)
        except NoLogError as error:
            yield Document(name, refusal=error)
        except (LimitError, *UNREADABLE) as error:
            yield self._broken(name, layers, "zip", error)

    def _zipped(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, layers: tuple[Unpacked, ...], depth: int
    ) -> Iterator[Document]:
        self.budget.entry()
        if self._is_hidden(info.filename, name):
            return
        if info.flag_bits & _ENCRYPTED:
            yield Document(name, refusal=NoLogError("encrypted: unpack it with its password, and import what is in it"))
        elif info.compress_type not in _METHODS:
            yield Document(name, refusal=NoLogError("packed in a way that is not read here: unpack it first"))
        else:
            try:
                member = archive.open(info)
            except UNREADABLE as error:
                yield Document(name, refusal=NoLogError(f"broken in its zip archive: {_text(error)}"))
                return
            with member:
                inner = Unpacked(member, self.budget, "file in the zip archive")
                yield from self.documents(buffered(inner), name, (*layers, inner), depth)

    def _tar(self, stream: Reader, name: str, layers: tuple[Unpacked, ...], depth: int) -> Iterator[Document]:
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedHeader) as archive:
                for info in archive:
                    self.budget.entry()
                    if info.isfile():
                        path = _join(name, info.name)
                        member = archive.extractfile(info)
                        if member is not None and not self._is_hidden(info.name, path):
                            inner = Unpacked(member, self.budget, "file in the tar archive")
                            yield from self.documents(buffered(inner), path, (*layers, inner), depth)
        except (LimitError, *UNREADABLE) as error:
            yield self._broken(name, layers, "tar", error)

    def _is_hidden(self, path: str, name: str) -> bool:
        """Whether it lies in an archive as what a file manager puts there: `.DS_Store`, `__MACOSX/`."""
        parts = PurePosixPath(path.replace("\\", "/")).parts
        hidden = any(part.startswith(".") and part not in {".", ".."} for part in parts) or "__MACOSX" in parts
        if hidden:
            self.hidden.append(name)
        return hidden

    def _broken(self, name: str, layers: tuple[Unpacked, ...], kind: str, error: Exception) -> Document:
        """An archive that cannot be read any further, because of itself or of what it is packed in."""
        outer = next((layer for layer in layers if layer.trouble is not None), None)
        if isinstance(error, LimitError) or (outer is not None and outer.stopped):
            self.stopped = True
        reason = _text(error) if outer is None else f"the {outer.kind} is broken: {outer.trouble}"
        limit = isinstance(error, LimitError)
        return Document(name, refusal=NoLogError(reason if limit else f"a {kind} archive that is broken: {reason}"))


@contextmanager
def _seekable(stream: Reader) -> Iterator[IO[bytes]]:
    """The same bytes where they can be read in any order: in a temporary file if they come out of an archive."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
        while piece := stream.read(CHUNK):
            spooled.write(piece)
        spooled.seek(0)
        yield spooled


@contextmanager
def _zip_of(file: IO[bytes], limits: Unpacking) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose directory fits memory. Raises `LimitError` for others."""
    if _directory_size(file) > limits.entries * _PER_ENTRY:
        raise LimitError(f"it holds more than {limits.entries:,} files (--max-entries)")
    with zipfile.ZipFile(file) as archive:
        yield archive


def _directory_size(file: IO[bytes]) -> int:
    """Bytes of a zip's directory, which is read into memory as a whole; 0 where it cannot be told."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _LONGEST_END))
    tail = file.read(_LONGEST_END)
    file.seek(0)
    for mark, form, length in (_END_64, _END):
        at = tail.rfind(mark)
        if at >= 0 and at + length <= len(tail):
            size: int = form.unpack_from(tail, at)[0]
            if size != _IN_64:
                return size
    return 0


class _BoundedHeader(tarfile.TarInfo):
    """A tar header; one that describes the next is read into memory as a whole, so its size is bounded."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Raises `HeaderError`, as for other headers that cannot be read."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _DESCRIBING and header.size > _MAX_HEADER:
            raise tarfile.HeaderError(f"a header of {header.size:,} bytes")
        return header


def _join(name: str, path: str) -> str:
    """The name of a file in an archive."""
    inside = path.replace("\\", "/").lstrip("/")[-_LONGEST_NAME:]
    return f"{name}/{inside}" if name else inside


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__

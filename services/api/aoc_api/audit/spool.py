"""Lines on this machine's disk, until they are stored: written before an answer leaves, read behind its back.

```
DIR/lock            held (flock) by the one process that writes here
DIR/{number}.spool  segments of a fixed size, whose space is taken beforehand: a line that was begun finds room
```
A line ends with a newline, and what follows the last one is zeros, or was being written when the process died: nobody
was answered then. A line survives the end of the process; when the machine dies, what came since the last `sync` may be
lost.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration, Transient

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX: Final = ".spool"
_SEGMENT: Final = 4 << 20
#: What is read at once.
_CHUNK: Final = 1 << 20


class SpoolFull(Transient):  # the state, as people call it
    """There is no room for another line: nothing has been stored for too long, or the disk is full."""


class Spool:
    """Appends lines, and gives them back in order until they are forgotten. One process, one thread.

    `most`: bytes that it may take on the disk. Raises `BadConfiguration` for a directory that cannot be used.
    """

    def __init__(self, directory: Path, most: int, segment: int = _SEGMENT) -> None:
        self._directory = directory
        self._most = most
        self._size = min(segment, most)
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(directory, error.strerror or str(error)) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise _unusable(directory, "another gateway writes there; each needs one of its own") from None
        #: Segments in order; the last one is written to once there is a descriptor.
        self._segments = deque(sorted(directory.glob(f"*{_SUFFIX}")))
        self._held = sum(path.stat().st_size for path in self._segments)
        self._writing: int | None = None
        self._written = 0
        self._read = 0

    @property
    def waiting(self) -> int:
        """Bytes on the disk, whether or not there are lines in them."""
        return self._held

    def make_room(self, line: int) -> None:
        """See to it that a line of so many bytes has its place. Raises `SpoolFull`."""
        if self._writing is not None and self._written + line < self._size:
            return
        if line >= self._size or self.waiting + self._size > self._most:
            raise SpoolFull(f"{self._directory} holds {self.waiting:,} bytes that could not be stored yet")
        number = int(self._segments[-1].stem) + 1 if self._segments else 1
        path = self._directory / f"{number:012}{_SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            except OSError:
                os.close(descriptor)
                path.unlink()
                raise
        except OSError as error:
            raise SpoolFull(f"{self._directory}: {error.strerror}") from None
        self._end_segment()
        self._writing, self._written = descriptor, 0
        self._segments.append(path)
        self._held += self._size

    def append(self, line: bytes) -> None:
        """Write a line, which has no newline in it. Raises `SpoolFull`; then nothing is written."""
        self.make_room(len(line) + 1)
        if self._writing is None:
            raise SpoolFull(f"{self._directory} has no segment to write to")  # `make_room` has made one
        try:
            written = os.pwrite(self._writing, line + b"\n", self._written)
        except OSError as error:
            raise SpoolFull(f"{self._directory}: {error.strerror}") from None
        if written != len(line) + 1:
            raise SpoolFull(f"{self._directory} took {written} of {len(line) + 1} bytes")
        self._written += written

    def lines(self) -> list[bytes]:
        """The next lines that are not forgotten yet, a mebibyte at most; none when there are none."""
        while self._segments:
            written_to = len(self._segments) == 1 and self._writing is not None
            with self._segments[0].open("rb") as file:
                # One of an earlier run may have another size.
                end = self._written if written_to else os.fstat(file.fileno()).st_size
                file.seek(self._read)
                data = file.read(max(0, min(end - self._read, _CHUNK)))
            if whole := data[: data.rfind(b"\n") + 1]:
                return whole.split(b"\n")[:-1]
            if written_to:
                return []
            self._drop()
        return []

    def forget(self, lines: list[bytes]) -> None:
        """These, which `lines` gave last, are stored."""
        self._read += sum(len(line) + 1 for line in lines)
        if not self.lines() and self._writing is not None and self._written > self._size // 2:
            # A fresh one for what comes, so that a busy disk is not taken by what is done.
            self._end_segment()
            self._drop()

    def sync(self) -> None:
        """See to it that what was appended outlives the machine. Blocks; other threads may append meanwhile."""
        if self._writing is not None:
            descriptor = os.dup(self._writing)
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Let go of the directory. What is in it stays for the next one, but for a segment without lines."""
        if not self.lines():
            self._end_segment()
            while self._segments:
                self._drop()
        self._end_segment()
        os.close(self._lock)

    def _end_segment(self) -> None:
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None

    def _drop(self) -> None:
        path = self._segments.popleft()
        self._held -= path.stat().st_size
        path.unlink()
        self._read = 0


def _unusable(directory: Path, why: str) -> BadConfiguration:
    return BadConfiguration(f"AOC_API__AUDIT__SPOOL: {directory}: {why}")

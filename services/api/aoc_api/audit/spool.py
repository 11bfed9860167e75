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
from contextlib import suppress
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Open:
    """A segment of this run. `written`: bytes of the lines in it."""

    path: Path
    descriptor: int
    written: int = 0


class Spool:
    """Appends lines, and gives them back in order until they are forgotten. One process, one thread.

    `most`: bytes that it may take on the disk. `longest`: bytes of a line, its newline among them. Raises
    `BadConfiguration` for a directory that cannot be used.
    """

    def __init__(self, directory: Path, most: int, longest: int, segment: int = _SEGMENT) -> None:
        self._directory = directory
        self._most = most
        self._longest = longest
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
        #: In order: segments that nothing is written to any more, the one that is, and those that come next.
        self._full = deque(sorted(directory.glob(f"*{_SUFFIX}")))
        self._current: _Open | None = None
        self._next: deque[_Open] = deque()
        self._number = int(self._full[-1].stem) if self._full else 0
        self._held = sum(path.stat().st_size for path in self._full)
        #: Bytes of the oldest segment that are forgotten.
        self._read = 0

    @property
    def waiting(self) -> int:
        """Bytes on the disk, whether or not there are lines in them."""
        return self._held

    def make_room(self, lines: int) -> None:
        """See to it that so many lines, each as long as can be, have their place. Raises `SpoolFull`."""
        while self._room() < lines:
            self._next.append(self._allocated())

    def append(self, line: bytes) -> None:
        """Write a line, which has no newline in it. Raises `SpoolFull`; then nothing is written."""
        segment = self._segment_for(len(line) + 1)
        try:
            written = os.pwrite(segment.descriptor, line + b"\n", segment.written)
        except OSError as error:
            raise SpoolFull(f"{self._directory}: {error.strerror}") from None
        if written != len(line) + 1:
            raise SpoolFull(f"{self._directory} took {written} of {len(line) + 1} bytes")
        segment.written += written

    def lines(self) -> list[bytes]:
        """The next lines that are not forgotten yet, a mebibyte at most; none when there are none."""
        while self._full:
            path = self._full[0]
            # One of an earlier run may have another size.
            if lines := _whole_lines(path, self._read, path.stat().st_size):
                return lines
            self._full.popleft()
            self._remove(path)
        return [] if self._current is None else _whole_lines(self._current.path, self._read, self._current.written)

    def forget(self, lines: list[bytes]) -> None:
        """These, which `lines` gave last, are stored."""
        self._read += sum(len(line) + 1 for line in lines)
        current = self._current
        if current is not None and not self._full and self._read == current.written > self._size // 2:
            # A fresh one for what comes, so that a busy disk is not taken by what is done.
            os.close(current.descriptor)
            self._current = None
            self._remove(current.path)

    def sync(self) -> None:
        """See to it that what was appended outlives the machine. Blocks; other threads may append meanwhile."""
        current = self._current
        for path in (*self._full, *([] if current is None else [current.path])):
            with suppress(FileNotFoundError), path.open("rb") as file:  # it may be stored and removed meanwhile
                os.fdatasync(file.fileno())

    def close(self) -> None:
        """Let go of the directory. What is in it stays for the next one, but for segments without lines."""
        empty = [*self._next]
        if self._current is not None:
            os.close(self._current.descriptor)
            if not self._full and not self.lines():
                self._remove(self._current.path)
        for segment in empty:
            os.close(segment.descriptor)
            self._remove(segment.path)
        os.close(self._lock)

    def _room(self) -> int:
        """Lines that have their place, each as long as can be."""
        left = 0 if self._current is None else (self._size - self._current.written) // self._longest
        return left + len(self._next) * (self._size // self._longest)

    def _segment_for(self, length: int) -> _Open:
        if length > self._longest:
            raise SpoolFull(f"{self._directory} takes no line of {length:,} bytes")
        if self._current is None or self._current.written + length > self._size:
            following = self._next.popleft() if self._next else self._allocated()
            if self._current is not None:
                os.close(self._current.descriptor)
                self._full.append(self._current.path)
            self._current = following
        return self._current

    def _allocated(self) -> _Open:
        if self._held + self._size > self._most or self._size < self._longest:
            raise SpoolFull(f"{self._directory} holds {self._held:,} bytes that could not be stored yet")
        path = self._directory / f"{self._number + 1:012}{_SUFFIX}"
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
        self._number += 1
        self._held += self._size
        return _Open(path, descriptor)

    def _remove(self, path: Path) -> None:
        self._held -= path.stat().st_size
        path.unlink()
        self._read = 0


def _whole_lines(path: Path, begin: int, end: int) -> list[bytes]:
    """The lines that end between these bytes of a file, as far as they are read at once."""
    if begin >= end:
        return []
    with path.open("rb") as file:
        file.seek(begin)
        data = file.read(min(end - begin, _CHUNK))
    return data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]


def _unusable(directory: Path, why: str) -> BadConfiguration:
    return BadConfiguration(f"AOC_API__AUDIT__SPOOL: {directory}: {why}")

"""A folder of this machine, which several exporters may share."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from heapq import nlargest
from secrets import token_bytes
from typing import TYPE_CHECKING, Final
from zlib import crc32

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import one_line
from aoc_exporter.delivery.files import write_whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator, Sequence
    from pathlib import Path

    from aoc_common.clock import Clock
    from aoc_exporter.stores.port import Read

_LOCKS: Final = ".locks"
#: Files that are locked, each for a share of the folders.
_SHARES: Final = 64
#: How long another process is waited for, and how often it is tried. Seconds.
_PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.02
#: How long a call that is cancelled waits for its thread. Seconds.
_LEAVE_S: Final = 3.0
#: Files that are looked at are no larger; a batch is half as large before it is packed. Bytes.
_LARGEST: Final = 64 * 1024 * 1024
#: Folders of a share that are remembered as looked at.
_FOLDERS: Final = 1_000


class LocalFolder:
    """The store. A file is on disk when `put` returns."""

    readable = True

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._mine = token_bytes(16)
        self._shares = [_Share() for _ in range(_SHARES)]

    async def put(self, path: str, content: bytes) -> None:
        """As the port says."""
        writing = asyncio.ensure_future(asyncio.to_thread(write_whole, self._folder / path, content))
        with _named():
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                # A thread writes on, and nobody is to look before it has ended.
                await asyncio.wait({writing}, timeout=_LEAVE_S)
                raise

    @asynccontextmanager
    async def alone(self, folder: str) -> AsyncIterator[bool]:
        """As the port says: by a lock that a process loses when it ends, however it does.

        Who has it last leaves his mark in the locked file, before he writes anything.
        """
        number = crc32(folder.encode()) % _SHARES
        share = self._shares[number]
        async with share.turn:
            lock = await self._locked(number)
            try:
                with _named():
                    changed = await asyncio.to_thread(self._marked, lock)
                yield share.is_new(folder, changed=changed)
            except BaseException:
                share.forget(folder)
                raise
            finally:
                os.close(lock)

    async def latest(self, folder: str, suffix: str, most: int, known: Collection[str]) -> Sequence[tuple[str, Read]]:
        """As the port says."""
        with _named():
            files = await asyncio.to_thread(_latest, self._folder / folder, suffix, most)
        return [(file.name, partial(_read, file)) for file in files if file.name not in known]

    async def close(self) -> None:
        """As the port says."""

    async def _locked(self, number: int) -> int:
        """The descriptor of a locked file."""
        with _named():
            lock = await asyncio.to_thread(_opened, self._folder / _LOCKS, number)
        deadline = self._clock.monotonic() + _PATIENCE_S
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if self._clock.monotonic() > deadline:
                        raise Unreachable("folder: another exporter holds it") from None
                    await self._clock.sleep(_PAUSE_S)
                else:
                    return lock
        except BaseException:
            os.close(lock)
            raise

    def _marked(self, lock: int) -> bool:
        """Whether another one's mark was there; now it is ours."""
        if os.pread(lock, len(self._mine) + 1, 0) == self._mine:
            return False
        os.pwrite(lock, self._mine, 0)
        return True


class _Share:
    """Folders with one lock. `turn`: of this process; a lock does not keep its own calls apart in their order."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._looked_at: set[str] = set()

    def is_new(self, folder: str, *, changed: bool) -> bool:
        """Whether there may be what this process has not seen. `changed`: somebody else has had the lock."""
        if changed or len(self._looked_at) >= _FOLDERS:
            self._looked_at.clear()
        if folder in self._looked_at:
            return False
        self._looked_at.add(folder)
        return True

    def forget(self, folder: str) -> None:
        """It is not known what there is now."""
        self._looked_at.discard(folder)


def _opened(locks: Path, number: int) -> int:
    locks.mkdir(parents=True, exist_ok=True)
    return os.open(locks / f"{number:02}", os.O_RDWR | os.O_CREAT, 0o600)


def _latest(folder: Path, suffix: str, most: int) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        written = (dated for entry in found if entry.name.endswith(suffix) and (dated := _written(entry)) is not None)
        return [folder / name for _, name in nlargest(most, written)]


def _written(entry: os.DirEntry[str]) -> tuple[int, str] | None:
    """When a file was written, and its name; None for what cannot be one of ours."""
    if entry.name.startswith("."):
        return None  # it is not whole yet
    try:
        told = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # somebody took it away
    ours = stat.S_ISREG(told.st_mode) and told.st_size <= _LARGEST
    return (told.st_mtime_ns, entry.name) if ours else None


async def _read(file: Path) -> bytes:
    with _named():
        return await asyncio.to_thread(_content, file)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST)
    except (FileNotFoundError, PermissionError):
        return b""


@contextmanager
def _named() -> Iterator[None]:
    """What the system refuses is `Unreachable`, in its words and without a path."""
    try:
        yield
    except OSError as error:
        raise Unreachable(one_line(f"folder: {os.strerror(error.errno or 0)}")) from None

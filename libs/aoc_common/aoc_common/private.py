"""Files that hold a secret: written atomically once, readable by their owner only.

All changes are made under a lock on the directory (`flock`), which the kernel gives back when its holder dies: so two
processes that make the same secret get the same one, and leftovers of a killed one are overwritten by the next.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
#: Seconds that a lock is waited for. Its holder may be waiting for a database.
_PATIENCE_S: Final = 30.0
_LOOK_S: Final = 0.02


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Make the directory, and hold it alone. Raises `BadConfiguration` when it cannot be written, or stays taken."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadConfiguration(f"{directory}: {error.strerror}") from None
    try:
        _take(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BadConfiguration(f"{directory}: another command has held it for {_PATIENCE_S:.0f} s") from None
            time.sleep(_LOOK_S)
        else:
            return


def write(path: Path, text: str) -> None:
    """Put a secret there, in place of what is there. Only with the directory `locked`."""
    new = path.with_name(f".{path.name}.new")
    # Never into an existing file, which may have other permissions or be a link.
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        # On the disk before its name is: a power cut leaves no empty secret.
        os.fsync(out.fileno())
    move(new, path)


def move(old: Path, new: Path) -> None:
    """Rename a file, for good. Only with the directory `locked`."""
    old.replace(new)
    directory = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def exposed(path: Path) -> bool:
    """Whether others than its owner may read or write a file."""
    return bool(path.stat().st_mode & _GROUP_AND_OTHERS)

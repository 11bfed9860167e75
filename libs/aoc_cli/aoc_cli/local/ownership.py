"""Whose a directory is: a data directory of AOC, a new one, or somebody else's, in which nothing is made."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK: Final = "stack.lock"
#: What a stack makes in its directory.
OURS: Final = frozenset(
    {LOCK, "stack.json", "children.json", "secrets", "nats", "mongo", "logs", "evidence", "simulated", "tenants.json"}
)
#: Directories of a stack: one of them beside the lock makes a data directory, whatever else somebody put there.
_INSIDE: Final = frozenset({"secrets", "nats", "mongo"})
#: What file systems and file managers put into an empty folder.
_DROPPINGS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"})
#: Entries of a directory that are looked at.
_LOOKED_AT: Final = 10_000
_NAMED: Final = 3
#: Seconds for which a lock is asked for: who only looks whether it is held has it for a moment.
_PATIENCE_S: Final = 1.0
_LOOK_S: Final = 0.05
_LONGEST_NOTE: Final = 1_000


def refuse_foreign(path: Path) -> None:
    """Raise `BadConfiguration` for a folder with other files, which is never made into a data directory."""
    try:
        with os.scandir(path) as entries:
            names = {entry.name for entry in islice(entries, _LOOKED_AT)} - _DROPPINGS
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise BadConfiguration(f"--data {path}: a file; name a directory, or one that is to be made") from None
    except OSError as error:
        raise BadConfiguration(f"--data {path}: {error.strerror}") from None
    if names and not _is_ours(path, names):
        foreign = sorted(names - OURS) or sorted(names)
        shown = ", ".join(foreign[:_NAMED]) + (f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else "")
        raise BadConfiguration(
            f"--data {path}: holds files that are not AOC's ({shown}); name a new or empty directory, "
            f"such as {path / 'aoc-data'}"
        )


def _is_ours(path: Path, names: set[str]) -> bool:
    if LOCK in names:
        return names <= OURS or bool(names & _INSIDE)
    # Made by a command that needs the secrets only, or copied without the lock.
    return (path / "secrets" / ".lock").exists() or {"secrets", "mongo"} <= names


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a directory alone; the kernel gives the lock back when its holder dies.

    Raises `BadConfiguration` when another process holds it, or it cannot be written.
    """
    try:
        lock = (path / LOCK).open("a+")
    except OSError as error:
        raise BadConfiguration(f"--data {path}: {error.strerror}") from None
    with lock:
        if not _taken(lock):
            raise BadConfiguration(f"--data {path}: a stack is running on this directory already{_holder(lock)}")
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
        lock.flush()
        yield


def is_held(path: Path) -> bool:
    """Whether some process holds a directory."""
    try:
        with (path / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _taken(lock: IO[str]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S)
        except OSError as error:
            raise BadConfiguration(f"--data {lock.name}: cannot be locked: {error.strerror}") from None
        else:
            return True


def _holder(lock: IO[str]) -> str:
    """Who holds it, as far as it says."""
    try:
        lock.seek(0)
        note: dict[str, Any] = json.loads(lock.read(_LONGEST_NOTE))
        return f" (process {int(note['pid'])}, since {datetime.fromisoformat(note['since']):%Y-%m-%d %H:%M:%S} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # a version before wrote nothing there

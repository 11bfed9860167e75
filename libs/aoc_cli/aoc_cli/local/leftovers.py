"""Processes that a run has started, on record, so that what a killed run left behind is ended by the next.

```
DIR/children.json   the processes of the stack that runs in DIR, or of one that was killed
```

Linux kills them with their parent (`process`). What outlives it all the same is ended by id, and only if it is that
very process: ids are used again, so the boot and the time at which the process began are compared too.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from aoc_cli.local.process import Child

_PROC: Final = Path("/proc")
_BOOT_ID: Final = _PROC / "sys/kernel/random/boot_id"
#: Field 22 of /proc/PID/stat (proc_pid_stat(5)): clock ticks from boot until it began. After the name, the 20th.
_BEGAN: Final = 19
#: Seconds that a process gets to end by itself.
_PATIENCE_S: Final = 15.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """A process that was started here. `began`: clock ticks from the boot with the id `boot`."""

    pid: int
    began: int
    boot: str
    name: str

    def alive(self) -> bool:
        """Whether that very process runs."""
        return _began(self.pid) == self.began and _boot() == self.boot


class StartedProcesses:
    """The record of one directory. Only for who holds the directory."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._processes: list[StartedProcess] = []

    def add(self, child: Child) -> None:
        """A child was started."""
        began, boot = _began(child.pid), _boot()
        if began is None or boot is None:
            return  # it has ended, or this system does not tell: then there is nothing to be recognised later
        self._processes = [process for process in self._processes if process.alive()]
        self._processes.append(StartedProcess(child.pid, began, boot, child.name))
        new = self._file.with_name(f".{self._file.name}.new")
        new.write_text(json.dumps([asdict(process) for process in self._processes]))
        new.replace(self._file)

    def end(self) -> list[StartedProcess]:
        """End all on record that still run, and clear the record; those that were ended.

        Raises `BadConfiguration` for one that this user must not end, or that does not end.
        """
        running = [process for process in self._on_record() if process.alive()]
        ended = [process for process in running if _end(process)]
        self._file.unlink(missing_ok=True)
        self._processes = []
        return ended

    def _on_record(self) -> list[StartedProcess]:
        try:
            return [StartedProcess(**entry) for entry in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []  # no record, or one that a crash of the machine cut: then the processes are gone, too


def _end(process: StartedProcess) -> bool:
    """End it; False when it has ended meanwhile."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # From here on the handle is that of one process, whatever becomes of its id.
        if not process.alive():
            return False
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if number is not signal.SIGCONT and _gone(process):
                return True
    except PermissionError:
        raise BadConfiguration(
            f"process {process.pid} ({process.name}) is left over from a run that was killed, and belongs to another "
            "user: end it"
        ) from None
    finally:
        os.close(handle)
    raise BadConfiguration(
        f"process {process.pid} ({process.name}) is left over from a run that was killed, and does not end"
    )


def _gone(process: StartedProcess) -> bool:
    """Whether it ends in time."""
    deadline = time.monotonic() + _PATIENCE_S
    while process.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _began(pid: int) -> int | None:
    """When a process began; None when it does not run, also when it has ended and nobody has asked for its status."""
    try:
        # The name, in parentheses, may hold anything.
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return None if state in {"Z", "X"} else int(fields[_BEGAN - 1])
    except (OSError, ValueError, IndexError):
        return None


def _boot() -> str | None:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return None

"""`python -m aoc_cli.verify.clock_override FILE MODULE`: run a service whose clock is ahead by the seconds in FILE.

The services get the time from one class (`aoc_common.clock.SystemClock`), whose `now` is replaced here by one that
reads the file; it may change at any moment. Production code does not depend on this. Durations are measured by the
monotonic clock, which does not jump, as on a machine whose clock is set.
"""

from __future__ import annotations

import runpy
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from aoc_common.clock import SystemClock

#: Seconds for which the file's content is cached: a service reads the time once a record.
_CACHE_S: Final = 0.05


class Offset:
    """How far the clock is ahead."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = timedelta()
        self._until = 0.0

    def now(self) -> datetime:
        """The service's time, in UTC."""
        if (at := time.monotonic()) >= self._until:
            self._ahead, self._until = timedelta(seconds=read(self._file)), at + _CACHE_S
        return datetime.now(UTC) + self._ahead


def read(file: Path) -> float:
    """The seconds in a file; 0 while there is none. Raises ValueError for one that holds something else."""
    try:
        return float(file.read_text("utf-8"))
    except FileNotFoundError:
        return 0.0


def write(file: Path, ahead_s: float) -> None:
    """Set how far the clock is ahead from now on, in seconds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(str(ahead_s), "utf-8")
    fresh.replace(file)  # a reader never sees a partial number


def main() -> None:
    """Run the module, as `python -m` would."""
    _, file, module = sys.argv
    offset = Offset(Path(file))

    def now(self: SystemClock) -> datetime:  # noqa: ARG001  # a method's
        return offset.now()

    SystemClock.now = now  # type: ignore[method-assign]  # the only source of time that services have
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""One supervised child process: output to a log file, ready when its port answers, never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aoc_cli.local import disk
from aoc_cli.local.ports import listening
from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: Asks Linux for SIGKILL when the parent dies (PR_SET_PDEATHSIG), and becomes the program. A program of its own, since
#: nothing but that may run between fork and exec of a process that has threads.
_GUARD: Final = """\
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    libc.prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent died")
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ChildDied(AocError):  # noqa: N818  # named after the event
    """A child process ended although it was needed."""


#: Seconds between two connections to a child that has to be knocked at, and how many there are at most.
_KNOCK_S: Final = 0.1
_KNOCKS: Final = 50
#: So many connections that it takes after it was asked to stop say that it has not heard.
_UNHEARD: Final = 4


@dataclass(slots=True)
class Child:
    """A child process. `port`: it is ready when something listens there.

    `knocked`: it waits for connections without looking up, so that it sees that it is to stop when somebody connects.
    """

    name: str
    argv: Sequence[str]
    log: Path
    port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    ready_s: float = 120.0
    knocked: bool = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id. Raises `ChildDied` when it was never started."""
        if self._process is None:
            raise ChildDied(f"{self.name} was not started")
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, and of one that was never started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it. It gets SIGKILL when this process dies, so that nothing is left behind."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(  # our own argv, no shell
                [sys.executable, "-IS", "-c", _GUARD, str(os.getpid()), *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                start_new_session=True,  # Ctrl-C reaches only the parent, which stops all in order
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it runs and listens. Raises `ChildDied` with its last words when it has ended."""
        self.check()
        return self.port is None or listening(self.port)

    def check(self) -> None:
        """Raise `ChildDied`, with its last line of output, when it has ended."""
        if not self.alive():
            status = self._process.returncode if self._process else None
            raise ChildDied(f"{self.name} ended with status {status}: {self.last_words()}")

    def wait_ready(self, waiting: Callable[[str, float], None] = lambda _name, _seconds: None) -> None:
        """Wait until it listens. Raises `ChildDied` when it ends or takes longer than `ready_s`.

        `waiting` is called meanwhile with its name and the seconds that passed.
        """
        began = time.monotonic()
        while not self.ready():
            waiting(self.name, time.monotonic() - began)
            if time.monotonic() - began > self.ready_s:
                raise ChildDied(f"{self.name} did not listen within {self.ready_s:.0f} s: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            lines = self.log.read_bytes()[-4096:].decode("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{lines[-1][:300] if lines else 'no output'} (log: {self.log}){disk.remark(self.log.parent)}"

    def stop(self, timeout_s: float = 15.0) -> None:
        """Ask it to stop and wait; kill it when it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGCONT)  # a paused process would not hear the next one
        self._process.send_signal(self.stop_signal)
        if self.knocked and self.port is not None:
            self._knock(self._process, self.port)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def _knock(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Connect until it listens no more, so that it sees that it is to stop."""
        for knocks in range(1, _KNOCKS + 1):
            if process.poll() is not None or not listening(port):
                return
            if knocks % _UNHEARD == 0:  # a signal that its main thread has missed: Python may lose one
                process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_KNOCK_S)

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

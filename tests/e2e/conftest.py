"""The `aoc` command as its users run it: a process of its own, in a directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aoc_cli.attach import started as stack_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AOC = Path(sys.executable).with_name("aoc")


@dataclass
class Aoc:
    """Runs `aoc` with a root of the test's own, so that it neither finds nor disturbs a stack that runs here."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
        return inherited | {"AOC_ROOT": str(self.root), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"} | self.env

    def run(self, *arguments: str | Path, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        command = [str(AOC), *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *arguments: str | Path) -> Running:
        log = self.root / f"aoc-{time.monotonic_ns()}.log"
        with log.open("w") as out:
            command = [str(AOC), *map(str, arguments)]
            process = subprocess.Popen(command, env=self.environment(), stdout=out, stderr=subprocess.STDOUT)
        return Running(process, log)


@dataclass
class Running:
    """A command that is still at work."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, text: str, seconds: float = 100) -> str:
        """Wait until it has said this; all that it has said."""
        deadline = time.monotonic() + seconds
        while text not in (said := self.log.read_text()):
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {said}"
            assert time.monotonic() < deadline, f"never said {text!r}: {said}"
            time.sleep(0.05)
        return said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)


@pytest.fixture
def aoc(tmp_path: Path) -> Aoc:
    return Aoc(tmp_path)


@pytest.fixture(scope="module")
def module_aoc(tmp_path_factory: pytest.TempPathFactory) -> Aoc:
    return Aoc(tmp_path_factory.mktemp("aoc"))


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory with what an import starts, running: each test has a tenant of its own."""
    data = tmp_path_factory.mktemp("held") / "evidence"
    with stack_of(data, services=("normalizer",)):
        yield data


@pytest.fixture
def started(aoc: Aoc) -> Iterator[list[Running]]:
    """Commands to be ended after the test, whatever happens in it."""
    running: list[Running] = []
    yield running
    for item in running:
        item.end()


@pytest.fixture(scope="session")
def processes_naming() -> Callable[[Path], dict[int, str]]:
    """Processes whose command line or environment names a path: pid -> command line."""

    def search(path: Path) -> dict[int, str]:
        events = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                text = command + (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if command and f"{path}/" in text:
                events[int(entry.name)] = command
        return events

    return search

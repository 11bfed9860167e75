"""VictoriaLogs for tests: `go install github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@latest`."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from aoc_cli.local.ports import LOOPBACK, free_port
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND: Final = "victoria-logs"


@dataclass(frozen=True)
class VictoriaLogs:
    """One at work. `url`: its address; `syslog`: the port of its syslog by TCP."""

    url: str
    syslog: int

    def entries(self) -> list[dict[str, Any]]:
        """All that it has, as it shows it: a few seconds later."""
        answer = httpx.get(f"{self.url}/select/logsql/query", params={"query": "*", "limit": "10000"}, timeout=10)
        return [orjson.loads(line) for line in answer.raise_for_status().content.splitlines()]


def found() -> str | None:
    """Where it is: on PATH, or where `go install` puts it."""
    return shutil.which(COMMAND) or shutil.which(COMMAND, path=Path.home() / "go" / "bin")


@contextmanager
def victoria_logs(command: str, work: Path) -> Iterator[VictoriaLogs]:
    """One that keeps its data there."""
    port, syslog = free_port(), free_port()
    options = [
        f"-storageDataPath={work}/data", f"-httpListenAddr={LOOPBACK}:{port}",
        f"-syslog.listenAddr.tcp={LOOPBACK}:{syslog}",
    ]  # fmt: skip
    made = VictoriaLogs(f"http://{LOOPBACK}:{port}", syslog)
    with (work / "said").open("wb") as said, subprocess.Popen([command, *options], stdout=said, stderr=said) as server:
        try:
            until(lambda: server.poll() is not None or _answers(made), words=(work / "said").read_text)
            assert server.poll() is None, (work / "said").read_text()
            yield made
        finally:
            server.kill()


def _answers(made: VictoriaLogs) -> bool:
    try:
        return httpx.get(f"{made.url}/health", timeout=2).is_success
    except httpx.TransportError:
        return False

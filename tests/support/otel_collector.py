"""An OpenTelemetry collector for tests: any distribution with an OTLP receiver and a debug exporter, as `otelcol`."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_cli.local.ports import LOOPBACK, free_port, listening
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMANDS: Final = ("otelcol", "otelcol-contrib")
_CONFIG: Final = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "{address}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed, sampling_initial: 100000}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [otlp], exporters: [debug]}}}}
"""
_RECORD: Final = re.compile(r"^LogRecord #\d+$", re.MULTILINE)


@dataclass(frozen=True)
class Collector:
    """One at work. `url`: of its receiver; `output`: the file that it writes what it has taken to."""

    url: str
    output: Path

    def records(self) -> list[str]:
        """What it says of each record that it has taken."""
        return _RECORD.split(self.output.read_text())[1:]


def found() -> str | None:
    """Where there is one."""
    return next((path for path in map(shutil.which, _COMMANDS) if path is not None), None)


@contextmanager
def collector(command: str, work: Path) -> Iterator[Collector]:
    """One that runs there."""
    port = free_port()
    config, output = work / "config.yaml", work / "output"
    config.write_text(_CONFIG.format(address=f"{LOOPBACK}:{port}"))
    with output.open("wb") as out, subprocess.Popen([command, "--config", config], stdout=out, stderr=out) as process:
        try:
            until(lambda: process.poll() is not None or listening(port), words=output.read_text)
            assert process.poll() is None, output.read_text()
            yield Collector(f"http://{LOOPBACK}:{port}", output)
        finally:
            process.kill()

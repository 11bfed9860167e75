"""What strangers write into a request does nothing to the terminal that shows a log."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOG = """
from aoc_common.settings import TelemetrySettings
from aoc_common.telemetry import logs
logs.configure("api", TelemetrySettings(log_format={form!r}))
logs.get("x").info("sign_in.refused", path={path!r})
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_value_of_a_log_line_holds_nothing_that_a_terminal_obeys(form: str) -> None:
    path = "/api/\x1b[2J\x9b31m\x07\u2028next"
    run = subprocess.run(
        [sys.executable, "-c", _LOG.format(form=form, path=path)], capture_output=True, text=True, check=True
    )

    [line] = run.stderr.splitlines()
    assert "sign_in.refused" in line
    assert not {"\x9b", "\x07", "\u2028"} & set(line)
    assert "\x1b[2J" not in line

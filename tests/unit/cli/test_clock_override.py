"""Clocks of services that a run can step."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from aoc_cli.verify import clock_override
from aoc_cli.verify.clock_override import Offset
from aoc_cli.verify.clocks import launcher

DAYS = 3 * 86400.0


def test_a_clock_without_a_file_is_right(tmp_path) -> None:
    assert abs(Offset(tmp_path / "collector").now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_clock_follows_its_file(tmp_path) -> None:
    file = tmp_path / "clocks" / "collector"
    clock_override.write(file, DAYS)
    ahead = Offset(file).now() - datetime.now(UTC)
    clock_override.write(file, -3600)
    behind = Offset(file).now() - datetime.now(UTC)

    assert abs(ahead - timedelta(days=3)) < timedelta(seconds=5)
    assert abs(behind + timedelta(hours=1)) < timedelta(seconds=5)


def test_a_file_that_holds_no_number_stops_the_service(tmp_path) -> None:
    file = tmp_path / "collector"
    file.write_text("soon")

    with pytest.raises(ValueError, match="soon"):
        Offset(file).now()


def test_a_module_that_is_launched_gets_its_time_from_the_file(tmp_path) -> None:
    module = tmp_path / "told.py"
    module.write_text(
        "import sys, time\n"
        "from aoc_common.clock import SystemClock\n"
        "print(__name__, sys.argv, (SystemClock().now().timestamp() - time.time()) // 3600)\n"
    )
    clock_override.write(tmp_path / "clocks" / "collector", DAYS + 60)
    command = [sys.executable, "-m", *launcher(tmp_path / "clocks", "collector"), "told"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)

    assert ran.stdout.split() == ["__main__", f"['{module}']", "72.0"]

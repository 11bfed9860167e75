"""Microsoft is away for days, in time that runs fast: what piled up is collected, all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thoroughness import only_thorough

BENCH = Path(__file__).parents[2] / "bench" / "outage.py"
DAYS = 3


@pytest.mark.slow
@only_thorough
@pytest.mark.timeout(620)
def test_after_days_without_microsoft_nothing_is_missing() -> None:
    # Forty simulated seconds a second: the bench goes by no dates of answers, and judges when all is read, so a busy
    # machine, or a job that waits in real seconds, makes it slower and nothing else.
    ran = subprocess.run(
        [sys.executable, BENCH, "--days", str(DAYS), "--speed", "40", "--json"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    outcome = json.loads(ran.stdout)
    assert (outcome["missing"], outcome["gaps"]) == (0, 0), outcome
    assert outcome["records"] > 5000

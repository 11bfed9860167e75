"""Among many events, too, a search examines little beside what it finds: the bench of queries says so itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aoc_cli.local import engines
from aoc_cli.local.engines import ENGINES, Engine
from thoroughness import only_thorough

pytestmark = [pytest.mark.slow, only_thorough, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_filter_and_pair_among_8_000_events_is_bounded(engine: Engine) -> None:
    if engines.installed(engine) is None:
        pytest.skip(f"needs {engine.program} on PATH")
    command = [sys.executable, str(ROOT / "bench" / "queries.py"), "--slim", "--repeat", "0", "--json"]
    command += ["--events", "8000", "--beside", "160"]
    env = {**os.environ, engines.ENGINE_ENV: engine.name}
    done = subprocess.run(command, env=env, capture_output=True, timeout=380, check=False)
    report = json.loads(done.stdout)

    assert (report["events"], report["beyond_bounds"], done.returncode) == (8_000, [], 0)
    assert report["queries"] > 250

"""The benches of the gateway run, and say what they promise to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thoroughness import only_thorough

pytestmark = [pytest.mark.slow, only_thorough]

ROOT = Path(__file__).parents[2]


def test_the_bench_of_the_gateway_tells_both_figures() -> None:
    arguments = ["--events", "200", "--sources", "2", "--at-once", "2", "--asks", "5", "--json"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "gateway.py"), *arguments], capture_output=True, timeout=100, check=True
    )
    figures = json.loads(done.stdout)

    assert figures["source_health_ms"]["worst"] > 0
    assert figures["cheap_beside_dear_ms"]["worst"] > 0


def test_the_bench_of_many_analysts_tells_what_a_request_costs_and_none_is_refused() -> None:
    arguments = ["--analysts", "3", "--seconds", "8", "--pause", "1", "--events", "500", "--json"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "gateway_load.py"), *arguments],
        capture_output=True, timeout=100, check=True,
    )  # fmt: skip
    figures = json.loads(done.stdout)

    assert set(figures["answers"]) == {"200"}
    assert figures["requests"] == figures["answers"]["200"] > 10
    assert 0 < figures["cpu_ms_a_request"] < 1_000
    assert len(figures["memory_mib"]) >= 10
    assert min(figures["memory_mib"]) > 20

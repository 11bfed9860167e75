"""The bench of what the gateway's dearest requests leave to others runs, and says what it promises to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_bench_of_the_gateway_tells_both_figures() -> None:
    arguments = ["--events", "200", "--sources", "2", "--at-once", "2", "--asks", "5", "--json"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "gateway.py"), *arguments], capture_output=True, timeout=100, check=True
    )
    figures = json.loads(done.stdout)

    assert figures["source_health_ms"]["worst"] > 0
    assert figures["cheap_beside_dear_ms"]["worst"] > 0

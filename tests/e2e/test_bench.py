"""The benchmarks run. What they measure is theirs to tell, not a test's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_stage_is_measured_against_its_limit(aoc) -> None:
    ran = replace(aoc, root=CHECKOUT).run("bench", "--records", "1000", "--json", timeout=170)

    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)["figures"]
    assert [figure["name"] for figure in figures] == ["publish", "store", "normalise", "end to end"]
    assert all(figure["ours"] > 0 < figure["limit"] for figure in figures)

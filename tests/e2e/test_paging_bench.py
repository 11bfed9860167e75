"""Among many events, too, each comes once over all pages while new ones arrive, and late pages cost no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thoroughness import only_thorough

pytestmark = [pytest.mark.slow, only_thorough, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]


#: So small that the last page is still one of a thousand; the bench by itself takes the 100,000 that are promised.
EVENTS, PAGE = 4_000, 4


def test_paging_gives_every_id_once_while_new_ones_arrive_and_page_1000_examines_little() -> None:
    command = [
        sys.executable,
        str(ROOT / "bench" / "paging.py"),
        "--events",
        str(EVENTS),
        "--page",
        str(PAGE),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, timeout=280, check=False)
    report = json.loads(done.stdout)
    late = report["pages"]["1000"]

    assert (report["events"], report["missing"], report["twice"], report["unknown"]) == (EVENTS, 0, 0, 0)
    assert report["of_those_that_arrived"] < report["arrived"]
    assert late["returned"] == PAGE
    assert late["examined"] <= 2 * late["returned"]
    assert done.returncode == 0

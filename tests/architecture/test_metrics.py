"""Each service exports what it measures, and the reference lists all of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [path for part in ("libs", "services") for path in (ROOT / part).rglob("*.py") if "aoc_sim" not in path.parts]
SERVICES = ("collector", "normalizer", "api")
#: A process that has loaded all of a service, and what it would show at /metrics.
SHOW = """
import importlib, pkgutil, sys
from prometheus_client import generate_latest
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(generate_latest().decode())
"""


def families(text: str) -> set[str]:
    """The families of AOC's in what a process shows."""
    return {name for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE) if name.startswith("aoc_")}


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_family_of_another_one_and_none_of_what_it_does_not_run(service: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", SHOW, f"aoc_{service}"], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    shown_families = families(shown)
    assert shown_families
    assert {name for name in shown_families if not name.startswith(f"aoc_{service}_")} == set()


def test_metrics_are_declared_in_catalogues_and_all_of_them_are_in_the_reference() -> None:
    declared = re.compile(r"\.(?:counter|gauge|histogram)\(\s*\"(aoc_\w+)\"")
    names = {name for path in CODE for name in declared.findall(path.read_text("utf-8"))}
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in CODE
        if re.search(r"prometheus_client import .*(Counter|Gauge|Histogram|Summary)", path.read_text("utf-8"))
        and path.name != "metrics.py"
    ]
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")

    assert elsewhere == []
    assert set(re.findall(r"^\| `(aoc_\w+)`", page, re.MULTILINE)) == names

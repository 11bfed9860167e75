"""The house rules that no linter checks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from aoc_common import roster

ROOT = Path(__file__).parents[2]
TRACKED = [ROOT / name for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()]
PYTHON = [path for path in TRACKED if path.suffix == ".py" and path.exists()]
LONGEST = 400


def test_no_python_file_is_longer_than_one_thing() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in PYTHON if (count := len(path.read_text().splitlines())) > LONGEST
    }

    assert long == {}


@pytest.mark.parametrize("service", roster.SERVICES, ids=lambda one: one.name)
def test_every_service_has_the_same_top(service: roster.Service) -> None:
    package = ROOT / "services" / service.name / service.package
    expected = {"__main__.py", "app.py", "parts", "settings.py"}
    flow = {"routes"} if service is roster.API else {"flow.py"}

    assert (expected | flow) - {path.name for path in package.iterdir()} == set()


def test_nothing_names_a_package_index_host_or_a_path_of_one_machine() -> None:
    hosts = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|/root/|/home/\w+/")
    found = [
        str(path.relative_to(ROOT))
        for path in TRACKED
        if path.exists() and path != Path(__file__) and hosts.search(path.read_text("utf-8", "ignore"))
    ]

    assert found == []


def test_nothing_promises_to_be_done_another_day() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|except Exception:\s*pass")
    found = [
        str(path.relative_to(ROOT)) for path in PYTHON if path != Path(__file__) and marks.search(path.read_text())
    ]

    assert found == []


def test_the_launcher_is_posix_sh() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "aoc")], check=True)

    assert (ROOT / "aoc").read_text().startswith("#!/bin/sh\n")

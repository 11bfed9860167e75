"""The house rules that no linter checks."""

from __future__ import annotations

import importlib
import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from typing_extensions import get_protocol_members, is_protocol

from aoc_common import roster
from each import each

ROOT = Path(__file__).parents[2]
TRACKED = [ROOT / name for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()]
PYTHON = [path for path in TRACKED if path.suffix == ".py" and path.exists()]
LONGEST = 400
#: Methods of a port.
MAX_METHODS = 5


def test_no_python_file_is_longer_than_one_thing() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in PYTHON if (count := len(path.read_text().splitlines())) > LONGEST
    }

    assert long == {}


def test_a_port_of_the_store_stands_in_a_file_of_its_own_and_asks_for_five_things_at_most() -> None:
    packages = ROOT / "libs" / "aoc_common" / "aoc_common" / "store"
    ports = {
        path.stem: [
            (name, sum(callable(getattr(port, member)) for member in get_protocol_members(port)))
            for name, port in vars(importlib.import_module(f"aoc_common.store.{path.stem}")).items()
            if isinstance(port, type) and is_protocol(port) and port.__module__ == f"aoc_common.store.{path.stem}"
        ]
        for path in packages.glob("*.py")
        if path.stem != "__init__"
    }

    assert sum(map(len, ports.values())) >= 30
    assert {name for name, several in ports.items() if len(several) > 1} == set()
    assert {name: count for several in ports.values() for name, count in several if count > MAX_METHODS} == {}


@each("service", roster.SERVICES, ids=lambda service: service.name)
def test_every_service_has_the_same_top(service: roster.Service) -> None:
    package = ROOT / "services" / service.name / service.package
    expected = {"__main__.py", "app.py", "parts", "settings.py"}
    flow = {"routes"} if service is roster.API else {"flow.py"}

    assert (expected | flow) - {path.name for path in package.iterdir()} == set()


def test_no_file_imports_itself_by_way_of_others_also_where_only_types_are_imported() -> None:
    packages = [path.name for path in ROOT.glob("*/*/aoc_*") if path.is_dir()]
    graph = grimp.build_graph(*packages, cache_dir=None)
    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})

    assert len(graph.modules) >= 500
    assert len(list(order.static_order())) == len(graph.modules)


def test_nothing_names_a_package_index_host_or_a_path_of_one_machine() -> None:
    hosts = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|/root/|/home/\w+/")
    offending = [
        str(path.relative_to(ROOT))
        for path in TRACKED
        if path.exists() and path != Path(__file__) and hosts.search(path.read_text("utf-8", "ignore"))
    ]

    assert offending == []


@pytest.mark.slow
def test_nothing_promises_to_be_done_another_day() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|except Exception:\s*pass")
    offending = [
        str(path.relative_to(ROOT)) for path in PYTHON if path != Path(__file__) and marks.search(path.read_text())
    ]

    assert offending == []


def test_the_launcher_is_posix_sh() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "aoc")], check=True)

    assert (ROOT / "aoc").read_text().startswith("#!/bin/sh\n")

"""The fast lane holds nearly all tests, every contract suite among them, and a run says what it left out."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from each import each
from lanes import _shares, dealt
from unsteady import deaths

TESTS = Path(__file__).parents[1]
SLOW = "pytest.mark.slow"
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> dict[str, bool]:
    """Test functions of a file -> whether each is slow."""
    tree = ast.parse(path.read_text())
    module_is_slow = any(isinstance(node, ast.Assign) and SLOW in ast.unparse(node.value) for node in tree.body)
    tests = [node for node in tree.body if isinstance(node, FUNCTION) and node.name.startswith("test_")]
    return {test.name: module_is_slow or SLOW in {ast.unparse(mark) for mark in test.decorator_list} for test in tests}


@pytest.fixture(scope="module")
def every() -> dict[Path, dict[str, bool]]:
    return {path.relative_to(TESTS): functions(path) for path in sorted(TESTS.rglob("test_*.py"))}


def test_at_least_nine_of_ten_test_functions_are_in_the_fast_lane(every) -> None:
    slow = [is_slow for tests in every.values() for is_slow in tests.values()]

    assert len(slow) > 1500
    assert sum(slow) > 0
    assert sum(slow) / len(slow) <= 0.1


def test_no_contract_suite_is_left_out_of_the_fast_lane(every) -> None:
    slow = [
        f"{path}::{name}"
        for path, tests in every.items()
        if path.parts[0] == "contract"
        for name in tests
        if tests[name]
    ]

    assert slow == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """`run("-n0")`: pytest over two quick functions of three cases and one slow one of two, without the slow one."""
    folder = tmp_path_factory.mktemp("lanes")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    (folder / "conftest.py").write_text(
        "from lanes import Lanes\n\ndef pytest_configure(config):\n    config.pluginmanager.register(Lanes())\n"
    )
    (folder / "test_some.py").write_text(
        "import pytest\n\n"
        "def test_a(): pass\n\n"
        "@pytest.mark.parametrize('n', [1, 2])\ndef test_b(n): pass\n\n"
        "@pytest.mark.slow\n@pytest.mark.parametrize('n', [1, 2])\ndef test_c(n): pass\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    def start(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments],
            cwd=folder, env=env | {"PYTHONPATH": str(TESTS / "support")}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    return start


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_of_the_fast_lane_says_what_it_left_out_and_how_to_run_it(run, workers: str) -> None:
    output = run("-n", workers, "-m", "not slow")

    assert "2 of 3 test functions ran (66.7%).\nLeft out: 1 slow ones (2 cases)." in output
    assert "Everything: ./aoc test --all." in output
    assert "3 passed" in output


def test_a_run_of_everything_says_nothing_of_lanes_and_begins_with_what_is_slow(run) -> None:
    output = run("-n0")

    assert "fast lane" not in output
    assert output.index("test_c[2]") < output.index("test_a")
    assert "5 passed" in output


@each(("quick", "slow", "workers"), [(11, 5, 4), (0, 3, 2), (7, 0, 3), (2, 9, 4), (1, 1, 1)])
def test_half_of_the_workers_begin_with_slow_tests_and_none_is_left_out(quick: int, slow: int, workers: int) -> None:
    class Item(str):
        __slots__ = ()

        @property
        def nodeid(self) -> str:
            return f"test_{self}.py::test"

        def get_closest_marker(self, name: str) -> object:
            held = {"slow": self.startswith("slow"), "timeout": SimpleNamespace(args=(int(self.split()[1]),))}
            return held[name] or None

    items = [Item(f"quick {n}") for n in range(quick)] + [Item(f"slow {n}") for n in range(slow)]
    order = dealt(cast("Any", items), workers)
    longest = [f"slow {n}" for n in reversed(range(slow))]
    shares = [order[len(items) * n // workers : len(items) * (n + 1) // workers] for n in range(workers)]

    assert sorted(map(str, order)) == sorted(map(str, items))
    if slow <= quick // 2:
        burdened = (workers + 1) // 2
        assert [str(share[0]) for share in shares[:burdened] if share][:slow] == longest[:burdened]
        assert all(str(item).startswith("quick") for share in shares[burdened:] for item in share)


def test_slow_tests_of_one_file_stay_with_one_worker() -> None:
    class Item(SimpleNamespace):
        def get_closest_marker(self, name: str) -> object:
            return {"slow": True, "timeout": SimpleNamespace(args=(self.patience,))}[name]

    items = [Item(nodeid=f"{file}.py::{n}", patience=300 - n) for n in range(4) for file in ("up", "login", "verify")]
    shares = _shares(cast("Any", items), 2)

    assert sorted(len(share) for share in shares) == [4, 8]
    assert {item.nodeid.partition(".")[0] for item in shares[0]}.isdisjoint(
        item.nodeid.partition(".")[0] for item in shares[1]
    )


def test_of_the_writes_at_which_a_server_may_die_some_are_tried_however_few_there_are() -> None:
    assert {*deaths(6, "before"), *deaths(6, "after")} >= {0, 1, 3, 4}
    assert [list(deaths(1, how, step)) for how in ("before", "after") for step in (3, 12)] == [[0]] * 4

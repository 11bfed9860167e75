"""What `./aoc test` gives to pytest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aoc_cli import developer

PARALLEL = ("-n", "6", "--dist", "worksteal")
FAST = ("-m", "not slow")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`started("-x")`: the programs that were started, with their arguments; each ends with status 3."""
    calls: list[tuple[str, ...]] = []

    def run(*command: str) -> int:
        calls.append(command)
        return 3

    monkeypatch.setattr(developer, "_run", run)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 2})

    def start(*arguments: str, **options: bool) -> list[tuple[str, ...]]:
        context: Any = SimpleNamespace(args=list(arguments))
        with pytest.raises(SystemExit) as ended:
            developer.run_tests(context, **options)
        assert ended.value.code == 3
        return calls

    return start


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), (*FAST, *PARALLEL)),
        (("-x", "--durations", "20"), (*FAST, *PARALLEL, "-x", "--durations", "20")),
        (("-n", "2"), (*FAST, "-n", "2")),
        (("-n0",), (*FAST, "-n0")),
        (("-m", "slow"), (*PARALLEL, "-m", "slow")),
        (("-k", "ledger"), ("-k", "ledger")),
        (("tests/contract",), ("tests/contract",)),
        (("tests/e2e/test_up.py::test_a",), ("tests/e2e/test_up.py::test_a",)),
    ],
)
def test_whoever_names_tests_gets_those_and_everybody_else_the_fast_lane(started, arguments, expected) -> None:
    assert started(*arguments) == [("pytest", *expected)]


def test_all_is_without_a_selection(started) -> None:
    assert started("-x", everything=True) == [("pytest", *PARALLEL, "-x")]


def test_coverage_is_measured_in_every_process_and_then_shown(started) -> None:
    first, measured, *shown = started("-k", "ledger", coverage=True)

    assert first == ("coverage", "erase")
    assert measured == ("coverage", "run", "-m", "pytest", "-k", "ledger")
    assert [command[:2] for command in shown] == [("coverage", "combine"), ("coverage", "report"), ("coverage", "html")]

"""Two lanes: what is not slow, and all. A run without the slow tests says at its end how many it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SLOW: Final = "slow"
#: Seconds that a slow test is thought to take which names no bound of its own.
_SOME: Final = 10.0


class Lanes:
    """Deals slow tests first, so that none is begun last, and tells what was left out of the run."""

    def __init__(self) -> None:
        self._functions = 0
        #: Functions and cases that were left out.
        self._left_out = (0, 0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Order and count what was collected, before anything is deselected."""
        workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
        items[:] = dealt(items, workers)
        self._functions = _functions(items)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what does not run."""
        functions, cases = self._left_out
        self._left_out = (functions + _functions(items), cases + len(items))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker tells the process that reports. All of them collect the same."""
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["lanes"] = (self._functions, *self._left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """What a worker has told."""
        self._functions, *left_out = getattr(node, "workeroutput", {}).get("lanes", (self._functions, *self._left_out))
        self._left_out = (left_out[0], left_out[1])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """How many were left out, and how to run them."""
        functions, cases = self._left_out
        if functions and config.getoption("markexpr") == f"not {SLOW}":
            ran, share = self._functions - functions, 1 - functions / self._functions
            terminalreporter.section("fast lane")
            terminalreporter.line(f"{ran} of {self._functions} test functions ran ({share:.1%}).")
            terminalreporter.line(f"Left out: {functions} slow ones ({cases} cases).")
            terminalreporter.line(f"Everything: ./aoc test --all. Those alone: ./aoc test -m {SLOW}.")


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests in an order in which the shares of half of the workers begin with the slow ones, the longest first.

    xdist gives each worker a stretch of the list, as long as the others', and those who are done take from the rest.
    Many slow tests run a whole system: were all workers at these at once, each would take too long. Those of one file
    stay together, since many a file has one system for all of its tests, which each worker would start anew.
    """
    slow = [item for item in items if item.get_closest_marker(SLOW)]
    quick = [item for item in items if not item.get_closest_marker(SLOW)]
    shares = _shares(slow, (workers + 1) // 2)
    order: list[pytest.Item] = []
    for number in range(workers):
        end = len(items) * (number + 1) // workers
        if number < len(shares):
            order += shares[number]
        order += [quick.pop(0) for _ in range(min(len(quick), end - len(order)))]
    return order + quick


def _shares(slow: Iterable[pytest.Item], number: int) -> list[list[pytest.Item]]:
    """So many shares of about as much patience, file by file."""
    files: dict[str, list[pytest.Item]] = {}
    for item in sorted(slow, key=_patience, reverse=True):
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(number)]
    weights = [0.0] * number
    for items in files.values():
        lightest = weights.index(min(weights))
        shares[lightest] += items
        weights[lightest] += sum(max(_patience(item), _SOME) for item in items)
    return shares


def _patience(item: pytest.Item) -> float:
    """Seconds that a test may take: the longer it may, the longer it does."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker and marker.args else 0.0


def _functions(items: Iterable[pytest.Item]) -> int:
    """How many functions these are cases of."""
    return len({item.nodeid.partition("[")[0] for item in items})

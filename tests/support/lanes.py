"""Two lanes: what is not slow, and all. A run without the slow tests says at its end how many it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SLOW: Final = "slow"


class Lanes:
    """Puts slow tests first, so that none of them is begun last, and tells what was left out of the run."""

    def __init__(self) -> None:
        self._functions = 0
        #: Functions and cases that were left out.
        self._left_out = (0, 0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order and count what was collected, before anything is deselected."""
        items.sort(key=lambda item: item.get_closest_marker(SLOW) is None)
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


def _functions(items: Iterable[pytest.Item]) -> int:
    """How many functions these are cases of."""
    return len({item.nodeid.partition("[")[0] for item in items})

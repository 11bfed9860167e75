"""Which small faults of the rule engine its tests notice.

    python bench/sigma_mutants.py --list                         what there is to change
    python bench/sigma_mutants.py --results run.jsonl            all of them; may be stopped, and goes on there
    python bench/sigma_mutants.py --minutes 10                   in random order, until the time is over
    python bench/sigma_mutants.py --module conditions nodes

A mutant is the engine with one place changed in memory (`sigma_changes.py`): a comparison, `and` for `or`, a `not` left
out, a branch taken the other way, `any` for `all`, True for False, a number that is one more. The tests are collected
once, and each is run alone to see which functions of the engine it enters. A mutant then runs in a fork of that
process, and meets only the tests that enter what it changes, the quickest first. The first that fails has noticed it,
as has taking too long. What an earlier run has noticed, by its `--results`, is not tried again. Exit status 1 if one
survives that is not known to change nothing (`sigma_equal.py`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
from sigma_changes import (  # type: ignore[import-not-found]  # beside this file
    ENGINE,
    PACKAGE,
    Mutant,
    apply,
    constants,
    holders,
    modules,
    mutants,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType

_ROOT: Final = Path(__file__).parents[1]
_TESTS: Final = tuple(
    f"tests/unit/alerter/test_sigma_{name}.py"
    for name in ("modifiers", "conditions", "fields", "lists", "faults", "lint", "sources", "index", "pim", "bounds")
)
#: Not those that try many sets of rules, or measure.
_FAST: Final = "not no_rule_that_matches and not ten_thousand and not whatever_an_expression"
#: What a mutant that never ends may take: seconds of computing, seconds in all, and bytes.
_COMPUTING_S: Final = 30
_TOO_LONG_S: Final = 300
_MEMORY_BYTES: Final = 4 * 1024**3
_TOOL: Final = sys.monitoring.COVERAGE_ID


@dataclass(frozen=True, slots=True)
class Entered:
    """What a test needs, run alone: seconds, and the functions of the engine that it enters, as `module:qualname`."""

    seconds: float
    functions: frozenset[str]

    def enters(self, mutant: Mutant) -> bool:
        """Whether it could notice a mutant of these functions."""
        if mutant.within:
            function = f"{mutant.module}:{mutant.within}"
            return any(one == function or one.startswith(f"{function}.") for one in self.functions)
        module = importlib.import_module(f"{PACKAGE}.{mutant.module}")
        held = {holder for name in constants(mutant) for holder in holders(name, vars(module)[name])} | {module}
        held |= holders(mutant.module, module)
        names = {holder.__name__.removeprefix(f"{PACKAGE}.") for holder in held}
        # What enters nothing looks at what modules say.
        return not self.functions or any(one.partition(":")[0] in names for one in self.functions)


class Trial:
    """A plugin of pytest: instead of running the collected tests once, it runs them for each mutant."""

    def __init__(
        self, every: Sequence[Mutant], told: Callable[[Mutant, bool], None], workers: int, ends: float
    ) -> None:
        self._pending = list(reversed(every))
        self._told = told
        self._workers = workers
        self._ends = ends
        self._running: dict[int, Mutant] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """The loop over the mutants. Raises SystemExit where a test fails without one."""
        entered = {item: _alone(session, item) for item in session.items}
        ordered = sorted(entered, key=lambda item: entered[item].seconds)
        while self._running or self._more():
            while self._more() and len(self._running) < self._workers:
                mutant = self._pending.pop()
                if items := [item for item in ordered if entered[item].enters(mutant)]:
                    self._running[_forked(session, items, mutant)] = mutant
                else:
                    self._told(mutant, False)
            if self._running:
                child, status = os.wait()
                self._told(self._running.pop(child), status != 0)
        return True

    def _more(self) -> bool:
        return bool(self._pending) and time.monotonic() < self._ends


def _alone(session: pytest.Session, item: pytest.Item) -> Entered:
    """Run a test in a process of its own, where no other one has made or remembered what it needs."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        functions, began = _watched(), time.process_time()
        _run(session, [item], lambda: os.write(writes, json.dumps([time.process_time() - began, *functions]).encode()))
    os.close(writes)
    with os.fdopen(reads) as pipe:
        told = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit(f"without any change, this fails: {item.nodeid}")
    seconds, *functions = json.loads(told)
    return Entered(seconds, frozenset(functions))


def _watched() -> set[str]:
    """The functions of the engine that are entered from now on."""
    functions = set[str]()

    def entered(code: CodeType, _: int) -> object:
        path = Path(code.co_filename)
        if path.parent == ENGINE:
            functions.add(f"{path.stem}:{code.co_qualname}")
        return sys.monitoring.DISABLE

    sys.monitoring.use_tool_id(_TOOL, "mutants")
    sys.monitoring.register_callback(_TOOL, sys.monitoring.events.PY_START, entered)
    sys.monitoring.set_events(_TOOL, sys.monitoring.events.PY_START)
    return functions


def _forked(session: pytest.Session, items: Sequence[pytest.Item], mutant: Mutant) -> int:
    """The process in which these tests meet a mutant; it ends well if they notice nothing."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (_COMPUTING_S, _COMPUTING_S))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        signal.alarm(_TOO_LONG_S)
        _run(session, items, lambda: None, mutant)
    return child


def _run(
    session: pytest.Session, items: Sequence[pytest.Item], finished: Callable[[], object], mutant: Mutant | None = None
) -> None:
    """In a child: run these tests until one fails. Never returns."""
    status = 1
    try:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        session.config.pluginmanager.unregister(reporter)
        if mutant is not None:
            apply(mutant)
        for item, following in zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                break
        finished()
        status = int(bool(session.testsfailed))
    finally:
        os._exit(status)


class Results:
    """Which mutants were noticed, in memory and in a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._shown = os.dup(2)  # pytest takes what is written
        self._noticed: dict[str, bool] = {}
        if path is not None and path.exists():
            for line in path.read_text("utf-8").splitlines():
                told = json.loads(line)
                self._noticed[told["mutant"]] = told["noticed"]

    def of(self, mutant: Mutant) -> bool | None:
        """Whether it was noticed; None if it was not tried."""
        return self._noticed.get(mutant.key)

    def tell(self, mutant: Mutant, noticed: bool) -> None:
        """Remember it; show who survives."""
        self._noticed[mutant.key] = noticed
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"mutant": mutant.key, "noticed": noticed}) + "\n")
        if not noticed and not mutant.equal:
            os.write(self._shown, f"survives: {mutant}\n".encode())


def _summary(every: Sequence[Mutant], results: Results) -> bool:
    """Print what became of them. Whether one survives that should not."""
    tried = [one for one in every if results.of(one) is not None]
    survivors = [one for one in tried if not results.of(one)]
    equal = sum(one.equal for one in survivors)
    print(f"{len(tried)} of {len(every)} mutants tried: {len(tried) - len(survivors)} noticed,")
    print(f"{len(survivors)} survive, of which {equal} change nothing to be seen")
    return bool(equal < len(survivors))


def main() -> None:
    """Try them and tell which survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", nargs="+", metavar="NAME", help="of these modules")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="how long new ones are begun")
    parser.add_argument("--results", type=Path, metavar="FILE", help="what became of them, as lines of JSON")
    parser.add_argument("--workers", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--seed", default="0", help="of the order in which they are tried")
    parser.add_argument("--list", action="store_true", help="name them all")
    options = parser.parse_args()
    every = [mutant for module in options.module or modules() for mutant in mutants(module)]
    if options.list:
        print("\n".join(map(str, every)))
        return
    results = Results(options.results and options.results.resolve())
    pending = [mutant for mutant in every if not results.of(mutant)]
    Random(options.seed).shuffle(pending)
    os.chdir(_ROOT)
    trial = Trial(pending, results.tell, options.workers, time.monotonic() + 60 * options.minutes)
    quiet = ("-q", "-n0", "-p", "no:cacheprovider", "-m", "not slow", "-k", _FAST)
    if pytest.main([*quiet, *_TESTS], plugins=[trial]) not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise SystemExit(2)
    raise SystemExit(_summary(every, results))


if __name__ == "__main__":
    main()

"""Which mutations of the pipeline `aoc verify` notices, and which the fast tests do.

    python bench/mutants.py                          all of them, one at a time; a table in the end
    python bench/mutants.py --only hour-off raw-cut
    python bench/mutants.py --sample 10 --seed COMMIT --until-caught

Each mutation (`mutations_*.py`) changes one place of the product in memory (`mutated.py`); no file changes. For each,
`aoc verify --quick` runs the whole pipeline on few records, and the tests run that are closest to the mutated module,
until one fails. The product as it is goes first: what notices it proves nothing, and how long it takes to come to rest
is how long a mutation is waited for. With `--until-caught` the tests go before the verification, which takes longer,
and the product as it is is verified when a mutation first needs it. Exit status 0 if each mutation was noticed by one
of the two, and the product as it is by none. All of them take some 25 minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Final

from mutations import MUTATIONS  # type: ignore[import-not-found]  # beside this file
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROOT: Final = Path(__file__).parents[1]
#: The empty mutation: a table is valid only when neither the run nor a test reports it.
_NOTHING: Final = "nothing"
#: Seconds that a verification may take to come to rest: the least, the most, and how often what the product takes.
_REST_S: Final = (40, 90)
_REST_TIMES: Final = 3
#: Seconds that it and the tests may take in all.
_VERIFY_S: Final = 300
_TESTS_S: Final = 300
_TWINS: Final = (
    "tests/unit/normalizer/test_twins.py",
    "tests/unit/normalizer/test_twin_messages.py",
    "tests/unit/normalizer/test_twin_assertions.py",
    "tests/integration/normalizer/test_twins.py",
)
_SIGNED: Final = ("tests/unit/cli/test_verify_signed.py",)
#: Beginning of a module's name -> the tests that are closest to it: seconds each, not minutes.
_TESTS: Final[Mapping[str, Sequence[str]]] = {
    "aoc_collector": ("tests/unit/collector",),
    "aoc_normalizer.write.writer": (
        "tests/integration/normalizer/test_redelivery.py",
        "tests/integration/normalizer/test_flow.py",
    ),
    "aoc_normalizer.write.dedupe": ("tests/integration/normalizer/test_versions.py",),
    "aoc_normalizer.write.comparison": ("tests/integration/normalizer/test_versions.py",),
    "aoc_normalizer": ("tests/unit/normalizer/test_ground_truth.py", "tests/unit/normalizer"),
    "aoc_common.contracts": ("tests/unit/common", "tests/unit/normalizer/test_ground_truth.py"),
    "aoc_common.store": ("tests/contract", "--ignore=tests/contract/sim"),
    "aoc_common.store.mongo.access_paths": (
        "tests/contract/test_event_search.py",
        "tests/contract/test_hidden_events.py",
    ),
    "aoc_common.store.mongo.account": ("tests/contract/test_account.py", "tests/contract/test_account_completeness.py"),
    "aoc_common.store.mongo.arrivals": ("tests/contract/test_arrivals.py",),
    "aoc_common.store.mongo.event_search": ("tests/contract/test_event_search.py",),
    "aoc_common.store.mongo.search_plans": (
        "tests/contract/test_event_search.py",
        "tests/contract/test_stopped_search.py",
    ),
    "aoc_common.store.mongo.visible_events": ("tests/contract/test_hidden_events.py",),
    "aoc_common.store.mongo.twins": ("tests/contract/test_twins.py", *_TWINS),
    "aoc_common.contracts.twins": _TWINS,
    "aoc_normalizer.twins": _TWINS,
    "aoc_common.store.mongo.import_accounts": ("tests/contract/test_imports.py",),
    "aoc_cli.importing": ("tests/unit/cli/test_custody.py",),
    "aoc_cli.reports": (
        "tests/unit/cli/test_report_form.py",
        "tests/unit/cli/test_report_check.py",
        "tests/unit/cli/test_report_imports.py",
        *_SIGNED,
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mutation was noticed (None: not run), by what, and in how many seconds."""

    noticed: bool | None = None
    by: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutation."""

    name: str
    what: str
    verify: Verdict = field(default_factory=Verdict)
    tests: Verdict = field(default_factory=Verdict)

    @property
    def caught(self) -> bool:
        """Whether anything noticed it."""
        return bool(self.verify.noticed or self.tests.noticed)


def _run(name: str, arguments: Sequence[str], limit_s: float) -> tuple[int | None, str, str, float]:
    """Run a module with a mutation: status (None: it took too long), output, errors, seconds."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AOC_")}
    path = os.pathsep.join(filter(None, (str(_ROOT / "bench"), environment.get("PYTHONPATH"))))
    env = environment | {"PYTHONPATH": path, "AOC_MUTANT": name, "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.monotonic()
    command = [sys.executable, "-m", "mutated", *arguments]
    process = subprocess.Popen(
        command, cwd=_ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return None, out, err, time.monotonic() - started
    return process.returncode, out, err, time.monotonic() - started


def verified(name: str, events: int, seed: int, rest_s: int) -> Verdict:
    """Run `aoc verify`, which may take so many seconds to come to rest."""
    arguments = ("aoc_cli.main", "verify", "--quick", "--json", "--events", str(events), "--seed", str(seed))
    status, out, err, seconds = _run(name, (*arguments, "--timeout", str(rest_s)), _VERIFY_S)
    return Verdict(status != 0, _reason(status, out, err), round(seconds, 1))


def _reason(status: int | None, out: str, err: str) -> str:
    if status is None:
        return f"not done after {_VERIFY_S} s"
    try:
        account = json.loads(out)
    except json.JSONDecodeError:
        return (err.strip().splitlines() or ["no output"])[-1][:120]
    reasons = [f"{count} {name}" for name in _COUNTS if (count := account[name])]
    reasons += [f"twins {name} {account['twins'][name]}" for name in ("missed", "wrong") if account["twins"][name]]
    kinds = account["statements"].get("kinds", {})
    reasons += [f"{kind} ({counts['false']})" for kind, counts in kinds.items() if counts["false"]]
    if not account["drained"]:
        reasons.append("never at rest")
    return "; ".join(reasons)


_COUNTS: Final = ("lost", "doubled", "hidden", "unknown", "misaccounted")


def closest(name: str) -> Sequence[str]:
    """The tests that are closest to a mutation."""
    module = MUTATIONS[name].module
    return _TESTS[max((start for start in _TESTS if module.startswith(start)), key=len)]


def tested(name: str, tests: Iterable[str]) -> Verdict:
    """Run tests with a mutation, until one fails."""
    chosen = (*tests, "-m", "not slow", "-k", "not hostile")
    quiet = ("-q", "-x", "-n0", "--no-header", "-p", "no:cacheprovider")
    status, out, _, seconds = _run(name, ("pytest", *quiet, *chosen), _TESTS_S)
    failed = [line.partition(" ")[2] for line in out.splitlines() if line.startswith(("FAILED", "ERROR"))]
    by = failed[0].partition(" - ")[0].removeprefix("tests/") if failed else ""
    reasons = {0: "", None: "too long"}.get(status, by or "no test could be run")
    # What could not be run, or was not done, has noticed nothing.
    return Verdict(bool(by), reasons, round(seconds, 1))


class Verification:
    """`aoc verify` of mutations, after that of the product as it is."""

    def __init__(self, events: int, seed: int) -> None:
        self._events, self._seed = events, seed
        self._first = Lock()
        self._rest_s: int | None = None

    def rest_s(self) -> int:
        """How long a mutation may take to come to rest. Raises SystemExit when the product as it is does not pass."""
        with self._first:
            if self._rest_s is None:
                least, most = _REST_S
                plain = verified(_NOTHING, self._events, self._seed, most)
                if plain.noticed:
                    raise SystemExit(f"without any mutation, verify says: {plain.by}")
                self._rest_s = max(least, min(most, int(_REST_TIMES * plain.seconds)))
            return self._rest_s

    def of(self, name: str) -> Verdict:
        """The verdict on a mutation."""
        return verified(name, self._events, self._seed, self.rest_s())


def _outcome(name: str, options: argparse.Namespace, verification: Verification) -> Outcome:
    tests = Verdict() if options.verify_only else tested(name, closest(name))
    run_verify = not options.tests_only and not (options.until_caught and tests.noticed)
    verify = verification.of(name) if run_verify else Verdict()
    outcome = Outcome(name, MUTATIONS[name].what, verify, tests)
    verdict = "noticed" if outcome.caught else "not noticed"
    print(f"{verdict}: {name}: {verify.by or tests.by}", file=sys.stderr, flush=True)
    return outcome


def _show(outcomes: Sequence[Outcome]) -> None:
    table = Table("mutation", "what is wrong then", "verify", "fast tests", title=f"{len(outcomes)} mutations")
    for outcome in outcomes:
        table.add_row(outcome.name, outcome.what, *(_cell(verdict) for verdict in (outcome.verify, outcome.tests)))
    console = Console(width=200)
    console.print(table)
    by_verify = sum(bool(outcome.verify.noticed) for outcome in outcomes)
    by_tests = sum(bool(outcome.tests.noticed) for outcome in outcomes)
    missed = [outcome.name for outcome in outcomes if not outcome.caught]
    console.print(
        f"caught by verify {by_verify}, by the fast tests {by_tests}, by neither {len(missed)}: {', '.join(missed)}"
    )


def _cell(verdict: Verdict) -> str:
    if verdict.noticed is None:
        return ""
    return f"[{'green' if verdict.noticed else 'red'}]{'yes' if verdict.noticed else 'no'}[/] {verdict.by}"


def _chosen(options: argparse.Namespace) -> list[str]:
    if options.only:
        if strangers := set(options.only) - MUTATIONS.keys():
            raise SystemExit(f"--only: no such mutation: {', '.join(sorted(strangers))}; known: {', '.join(MUTATIONS)}")
        return list(options.only)
    if options.sample is None:
        return list(MUTATIONS)
    return Random(f"mutants:{options.seed}").sample(list(MUTATIONS), min(options.sample, len(MUTATIONS)))


def _all(names: Sequence[str], options: argparse.Namespace) -> list[Outcome]:
    """Try them beside each other. Raises SystemExit when the product as it is does not pass."""
    verification = Verification(options.events, options.events_seed)
    if not options.tests_only and not options.until_caught:
        verification.rest_s()  # while nothing else runs
    with ThreadPoolExecutor(options.jobs) as threads:
        outcomes = list(threads.map(lambda name: _outcome(name, options, verification), names))
    # A test that fails without a mutation has noticed none.
    failed = sorted({f"tests/{outcome.tests.by}" for outcome in outcomes if outcome.tests.noticed})
    if failed and (plain := tested(_NOTHING, failed)).by:
        raise SystemExit(f"without any mutation, this test fails: {plain.by}")
    return outcomes


def main() -> None:
    """Try them and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutations")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, chosen by --seed")
    parser.add_argument("--seed", default="0", help="of the sample, e.g. the commit")
    parser.add_argument("--until-caught", action="store_true", help="no verification of what the tests have noticed")
    parser.add_argument("--verify-only", action="store_true", help="no tests")
    parser.add_argument("--tests-only", action="store_true", help="no verification")
    parser.add_argument("--events", type=int, default=400, help="records of each verification")
    parser.add_argument("--events-seed", type=int, default=5, help="of their records and faults")
    parser.add_argument("--jobs", type=int, default=2, help="mutations that are tried beside each other")
    parser.add_argument("--list", action="store_true", help="name the mutations that would be tried")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = _chosen(options)
    if options.list:
        print("\n".join(f"{name}: {MUTATIONS[name].what}" for name in names))
        return
    outcomes = _all(names, options)
    if options.json:
        print(json.dumps([asdict(outcome) | {"caught": outcome.caught} for outcome in outcomes], indent=1))
    else:
        _show(outcomes)
    raise SystemExit(any(not outcome.caught for outcome in outcomes))


if __name__ == "__main__":
    main()

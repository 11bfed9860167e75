"""The mutations of `bench/mutants.py` apply to the product as it is, and are detected."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from each import each
from thoroughness import only_thorough

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench"
#: Each is a whole system that runs.
SAMPLE = 10


def _mutations():
    """They stand beside each other, and import each other as scripts do."""
    sys.path.insert(0, str(BENCH))
    try:
        return importlib.import_module("mutations").MUTATIONS
    finally:
        sys.path.remove(str(BENCH))


MUTATIONS = _mutations()


def test_there_are_forty_mutations_and_more_each_with_what_is_wrong_then() -> None:
    assert len(MUTATIONS) >= 40
    assert len({mutation.what for mutation in MUTATIONS.values()}) == len(MUTATIONS)
    assert len({(mutation.module, mutation.old, mutation.new) for mutation in MUTATIONS.values()}) == len(MUTATIONS)


@each("name", MUTATIONS)
def test_a_mutation_fits_its_module_and_leaves_a_module_that_can_be_read(name: str) -> None:
    mutation = MUTATIONS[name]
    path = Path(importlib.util.find_spec(mutation.module).origin)

    assert mutation.module.split(".")[0] in {"aoc_common", "aoc_collector", "aoc_normalizer", "aoc_cli"}
    compile(mutation.applied(path.read_text("utf-8")), path, "exec")


def test_a_mutation_that_no_longer_fits_is_an_error() -> None:
    mutation = next(iter(MUTATIONS.values()))

    with pytest.raises(ValueError, match=f"{mutation.name}: .* has 0 times"):
        mutation.applied("")


def test_a_mutation_is_in_memory_only() -> None:
    mutation = MUTATIONS["hour-off"]
    path = Path(importlib.util.find_spec(mutation.module).origin)
    before = path.read_bytes()
    script = "from aoc_normalizer.fields.times import parse_ms; print(parse_ms('1970-01-01T00:00:01Z'))"
    timed = ["mutated", "timeit", "-n1", "-r1", "-s", script, "0"]
    script = f"import sys; sys.argv = {timed!r}; import mutated; mutated.main()"
    env = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    seen = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=env | {"PYTHONPATH": str(BENCH), "AOC_MUTANT": name},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[0]
        for name in ("hour-off", "nothing", "hour-off")
    ]

    assert seen == ["3601000", "1000", "3601000"]
    assert path.read_bytes() == before


@pytest.mark.slow
@only_thorough
@pytest.mark.timeout(600)
def test_mutations_that_change_with_the_commit_are_all_noticed() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    ran = subprocess.run(
        [sys.executable, BENCH / "mutants.py", "--sample", str(SAMPLE), "--seed", commit, "--until-caught",
         "--events", "300", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    outcomes = json.loads(ran.stdout)

    assert [outcome["name"] for outcome in outcomes if not outcome["caught"]] == [], ran.stderr
    assert len(outcomes) == SAMPLE
    assert ran.returncode == 0

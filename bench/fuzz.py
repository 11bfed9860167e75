"""Coverage-guided fuzzing of the normalizer: whatever a page holds, nothing raises, nothing is lost, nothing grows.

`python bench/fuzz.py [--minutes 30] [--iterations 10000000] [--workers 2] [--corpus DIRECTORY]`

Seeds are records of the simulator's sources and of the golden events. Every input is a raw page; the mutator changes
the JSON (values, types, names, nesting, parts of other seeds), and sometimes the bare bytes. An input that breaks a
promise, takes over 10 s, or makes the process larger than 1 GB is saved beside the corpus and ends that worker.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import atheris
from rich.console import Console
from rich.table import Table

with atheris.instrument_imports(include=["aoc_normalizer", "aoc_common.contracts"]):
    from aoc_common.contracts.event import OCSF_VERSION
    from aoc_common.contracts.terms import MAX_TOKEN
    from aoc_normalizer.normalise import normalise_page
    from aoc_normalizer.reading import RecordContext

import orjson
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aoc_sim import samples
from aoc_sim.records.base import SOURCES

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event

_ROOT: Final = Path(__file__).parents[1]
_GOLDEN: Final = _ROOT / "tests" / "unit" / "normalizer" / "golden"
_CONTEXT: Final = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
_LONGEST: Final = 65_536
_MAX_TERMS: Final = 48
_INT64: Final = 1 << 63
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: One input in so many is normalised twice, and the events of one in so many are held against the official schema.
_TWICE: Final = 16
_VALIDATED: Final = 256

_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1 << 31, (1 << 63) - 1, 1 << 63, -(1 << 63), 1e308, "", " ", "null", "<null>", "N/A",
    "0", "-1", "true", "[]", "{}", "[", '{"', '"', '["a"]', '{"a":{"b":1}}', "\x00", "\u202e", "\ud83d\ude00",
    "dana@contoso.example", "203.0.113.9:443", "[2001:db8::1]:80", "::ffff:1.2.3.4", "localhost:1", "not a time",
    "2026-11-23T07:30:00Z", "5/18/2021 9:13:33 PM", "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z",
    "00000000-0000-0000-0000-000000000000", "S-1-5-18", "NT AUTHORITY\\SYSTEM", "a" * 2000, "{x}", "{target}", "%s",
    "https://[", "file:///etc", "-Name 'a", [], {}, [[]], [None], [{}], {"": ""}, {"$a.b": 1}, {"Name": None},
)  # fmt: skip


def check(data: bytes) -> None:
    """One input. Raises when a promise is broken."""
    events, rejected = normalise_page(data, _CONTEXT)
    for event in events:
        holds(event)
    for part in rejected:
        assert part.reason, "rejected without a reason"
    chance = zlib.crc32(data)
    if chance % _VALIDATED == 0:
        for event in events:
            faults = [
                error.message[:200] for error in validator(event.class_uid).iter_errors(orjson.loads(event.message()))
            ]
            assert not faults, f"no OCSF: {faults}"
    if chance % _TWICE == 0:
        again, _ = normalise_page(data, _CONTEXT)
        assert [event.id for event in again] == [event.id for event in events], "another id the second time"


def holds(event: Event) -> None:
    """What every event promises."""
    assert "mapper-error" not in event.tags, f"a mapper stumbled: {event.unmapped.get('_mapper_error')}"
    assert len(event.terms) <= _MAX_TERMS, "too many terms"
    assert all(0 < len(term) <= MAX_TOKEN for term in event.terms), f"odd terms {event.terms}"
    assert -_INT64 <= event.time_ms < _INT64, "a time beyond 64 bits"
    assert not _UNPRINTABLE.search(event.ocsf["message"]), "control characters in the message"
    assert event.operation, "no operation"
    whole = orjson.loads(event.message())
    assert whole["raw_data"] == event.raw, "the record's own text has changed"
    assert whole["type_uid"] == whole["class_uid"] * 100 + whole["activity_id"], "a type of another class"
    assert fits(event.ocsf), "an integer that the database cannot hold"


@cache
def validator(class_uid: int) -> Draft202012Validator:
    """The official schema of a class."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))
    name = schema.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(schema.get_class_schema(class_name=name, profiles=["cloud"]))


def fits(value: Any) -> bool:
    """Whether all integers fit 64 bits, as the database needs them."""
    if isinstance(value, dict):
        return all(map(fits, value.values()))
    if isinstance(value, list):
        return all(map(fits, value))
    return not isinstance(value, int) or -_INT64 <= value < _INT64


class Mutator:
    """Changes pages as JSON."""

    def __init__(self, seeds: list[dict[str, Any]]) -> None:
        self._seeds = seeds
        self._names = sorted({name for seed in seeds for name in names_in(seed)})

    def __call__(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Another page: nine times in ten with other JSON, else with other bytes."""
        rng = Random(seed)
        if rng.random() < 0.1:
            return bytes(atheris.Mutate(data, max_size))
        try:
            page = json.loads(data)
        except (ValueError, RecursionError):
            page = [deepcopy(rng.choice(self._seeds))]
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            page = self._changed(page, rng)
        made = json.dumps(page, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        return made if len(made) <= max_size else bytes(atheris.Mutate(data, max_size))

    def _changed(self, value: Any, rng: Random) -> Any:
        """`value` with one change somewhere within."""
        if isinstance(value, dict) and value and rng.random() < 0.9:
            return self._in_object(value, rng)
        if isinstance(value, list) and value and rng.random() < 0.9:
            place = rng.randrange(len(value))
            value[place] = self._changed(value[place], rng)
            return value
        return self._instead(value, rng)

    def _in_object(self, value: dict[str, Any], rng: Random) -> Any:
        name = rng.choice(list(value))
        match rng.randrange(8):
            case 0:
                del value[name]
            case 1:
                value[rng.choice(self._names)] = value.pop(name)
            case 2:
                value[rng.choice(self._names)] = deepcopy(rng.choice(_ODD))
            case 3:
                other = rng.choice(self._seeds)
                taken = rng.choice(list(other))
                value[taken] = deepcopy(other[taken])
            case _:
                value[name] = self._changed(value[name], rng)
        return value

    def _instead(self, value: Any, rng: Random) -> Any:
        match rng.randrange(6):
            case 0:
                return [value]
            case 1:
                return {rng.choice(self._names): value}
            case 2:
                return json.dumps(value)
            case 3 if isinstance(value, str) and value:
                cut = rng.randrange(len(value))
                return value[:cut] + str(rng.choice(_ODD)) + value[cut:]
            case _:
                return deepcopy(rng.choice(_ODD))


def names_in(value: Any) -> set[str]:
    """Every name of a field, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


def seeds() -> list[dict[str, Any]]:
    """Records of every source of the simulator, and those of the golden events."""
    made = [json.loads(text) for source in SOURCES for _, text in samples.records(3, 40, source)]
    golden = [json.loads(path.read_bytes()).get("record") for path in sorted(_GOLDEN.glob("*.json"))]
    return made + [record for record in golden if isinstance(record, dict)]


def work(arguments: list[str]) -> None:
    """One worker: libFuzzer takes over."""
    atheris.Setup([sys.argv[0], *arguments], check, custom_mutator=Mutator(seeds()))
    atheris.Fuzz()


def main() -> None:
    """Run workers, and print what they did."""
    if "--worker" in sys.argv:
        work(sys.argv[sys.argv.index("--worker") + 1 :])
        return
    parser = argparse.ArgumentParser(description="Fuzz the normalizer.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--iterations", type=int, default=10_000_000, help="of all workers together")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "aoc-fuzz")
    given = parser.parse_args()
    corpus: Path = given.corpus
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(orjson.dumps([seed]))
    options = [
        f"-max_total_time={int(given.minutes * 60)}", f"-runs={given.iterations // given.workers}", "-timeout=10",
        "-rss_limit_mb=1024", f"-max_len={_LONGEST}", "-print_final_stats=1", "-reload=30", "-verbosity=1",
        f"-artifact_prefix={corpus.parent / corpus.name}-finding-",
    ]  # fmt: skip
    command = [sys.executable, __file__, "--worker", str(corpus), *options]
    workers = [
        subprocess.Popen([*command, f"-seed={number + 1}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for number in range(given.workers)
    ]
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda worker: worker.communicate()[0], workers))
    report(said, [worker.returncode for worker in workers])


def report(said: list[str], codes: list[int]) -> None:
    """Print a line a worker; end with status 1 when one found something."""
    table = Table("worker", "iterations", "a second", "coverage", "peak MB", "ended", box=None)
    for number, (text, code) in enumerate(zip(said, codes, strict=True)):
        table.add_row(
            str(number + 1),
            f"{int(figure(text, r'number_of_executed_units: *(\d+)')):,}",
            figure(text, r"average_exec_per_sec: *(\d+)"),
            figure(text, r".*cov: (\d+)"),
            figure(text, r"peak_rss_mb: *(\d+)"),
            "well" if code == 0 else "with a finding",
        )
        if code != 0:
            Console().print("\n".join(text.splitlines()[-40:]), markup=False, highlight=False)
    Console().print(table)
    sys.exit(int(any(codes)))


def figure(text: str, pattern: str) -> str:
    """The last figure of that kind in libFuzzer's output."""
    found = re.findall(pattern, text)
    return found[-1] if found else "0"


if __name__ == "__main__":
    main()

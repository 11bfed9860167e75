"""Coverage-guided fuzzing of the normalizer: whatever a page holds, nothing raises, nothing is lost, nothing grows.

`./aoc fuzz [--minutes 30] [--iterations 10000000] [--workers 2] [--directory DIRECTORY]`

Seeds are records of the simulator's sources and of the golden events. Every input is a raw page; the mutator changes
the JSON (values, types, names, nesting, parts of other seeds), and sometimes the bare bytes. The first input that
breaks a promise in a new way is made small, saved in `findings-...`, and the run goes on; an input that takes over 10 s
or makes the process larger than 1 GB is saved there too, and ends its worker. A finding becomes a test.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import subprocess
import sys
import tempfile
import traceback
import zlib
from contextlib import redirect_stderr
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import atheris
from rich.console import Console
from rich.table import Table

# It tells of every module.
with redirect_stderr(StringIO()), atheris.instrument_imports(include=["aoc_normalizer", "aoc_common.contracts"]):
    from aoc_common.contracts.event import OCSF_VERSION, Event
    from aoc_common.contracts.terms import MAX_TOKEN
    from aoc_normalizer.bounds import depth_over
    from aoc_normalizer.normalise import normalise, normalise_page
    from aoc_normalizer.reading.records import RecordContext

import bson
import orjson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aoc_common.store.mongo.events import to_document
from aoc_sim import samples
from aoc_sim.records.base import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ROOT: Final = Path(__file__).parents[1]
_GOLDEN: Final = _ROOT / "tests" / "unit" / "normalizer" / "golden"
_CONTEXT: Final = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
#: Bytes of a page. Longer ones find little more, and take longer.
_LONGEST: Final = 8_192
_MAX_TERMS: Final = 48
_MAX_LEVELS: Final = 64
_INT64: Final = 1 << 63
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CODEC: Final = CodecOptions[dict[str, Any]](uuid_representation=UuidRepresentation.STANDARD)
#: Of one input in so many the events are mapped a second time, encoded as documents, and checked against the schema.
_REMAP_EVERY: Final = 16
_VALIDATED: Final = 1024
#: Smaller inputs that are tried for a finding, at most.
_TRIES: Final = 3_000

_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1 << 31, (1 << 63) - 1, 1 << 63, -(1 << 63), 10**30, 1e300, 1e308, float("nan"), "", " ",
    "null", "<null>", "N/A", "0", "-1", "true", "[]", "{}", "[", '{"', '"', '["a"]', '{"a":{"b":1}}', "\x00", "\u202e",
    "\ud83d\ude00", "\U0001f600", "\u0130", "dana@contoso.example", "203.0.113.9:443", "[2001:db8::1]:80",
    "::ffff:1.2.3.4", "localhost:1", "not a time", "2026-11-23T07:30:00Z", "5/18/2021 9:13:33 PM",
    "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "00000000-0000-0000-0000-000000000000", "S-1-5-18",
    "NT AUTHORITY\\SYSTEM", "a" * 2000, "{x}", "{target}", "%s", "https://[", "file:///etc", "-Name 'a", "<a b='c'/>",
    [], {}, [[]], [None], [{}], {"": ""}, {"$a.b": 1}, {"Name": None},
)  # fmt: skip

#: What every event promises.
PROMISES: Final[Mapping[str, Callable[[Event], bool]]] = {
    "at most 48 terms": lambda event: len(event.terms) <= _MAX_TERMS,
    "terms of 1 to 64 characters": lambda event: all(0 < len(term) <= MAX_TOKEN for term in event.terms),
    "terms in lower case": lambda event: all(term == term.casefold() for term in event.terms),
    "a time of 64 bits": lambda event: -_INT64 <= event.time_ms < _INT64,
    "an operation": lambda event: bool(event.operation),
    "a message in one printable line": lambda event: not _UNPRINTABLE.search(event.ocsf["message"]),
    "a printable operation": lambda event: not _UNPRINTABLE.search(event.operation),
    "a printable actor": lambda event: not _UNPRINTABLE.search(event.actor or ""),
    "printable observables": lambda event: (
        not any(_UNPRINTABLE.search(observable["value"]) for observable in event.ocsf["observables"])
    ),
    "a type of its class": lambda event: event.ocsf["type_uid"] == event.class_uid * 100 + event.ocsf["activity_id"],
    "JSON that says the same": lambda event: (
        orjson.loads(event.message())
        == {**event.ocsf, "raw_data": event.raw} | ({"unmapped": event.unmapped} if event.unmapped else {})
    ),
}


def broken(data: bytes) -> str | None:
    """Which promise this input breaks, if any. Raises what the normalizer raises."""
    events, rejected = normalise_page(data, _CONTEXT)
    for event in events:
        if "mapper-error" in event.tags:
            return f"a mapper that stumbled: {event.unmapped.get('_mapper_error')}"
        for promise, holds in PROMISES.items():
            if not holds(event):
                return promise
    if not all(part.text and part.reason for part in rejected):
        return "a reason for what is rejected"
    quotes = sum(event.raw.count('"') for event in events) + sum(part.text.count('"') for part in rejected)
    if quotes != data.count(b'"') and (quotes > data.count(b'"') or data.lstrip().startswith(b"[")):
        return "a page that is covered by events and what is rejected"
    chance = zlib.crc32(data)
    return next((name for event in events if (name := broken_at_length(event, data, chance))), None)


def broken_at_length(event: Event, data: bytes, chance: int) -> str | None:
    """The promises that take longer to try; the costliest is tried for few inputs."""
    if event.raw not in data.decode("utf-8", "replace"):
        return "the record's own text"
    if chance % _REMAP_EVERY == 0:
        if depth_over(event.unmapped, _MAX_LEVELS):
            return "bounded depth"
        remapped = normalise(event.raw.encode(), _CONTEXT)
        if not isinstance(remapped, Event) or remapped.id != event.id:
            return "the same id the second time"
        bson.encode(to_document(event, "page", _CONTEXT.fetched_at, timedelta(days=1)), codec_options=_CODEC)
    if chance % _VALIDATED == 0:
        for error in validator(event.class_uid).iter_errors(orjson.loads(event.message())):
            return f"OCSF: {'.'.join(str(step) for step in error.absolute_schema_path)}"
    return None


@cache
def validator(class_uid: int) -> Draft202012Validator:
    """The official schema of a class."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))
    name = schema.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(schema.get_class_schema(class_name=name, profiles=["cloud"]))


class Findings:
    """Saves the first input of each kind of finding, made small."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Try one input."""
        kind, detail = self._kind(data)
        if kind is None or kind in self._known:
            return
        self._known.add(kind)
        name = blake2b(kind.encode(), digest_size=6).hexdigest()
        (self._directory / f"{name}.json").write_bytes(self._smallest(data, kind))
        (self._directory / f"{name}.txt").write_text(f"{kind}\n\n{detail}")

    @staticmethod
    def _kind(data: bytes) -> tuple[str | None, str]:
        """What is wrong, the same for the same cause; and where it was seen."""
        try:
            return broken(data), ""
        except Exception as error:  # noqa: BLE001  # whatever is raised is the finding
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(_ROOT) in frame.filename]
            place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
            return f"{type(error).__name__} at {place}", traceback.format_exc()

    def _smallest(self, data: bytes, kind: str) -> bytes:
        """As much of the page as is needed to see the same."""
        try:
            page = json.loads(data)
        except (ValueError, RecursionError):
            return data
        tries = iter(range(_TRIES))
        while (smaller := self._smaller(page, kind, tries)) is not None:
            page = smaller
        made = json.dumps(page).encode()
        return made if self._kind(made)[0] == kind else data

    def _smaller(self, page: Any, kind: str, tries: Iterator[int]) -> Any:
        made = (less for less, _ in zip(less_than(page), tries, strict=False))
        return next((less for less in made if self._kind(json.dumps(less).encode())[0] == kind), None)


def less_than(value: Any) -> Iterator[Any]:
    """The same value with one part removed or shortened."""
    if isinstance(value, str) and value:
        yield from (value[: len(value) // 2], value[len(value) // 2 :], value[:-1])
    places = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for place in places:
        less = value.copy()
        del less[place]
        yield less
    for place in places:
        for inner in less_than(value[place]):
            less = value.copy()
            less[place] = inner
            yield less


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
            return self._in_list(value, rng)
        return self._instead(value, rng)

    def _in_list(self, value: list[Any], rng: Random) -> Any:
        place = rng.randrange(len(value))
        match rng.randrange(24):
            case 0:
                del value[place]
            case 1:
                value.insert(place, deepcopy(rng.choice(self._seeds)))
            case 2:
                value.insert(place, deepcopy(value[place]))
            case _:
                value[place] = self._changed(value[place], rng)
        return value

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
                other_key = rng.choice(list(other))
                value[other_key] = deepcopy(other[other_key])
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


def work(findings: Path, options: list[str]) -> None:
    """One worker: libFuzzer takes over."""
    mutator = Mutator(seeds())
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    atheris.Setup([sys.argv[0], *options], Findings(findings), custom_mutator=mutator)
    atheris.Fuzz()


def main() -> None:
    """Run workers, and print what they did."""
    parser = argparse.ArgumentParser(description="Fuzz the normalizer.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--iterations", type=int, default=10_000_000, help="of all workers together")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()) / "aoc-fuzz")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments, options = parser.parse_known_args()
    if arguments.work:
        work(arguments.work, options)
        return
    directory: Path = arguments.directory.resolve()
    corpus, findings = directory / "corpus", directory / f"findings-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(orjson.dumps([seed]))
    command = [
        sys.executable, __file__, f"--work={findings}", str(corpus),
        f"-max_total_time={int(arguments.minutes * 60)}", f"-runs={arguments.iterations // arguments.workers}",
        "-timeout=10", "-rss_limit_mb=1024", f"-max_len={_LONGEST}", "-print_final_stats=1", "-reload=30",
        f"-artifact_prefix={findings}/",
    ]  # fmt: skip
    logs = [directory / f"worker-{number + 1}.log" for number in range(arguments.workers)]
    workers = [start([*command, f"-seed={number + 1}"], log) for number, log in enumerate(logs)]
    codes = [worker.wait() for worker in workers]
    report([log.read_text("utf-8", "replace") for log in logs], codes, findings)


def start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A worker whose output goes to a file."""
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


def report(lines: list[str], codes: list[int], findings: Path) -> None:
    """Print a line a worker, and what was found; end with status 1 when anything was."""
    table = Table("worker", "iterations", "a second", "coverage", "features", "peak MB", "ended", box=None)
    for number, (text, code) in enumerate(zip(lines, codes, strict=True)):
        table.add_row(
            str(number + 1),
            f"{int(figure(text, r'number_of_executed_units: *(\d+)')):,}",
            figure(text, r"average_exec_per_sec: *(\d+)"),
            figure(text, r" cov: (\d+)"),
            figure(text, r" ft: (\d+)"),
            figure(text, r"peak_rss_mb: *(\d+)"),
            "well" if code == 0 else f"with status {code}",
        )
    console = Console()
    console.print(table)
    files = sorted(path for path in findings.iterdir() if path.suffix != ".txt")
    for path in files:
        summary = path.with_suffix(".txt")
        console.print(f"{path}: {summary.read_text() if summary.exists() else ''}", markup=False, highlight=False)
    console.print(f"{len(files)} findings")
    sys.exit(int(bool(files) or any(codes)))


def figure(text: str, pattern: str) -> str:
    """The last figure of that kind in libFuzzer's output."""
    figures = re.findall(pattern, text)
    return figures[-1] if figures else "0"


if __name__ == "__main__":
    main()

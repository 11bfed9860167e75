"""CPU time of a record on its way from the bytes of a page to the document to insert and the bytes to publish.

`python bench/mapping.py [FILE...]`: NDJSON files of unified records, to which the simulator's Graph records are added;
without any, records of all the simulator's sources. Prints the whole, its stages, and the memory after each tenth of a
long run. Stages are timed apart, so their sum is a little more than the whole.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from aoc_common.store.mongo.events import to_document
from aoc_normalizer.app import collect_garbage_seldom
from aoc_normalizer.knowledge import NOTHING
from aoc_normalizer.normalise import finish, normalise_page
from aoc_normalizer.reading import Reading, RecordContext, read_page
from aoc_normalizer.split import split
from aoc_sim import samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_sim.records.base import Source

_PAGE = 200
_ROUNDS = 7
_LONG_RUN = 200_000
_GRAPH: tuple[Source, ...] = (
    "graph-directory-audits",
    "graph-signins",
    "graph-signins-noninteractive",
    "graph-intune",
    "graph-alerts",
)
_OF_EACH = 150
_NOW = datetime.now(UTC)
_KEEP = timedelta(days=365)
_CONTEXT = RecordContext("bench", "import", _NOW)


def pages_of(files: list[str]) -> list[bytes]:
    """Pages of 200 records."""
    records = [line for name in files for line in Path(name).read_bytes().splitlines() if line.strip()]
    if files:
        records += [text for source in _GRAPH for _, text in samples.records(3, _OF_EACH, source)]
    else:
        records += [text for _, text in samples.records(3, 3_000, None)]
    return [b"[" + b",".join(part) + b"]" for part in batched(records, _PAGE)]


def through(pages: list[bytes]) -> int:
    """The whole way, once; the number of records."""
    count = 0
    for page in pages:
        events, _ = normalise_page(page, _CONTEXT)
        for event in events:
            to_document(event, 1, _NOW, _KEEP)
            event.message()
        count += len(events)
    return count


def fastest(work: Callable[[Any], object], prepare: Callable[[], Any]) -> float:
    """CPU seconds of the fastest of some rounds: other processes only ever make it slower."""
    best = float("inf")
    for _ in range(_ROUNDS):
        given = prepare()
        started = time.process_time()
        work(given)
        best = min(best, time.process_time() - started)
    return best


def readings(pages: list[bytes]) -> list[Reading]:
    """All records, read."""
    return [reading for page in pages for reading in read_page(page, _CONTEXT)[0]]


def stages(pages: list[bytes]) -> dict[str, float]:
    """Stage -> CPU seconds for all pages."""

    def events() -> list[Any]:
        return [finish(reading, NOTHING) for reading in readings(pages)]

    return {
        "cut pages into records": fastest(lambda given: [split(page) for page in given], lambda: pages),
        "parse and map (with cutting)": fastest(readings, lambda: pages),
        "names, terms, sentence, OCSF": fastest(
            lambda given: [finish(r, NOTHING) for r in given], lambda: readings(pages)
        ),
        "document to insert": fastest(lambda given: [to_document(e, 1, _NOW, _KEEP) for e in given], events),
        "bytes to publish": fastest(lambda given: [e.message() for e in given], events),
    }


def memory(pages: list[bytes]) -> list[float]:
    """Peak resident memory in MB after each tenth of a long run."""
    peaks: list[float] = []
    for _ in range(10):
        done = 0
        while done < _LONG_RUN // 10:
            done += through(pages)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return peaks


def main() -> None:
    """Measure and print."""
    collect_garbage_seldom()
    out = Console()
    pages = pages_of(sys.argv[1:])
    records = through(pages)
    whole = fastest(through, lambda: pages)
    table = Table("stage", "us/record", "share", box=None)
    for name, seconds in stages(pages).items():
        table.add_row(name, f"{seconds / records * 1e6:.1f}", f"{seconds / whole:.0%}")
    out.print(f"{records:,} records, [bold]{whole / records * 1e6:.1f} us CPU[/] each")
    out.print(table)
    out.print("peak memory, MB, after each tenth: " + " ".join(f"{peak:.0f}" for peak in memory(pages)))


if __name__ == "__main__":
    main()

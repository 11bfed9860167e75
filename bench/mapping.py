"""CPU time of a record on its way from the bytes of a page to the document to insert and the bytes to publish.

`python bench/mapping.py [FILE...]`: NDJSON files of unified records, to which the simulator's Graph records are added;
without any, records of all the simulator's sources. Prints the whole, its stages, and the memory after each tenth of a
long run. The driver's encoding of the document is given apart.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bson
from rich.console import Console
from rich.table import Table

from aoc_common.store.mongo.client import CODEC
from aoc_common.store.mongo.events import to_document
from aoc_normalizer.app import collect_garbage_seldom
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT, EnrichmentData
from aoc_normalizer.mapping import Encode, pack_page
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read
from aoc_normalizer.reading.split import split
from aoc_sim import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aoc_common.contracts.event import Event
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


def through(pages: list[bytes], encode: Encode | None = None) -> int:
    """All steps, once; returns the number of records. Without `encode` the document is made, but not encoded."""
    return asyncio.run(_through(pages, encode or _document))


async def _through(pages: list[bytes], encode: Encode) -> int:
    return sum([len((await pack_page(page, _CONTEXT, _look_up, encode)).events) for page in pages])


async def _look_up(keys: Mapping[str, Iterable[str]]) -> Mapping[str, EnrichmentData]:
    return dict.fromkeys(keys, NO_ENRICHMENT)


def _document(event: Event) -> bytes:
    to_document(event, "page", _NOW, _KEEP)
    return b""


def _encoded(event: Event) -> bytes:
    return bson.encode(to_document(event, "page", _NOW, _KEEP), codec_options=CODEC)


def fastest(work: Callable[[Any], object], prepare: Callable[[], Any]) -> float:
    """CPU seconds of the fastest of some rounds: other processes only ever make it slower."""
    best = float("inf")
    for _ in range(_ROUNDS):
        prepared = prepare()
        started = time.process_time()
        work(prepared)
        best = min(best, time.process_time() - started)
    return best


def stages(pages: list[bytes]) -> dict[str, float]:
    """Stage -> CPU seconds for all pages: as `pack_page` works, twenty records through a stage at a time."""
    best: dict[str, float] = {}
    for _ in range(_ROUNDS):
        spent: defaultdict[str, float] = defaultdict(float)
        for page in pages:
            _staged(page, spent)
        for name, seconds in spent.items():
            best[name] = min(best.get(name, seconds), seconds)
    return best


def _staged(page: bytes, spent: defaultdict[str, float]) -> None:
    at = time.process_time()

    def done(stage: str) -> None:
        nonlocal at
        now = time.process_time()
        spent[stage] += now - at
        at = now

    records = split(page)[0]
    done("cut pages into records")
    for part in batched(records, 20):
        made = [read(record, _CONTEXT) for record in part]
        done("parse and map")
        events = [finish(reading, NO_ENRICHMENT) for reading in made if isinstance(reading, Reading)]
        done("names, terms, sentence, OCSF")
        for event in events:
            _document(event)
        done("document to insert")
        for event in events:
            event.message()
        done("bytes to publish")


def memory(pages: list[bytes]) -> list[float]:
    """Peak resident memory in MB after each tenth of a long run."""
    peaks: list[float] = []
    for _ in range(10):
        done = 0
        while done < _LONG_RUN // 10:
            done += through(pages, _encoded)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return peaks


def main() -> None:
    """Measure and print."""
    collect_garbage_seldom()
    out = Console()
    pages = pages_of(sys.argv[1:])
    records = through(pages)
    complete = fastest(through, lambda: pages)
    table = Table("stage", "us/record", "share", box=None)
    for name, seconds in stages(pages).items():
        table.add_row(name, f"{seconds / records * 1e6:.1f}", f"{seconds / complete:.0%}")
    encoded = fastest(partial(through, encode=_encoded), lambda: pages)
    out.print(
        f"{records:,} records, [bold]{complete / records * 1e6:.1f} us CPU[/] each; "
        f"{encoded / records * 1e6:.1f} us with the driver's encoding of the document"
    )
    out.print(table)
    out.print("peak memory, MB, after each tenth: " + " ".join(f"{peak:.0f}" for peak in memory(pages)))


if __name__ == "__main__":
    main()

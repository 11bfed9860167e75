"""`./aoc bench`: each figure beside its limit, measured in the same run on the same servers.

- publish: `bus.publish` against bare nats-py, the same messages, in turns.
- store: `EventStore.insert` (from events, making the documents) against a bare unordered `insert_many` of the same
  documents with the same indexes on the same server, chunk by chunk in turns.
- normalise: CPU per record from a page's bytes to the document to insert and the bytes to publish, without I/O, against
  parsing alone.
- end to end: records per second from a file to stored and published, against the bare store rate.

The machine's speed drifts; only the ratios mean something elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.table import Table

from aoc_cli import attach
from aoc_cli.deployment.bus import USERS
from aoc_cli.importing.job import Importer
from aoc_cli.importing.resilient_link import ResilientLink
from aoc_cli.importing.selection import Selection
from aoc_cli.local import mongo, nats
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.servers import Servers, servers, service
from aoc_cli.local.stack import DataDirectory, Endpoints
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.settings import MongoSettings, TelemetrySettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents, to_document
from aoc_common.telemetry import logs
from aoc_normalizer.app import collect_garbage_seldom
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT, EnrichmentData
from aoc_normalizer.mapping import pack_page
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nats.js import JetStreamContext

    from aoc_cli.local.process import Child
    from aoc_common.contracts.event import Event

_PAGE = 200
_CHUNK = 500
_WINDOW = 256
_KEEP = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ratio` is ours over the limit, so that 1.0 is the best there can be."""

    name: str
    ours: float
    limit: float
    unit: str
    ratio: float
    against: str


async def normalising(pages: Sequence[bytes], records: int) -> tuple[Figure, list[Event]]:
    """CPU time of the pure part."""
    now = datetime.now(UTC)

    def encode(event: Event) -> bytes:
        to_document(event, "page", now, _KEEP)
        return b""

    started = time.process_time()
    for page in pages:
        orjson.loads(page)
    limit = time.process_time() - started
    context = RecordContext("bench", subjects.IMPORT_SOURCE, now)
    started = time.process_time()
    for page in pages:
        await pack_page(page, context, _look_up, encode)
    spent = time.process_time() - started
    # Afterwards: retained objects would slow the garbage collector and fill the caches.
    events = [event for page in pages for event in normalise_page(page, context)[0]]
    us = spent / records * 1e6
    floor = limit / records * 1e6
    return Figure("normalise", us, floor, "us CPU/record", floor / us, "parsing alone"), events


async def _look_up(keys: Mapping[str, Iterable[str]]) -> Mapping[str, EnrichmentData]:
    return dict.fromkeys(keys, NO_ENRICHMENT)


async def on_own_store(events: Sequence[Event]) -> Figure:
    """The deduplicator on a database server of its own, which holds nothing else."""
    with TemporaryDirectory(prefix="aoc-bench-") as directory:
        port = free_port()
        child = mongo.server(Path(directory), port, auth=False)
        child.start()
        try:
            child.wait_ready()
            return await storing(f"mongodb://{LOOPBACK}:{port}", events)
        finally:
            child.stop()


async def storing(uri: str, events: Sequence[Event]) -> Figure:
    """Inserts, chunk by chunk in turns."""
    ours_s = baseline_s = 0.0
    async with (
        connect(MongoSettings(uri=uri, database="bench_ours")) as ours,
        connect(MongoSettings(uri=uri, database="bench_bare")) as baseline,
    ):
        await ensure_indexes(ours)
        await ensure_indexes(baseline)
        store = MongoEvents(ours, lambda _tenant, _source: _KEEP)
        now = datetime.now(UTC)
        for number, chunk in enumerate(batched(events, _CHUNK)):
            documents = [to_document(event, "page", now, _KEEP) for event in chunk]

            async def insert_ours(chunk: Sequence[Event] = chunk) -> float:
                started = time.perf_counter()
                await store.insert(chunk, ["page"] * len(chunk))
                return time.perf_counter() - started

            async def insert_plain(documents: list[dict[str, object]] = documents) -> float:
                started = time.perf_counter()
                await baseline["events"].insert_many(documents, ordered=False)
                return time.perf_counter() - started

            # Alternating within a pair, too: the second one finds warmer caches.
            if number % 2:
                ours_s += await insert_ours()
                baseline_s += await insert_plain()
            else:
                baseline_s += await insert_plain()
                ours_s += await insert_ours()
    rate, limit = len(events) / ours_s, len(events) / baseline_s
    return Figure("store", rate, limit, "events/s", rate / limit, "bare unordered insert_many")


async def publishing(js: JetStreamContext, events: Sequence[Event]) -> Figure:
    """Event-sized messages, window by window in turns."""
    messages = [
        Outgoing(subjects.raw("bench", subjects.IMPORT_SOURCE), event.message(), {"Aoc-Tenant": "bench"})
        for event in events
    ]
    ours_s = baseline_s = 0.0
    for window in batched(messages, _WINDOW):
        started = time.perf_counter()
        await publish_all(js, subjects.RAW_STREAM, window)
        ours_s += time.perf_counter() - started
        started = time.perf_counter()
        await asyncio.gather(
            *(js.publish(m.subject, m.body, stream=subjects.RAW_STREAM, headers=m.headers) for m in window)
        )
        baseline_s += time.perf_counter() - started
    rate, limit = len(messages) / ours_s, len(messages) / baseline_s
    return Figure("publish", rate, limit, "messages/s", rate / limit, "bare nats-py, awaited together")


async def on_own_server(events: Sequence[Event]) -> Figure:
    """`publishing` on its own nats-server, without consumers."""
    with ExitStack() as stack:
        data = DataDirectory(Path(stack.enter_context(TemporaryDirectory(prefix="aoc-bench-"))))
        port = free_port()
        child = nats.server(data.path, port, {user: data.password(user).read_text() for user in USERS})
        child.start()
        stack.callback(child.stop)
        child.wait_ready()
        endpoints = Endpoints(f"nats://{LOOPBACK}:{port}", 0)
        settings = data.nats_settings(endpoints, "cli")
        async with connected_broker(settings, "cli") as broker:
            await provisioned(data, endpoints)
            return await publishing(jetstream(broker), events)


async def provisioned(data: DataDirectory, endpoints: Endpoints) -> None:
    """The streams of a bus."""
    settings = data.nats_settings(endpoints, "provision")
    async with connected_broker(settings, "provision") as broker:
        await provision(broker, settings)


class _Silent:
    def read(self, done: int, total: int, records: int) -> None:
        """Nothing to show."""

    def settled(self, pages: int, of: int) -> None:
        """Nothing to show."""


async def end_to_end(
    data: DataDirectory, endpoints: Endpoints, normalizer: Child, records: int
) -> tuple[float, dict[str, float]]:
    """Records per second from file to settled, and the memory (MB) of those who did it."""
    export = data.path / "export.ndjson"
    samples.export(export, records, 11, "ndjson")

    def alone(_: Path) -> attach.System:
        raise BadConfiguration("the benchmark's stack has stopped")

    # Standard output is for the figures.
    report = partial(print, file=sys.stderr)
    async with ResilientLink(attach.of(data, endpoints), alone, report, 180.0) as resilient_link:
        started = time.perf_counter()
        summary = await Importer(resilient_link, SystemClock(), "bench-import", selection=Selection([export])).run(
            _Silent()
        )
        seconds = time.perf_counter() - started
    if summary.new != records:
        raise SystemExit(f"end to end: {summary.new} of {records} records are new; the figure would mean nothing")
    return records / seconds, {"normalizer": resident_mb(normalizer.pid)}


def resident_mb(pid: int) -> float:
    """Greatest resident memory of a process so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(data: DataDirectory, local: Servers, records: int) -> tuple[list[Figure], dict[str, float]]:
    """All figures, on servers that run."""
    raw = [text for _, text in samples.records(3, records, None)]
    pages = [b"[" + b",".join(page) + b"]" for page in batched(raw, _PAGE)]
    normalise, events = await normalising(pages, len(raw))
    publish = await on_own_server(events)
    await asyncio.to_thread(data.bring_in_order, local.endpoints)
    store = await on_own_store(events)
    normalizer = service("normalizer", data, local.endpoints)
    normalizer.start()
    try:
        normalizer.wait_ready()
        rate, memory = await end_to_end(data, local.endpoints, normalizer, records)
    finally:
        normalizer.stop()
    complete = Figure("end to end", rate, store.limit, "records/s", rate / store.limit, "bare unordered insert_many")
    return [publish, store, normalise, complete], memory


def main() -> None:
    """Measure and print."""
    logs.configure("bench", TelemetrySettings(log_level="error", log_format="console"))
    collect_garbage_seldom()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        data = DataDirectory(Path(stack.enter_context(TemporaryDirectory(prefix="aoc-bench-"))))
        local = servers(data)
        for child in local.children:
            child.start()
            stack.callback(child.stop)
        for child in local.children:
            child.wait_ready()
        figures, memory = asyncio.run(measure(data, local, arguments.records))
    if arguments.json:
        print(json.dumps({"figures": [asdict(figure) for figure in figures], "peak_mb": memory}, indent=1))
        return
    table = Table("figure", "ours", "limit", "unit", "ratio", "against", title=f"{arguments.records:,} records")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.ours:,.1f}",
            f"{figure.limit:,.1f}",
            figure.unit,
            f"{figure.ratio:.2f}",
            figure.against,
        )
    console = Console()
    console.print(table)
    console.print("peak memory: " + ", ".join(f"{name} {size:.0f} MB" for name, size in memory.items()))


if __name__ == "__main__":
    try:
        main()
    except AocError as error:
        raise SystemExit(f"bench: {error}") from None

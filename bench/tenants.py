"""What a tenant costs: requests, documents read and written, slices stored, and CPU, for each tenant and hour.

`python bench/tenants.py [--quiet 1000] [--loud 10] [--hours 24] [--json]`

Quiet and loud tenants go through the real scheduler, runner, ledger, account, watch and compaction on a real
MongoDB-protocol server. Microsoft is a table of records with its lateness (most 2 to 15 minutes, some hours); the bus
is a list; time is moved by hand, a minute at a time. A request is a window that was asked for. Documents are counted
where the driver sees them. Runs on versions before too, to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandListener

from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_collector.microsoft.families import families
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.settings import CollectorSettings
from aoc_collector.slices import Feed
from aoc_collector.source_monitor import SourceMonitor
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Batch, RawArray
from aoc_common.settings import TelemetrySettings
from aoc_common.store.arrivals import Arrivals, lateness_step
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import CODEC, ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.source_health import Bounds
from aoc_common.telemetry import logs

try:
    from aoc_collector.clock_faults import PositionCorrector
    from aoc_common.store.mongo.clock_corrections import MongoClockCorrections
    from aoc_common.store.mongo.compaction import MongoCompaction
except ImportError:  # a version before
    PositionCorrector = MongoCompaction = None  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aoc_collector.sources.base import Window
    from aoc_common.bus.publish import Outgoing
    from aoc_common.contracts.jobs import CollectJob

_BEGIN: Final = datetime(2026, 11, 23, 0, 0, 30, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
#: Records a day: of each source of a quiet tenant, and of a loud one.
_QUIET, _LOUD = 12, 5_000
#: Versions before knew a page by its sequence.
_BY_ID: Final = "page" in PageOutcome.__dataclass_fields__
_WRITTEN: Final = {"insert": "documents", "update": "updates", "delete": "deletes"}


class Documents(CommandListener):
    """Counts documents that queries gave, and write operations, by collection."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.written: Counter[str] = Counter()

    def started(self, event: Any) -> None:
        """A command is sent."""
        if (kind := event.command_name) in _WRITTEN:
            self.written[event.command[kind]] += len(event.command.get(_WRITTEN[kind], ()))

    def succeeded(self, event: Any) -> None:
        """An answer came."""
        cursor = event.reply.get("cursor")
        if cursor:
            batch = cursor.get("firstBatch", cursor.get("nextBatch", ()))
            self.read[str(cursor.get("ns", "")).split(".", 1)[-1]] += len(batch)

    def failed(self, event: Any) -> None:
        """An error came."""


class Clock:
    """A clock that is set by hand; sleeping returns at once."""

    def __init__(self) -> None:
        self.at = _BEGIN

    def now(self) -> datetime:
        """The simulated present."""
        return self.at

    def monotonic(self) -> float:
        """Seconds."""
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """At once."""


class Feeds:
    """Every source of every tenant: records by time, and from when each is to be had."""

    def __init__(self, clock: Clock, quiet: int, loud: int, hours: float) -> None:
        self._clock = clock
        self.records: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
        self.requests: Counter[str] = Counter()
        self.fetches: Counter[tuple[str, str, datetime]] = Counter()
        chance = random.Random(11)  # figures that can be repeated
        for name, a_day in [(f"quiet-{n}", _QUIET) for n in range(quiet)] + [(f"loud-{n}", _LOUD) for n in range(loud)]:
            for source in SOURCES:
                count = round(a_day * hours / 24)
                times = sorted(_BEGIN + timedelta(hours=chance.uniform(0, hours)) for _ in range(count))
                self.records[name, source] = [(at, at + _late(chance)) for at in times]

    def of(self, tenant: str, source: str) -> Any:
        """The source."""
        return SimpleNamespace(batches=lambda window: self._batches(tenant, source, window))

    async def _batches(self, tenant: str, source: str, window: Window) -> AsyncIterator[Batch]:
        self.requests[tenant] += 1
        records = self.records[tenant, source]
        first = bisect_left(records, (window.start, window.start))
        last = bisect_left(records, (window.end, window.end))
        there = [at for at, available in records[first:last] if available <= self._clock.at]
        for at in there:
            self.fetches[tenant, source, at] += 1
        for number in range(0, len(there), 200):
            page = there[number : number + 200]
            yield Batch([RawArray(json.dumps([at.isoformat() for at in page]).encode(), len(page))])


def _late(chance: random.Random) -> timedelta:
    kind = chance.random()
    if kind < 0.9:
        return chance.uniform(2, 15) * _MINUTE
    return timedelta(hours=chance.uniform(0.25, 2) if kind < 0.99 else chance.uniform(2, 20))


class Installation:
    """Collector and normalizer of all tenants, without HTTP and bus."""

    def __init__(self, database: Any, feeds: Feeds, clock: Clock) -> None:
        self._clock, self._feeds = clock, feeds
        settings = CollectorSettings(lookback_s=0)
        self._ledger, sources, backlog = MongoLedger(database), MongoSources(database), MongoBacklog(database)
        self._arrivals, self._account = MongoArrivals(database), MongoAccount(database)
        self._compaction = None if MongoCompaction is None else MongoCompaction(database)
        by_name = families(settings)
        made = [Feed(tenant, source, by_name[SOURCES[source].family].slicing) for tenant, source in feeds.records]
        lateness = [self._arrivals.lateness] if hasattr(self._arrivals, "lateness") else []
        more: list[Any] = []
        if PositionCorrector is not None:
            more.append(PositionCorrector(MongoClockCorrections(database), backlog, sources, clock))
        self._scheduler = Scheduler(made, sources, backlog, self._ask, clock, *more, *lateness)
        ledger, letters = self._ledger, MongoDeadLetters(database)
        stores = Stores(ledger, ledger, ledger, ledger, sources, sources, backlog, letters)
        self._runner = Runner(feeds.of, self._publish, stores, clock, asyncio.Event())
        names: dict[str, list[str]] = defaultdict(list)
        for tenant, source in feeds.records:
            names[tenant].append(source)
        bounds = Bounds(timedelta(minutes=15), timedelta(hours=24))
        self._monitor = SourceMonitor(
            names, self._account, sources, lambda tenant: dict.fromkeys(names[tenant], 0.0), bounds, clock
        )
        self._jobs: dict[str, CollectJob] = {}
        self._pages: list[tuple[int, Outgoing]] = []
        self._sequence = 0
        self._seen: set[tuple[str, str, str]] = set()

    async def minute(self) -> None:
        """A minute of everything."""
        await self._scheduler.tick()
        for _ in range(20):
            if not self._jobs:
                break
            jobs, self._jobs = list(self._jobs.values()), {}
            for job in jobs:
                self._scheduler.finished(job, await self._runner.run(job))
                if job.stretch:
                    # What a nudge does, without its pauses.
                    feed = self._scheduler._feeds[job.tenant, job.source]  # noqa: SLF001
                    await self._scheduler._request_soon(feed, backlog=True)  # noqa: SLF001
        await self._normalise()
        while await self._account.settle(self._clock.at, 500):
            pass
        if self._compaction:
            await self._compaction.compact(self._clock.at, 500)
        await self._monitor.check()
        self._clock.at += _MINUTE

    async def _ask(self, job: CollectJob) -> bool:
        return self._jobs.setdefault(job.subject, job) is job

    async def _publish(self, stream: str, messages: Sequence[Outgoing]) -> list[Any]:
        del stream
        acks = []
        for message in messages:
            self._sequence += 1
            self._pages.append((self._sequence, message))
            acks.append(SimpleNamespace(seq=self._sequence))
        return acks

    async def _normalise(self) -> None:
        outcomes, arrived = [], []
        for sequence, message in self._pages:
            tenant, source, name = (message.headers[f"Aoc-{part}"] for part in ("Tenant", "Source", "Slice"))
            fresh = [at for at in json.loads(message.body) if (tenant, source, at) not in self._seen]
            self._seen |= {(tenant, source, at) for at in fresh}
            count = len(json.loads(message.body))
            page: Any = message.headers["Nats-Msg-Id"] if _BY_ID else sequence
            outcomes.append(PageOutcome(page, tenant, source, name, len(fresh), count - len(fresh), 0, self._clock.at))
            for text in fresh:
                at = datetime.fromisoformat(text)
                late = lateness_step((self._clock.at - at).total_seconds())
                arrived.append(Arrivals(tenant, source, at.date(), at, Counter({at.hour: 1}), Counter({late: 1})))
        self._pages.clear()
        await self._ledger.pages_settled(outcomes)
        await self._arrivals.add(arrived)

    @property
    def record_count(self) -> int:
        """How many different records were stored."""
        return len(self._seen)


async def run(uri: str, quiet: int, loud: int, hours: float) -> dict[str, float]:
    """The figures."""
    documents, clock = Documents(), Clock()
    client: Any = AsyncIOMotorClient(uri, tz_aware=True, uuidRepresentation="standard", event_listeners=[documents])
    database = client.get_database("tenants", codec_options=CODEC)
    await ensure_indexes(database)
    feeds = Feeds(clock, quiet, loud, hours)
    installation = Installation(database, feeds, clock)
    cpu = time.process_time()
    for _ in range(round(hours * 60)):
        await installation.minute()
    cpu = time.process_time() - cpu
    tenants = quiet + loud
    share = tenants * hours
    stored = [
        await database["ledger_slices"].count_documents({"tenant": f"quiet-{number}"})
        for number in range(min(quiet, 20))
    ]
    there = {key: sum(available <= clock.at for _, available in records) for key, records in feeds.records.items()}
    graph = [count for (_, source, _), count in feeds.fetches.items() if source.startswith("graph-")]
    offered = sum(there.values())
    figures = {
        "requests a tenant and hour": sum(feeds.requests.values()) / share,
        "documents read a tenant and hour": sum(documents.read.values()) / share,
        "documents written a tenant and hour": sum(documents.written.values()) / share,
        "CPU ms a tenant and hour": 1000 * cpu / share,
        "fetches a Graph record": sum(graph) / len(graph) if graph else 0.0,
        "slice documents a quiet tenant and day": sum(stored) / len(stored) * 24 / hours if stored else 0.0,
        "pages a tenant and day": await database["ledger_pages"].count_documents({}) / share * 24,
        "records found of those to be had": installation.record_count / offered if offered else 1.0,
    }
    client.close()
    return figures


def main() -> None:
    """Measure and print."""
    logs.configure("bench", TelemetrySettings(log_level="error", log_format="console"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quiet", type=int, default=1000)
    parser.add_argument("--loud", type=int, default=10)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="aoc-bench-") as directory, ExitStack() as children:
        child = mongo.server(Path(directory), port := free_port(), auth=False)
        child.start()
        children.callback(child.stop)
        child.wait_ready()
        uri = f"mongodb://{LOOPBACK}:{port}"
        figures = asyncio.run(run(uri, arguments.quiet, arguments.loud, arguments.hours))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:45} {value:12,.2f}")


if __name__ == "__main__":
    main()

"""The database dies at each write in turn, before it or after it: in the end the account is that of a quiet day."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from nats.js.api import PubAck

from aoc_collector.clock_faults import PositionCorrector
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing
from aoc_collector.sources.base import Batch, RawArray, Window
from aoc_common.bus.atomic import Published
from aoc_common.errors import AocError
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.clock_corrections import MongoClockCorrections
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.exact_times import MongoExactTimes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.twins import MongoTwins
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.flow import map_message
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.write.dedupe import Deduplicator
from aoc_normalizer.write.writer import Writer
from manual_clock import ManualClock
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from aoc_common.bus.atomic import PageEvents
    from aoc_common.bus.publish import Outgoing
    from aoc_common.contracts.jobs import CollectJob
    from aoc_common.store.mongo.client import Database

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLICING = Slicing(3 * HOUR, 15 * MINUTE, HOUR, timedelta(seconds=10), MINUTE, 10 * MINUTE)
BEGIN = datetime.now(UTC).replace(microsecond=0)
#: When content appears: before the first look, while we look, and in an outage.
CONTENT = [BEGIN + minutes * MINUTE for minutes in (-150, -149, -80, -5, 1, 70, 122)]
SOURCE = "o365-exchange"
ROUNDS = 5


def record(at: datetime) -> dict[str, str]:
    return {
        "Id": f"record at {at:%H:%M}",
        "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "UserId": "dana@contoso.example",
    }


class Stream:
    """What JetStream does for a publisher: an id is taken once."""

    def __init__(self) -> None:
        self.messages: dict[str, tuple[int, Outgoing]] = {}

    async def publish(self, stream: str, messages: Iterable[Outgoing]) -> list[PubAck]:
        taken = [
            self.messages.setdefault(one.headers["Nats-Msg-Id"], (len(self.messages) + 1, one)) for one in messages
        ]
        return [PubAck(stream=stream, seq=number) for number, _ in taken]


class Pipeline:
    """A collector and a normalizer of one tenant, without the bus between them. `step` is a minute of both."""

    def __init__(self, database: Unsteady, tenant: str) -> None:
        self.clock = ManualClock(BEGIN)
        self.raw, self.published = Stream(), Stream()
        self._tenant = tenant
        self._jobs: dict[str, CollectJob] = {}
        self._acknowledged: set[int] = set()
        self._ledger, sources, backlog = MongoLedger(database), MongoSources(database), MongoBacklog(database)
        self.account = MongoAccount(database)
        ledger = self._ledger
        stores = Stores(ledger, ledger, ledger, ledger, sources, sources, backlog, None)
        self._runner = Runner(lambda *_: self, self.raw.publish, stores, self.clock, asyncio.Event())
        corrector = PositionCorrector(MongoClockCorrections(database), backlog, sources, self.clock)
        self._scheduler = Scheduler([Feed(tenant, SOURCE, SLICING)], sources, backlog, self._ask, self.clock, corrector)
        self._events = MongoEvents(database, lambda *_: DAY, self.clock)
        versions = MongoEventVersions(database)
        self._writer = Writer(
            Deduplicator(self._events, versions, versions, ledger, MongoExactTimes(database)),
            Twins(MongoTwins(database), lambda _: "graph", self.clock),
            self._ledger, MongoQuarantine(database), MongoArrivals(database), self._tell, self.clock,
        )  # fmt: skip

    async def batches(self, window: Window) -> AsyncIterator[Batch]:
        """The source: content of a window, blob by blob."""
        there = [at for at in CONTENT if window.start <= at < window.end and at <= self.clock.now()]
        blobs = [ContentBlob(f"blob-{at:%H%M}", f"https://manage.example/{at:%H%M}", at, at + 7 * DAY) for at in there]
        await self._ledger.listed(self._tenant, SOURCE, blobs, self.clock.now())
        fetched = await self._ledger.fetched(self._tenant, SOURCE, [blob.content_id for blob in blobs])
        for blob in blobs:
            if blob.content_id not in fetched:
                body = json.dumps([record(blob.created)]).encode()
                yield Batch([RawArray(body, 1)], {blob.content_id: 1})

    async def step(self) -> None:
        for part in (self._scheduler.tick, self._collect, self._normalise, self._settle):
            try:
                await part()
            except AocError:
                # The next minute is another try, as a redelivery would be.
                continue
        self.clock.advance(60)

    async def _ask(self, job: CollectJob) -> bool:
        return self._jobs.setdefault(job.subject, job) is job

    async def _collect(self) -> None:
        for subject, job in list(self._jobs.items()):
            await self._runner.run(job)
            del self._jobs[subject]

    async def _normalise(self) -> None:
        waiting = {number: one for number, one in self.raw.messages.values() if number not in self._acknowledged}
        delivered = [_delivered(one) for one in waiting.values()]
        pages = [await map_message(one, self._learn, self._events.encoded, _on_bus(one)) for one in delivered]
        if pages:
            await self._writer.write(pages)
            self._acknowledged |= set(waiting)

    async def _settle(self) -> None:
        await self.account.settle(self.clock.now(), 100)

    async def _learn(self, wanted: Iterable[str]) -> dict[str, object]:
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    async def _tell(self, pages: Sequence[PageEvents]) -> list[Published]:
        await self.published.publish("AOC_EVENTS", [message for page in pages for message in page.messages])
        return [Published() for _ in pages]


def _on_bus(one: SimpleNamespace) -> datetime:
    return datetime.fromisoformat(one.headers["Aoc-Fetched-At"])


def _delivered(one: Outgoing) -> SimpleNamespace:
    return SimpleNamespace(subject=one.subject, headers=one.headers, data=one.body)


async def live_through(database: Database, tenant: str, unsteady: Unsteady) -> Sequence[object]:
    """A first day, an outage of an hour, and what it left; what a person sees in the end."""
    pipeline = Pipeline(unsteady, tenant)
    for number in range(2 * ROUNDS):
        await pipeline.step()
        if number == ROUNDS:
            pipeline.clock.advance(2 * 3600)
    [account] = await pipeline.account.accounts(tenant, pipeline.clock.now())
    stored = await database["events"].count_documents({"tenant": tenant})
    gap = [gap.cause for gap in account.gaps]
    late = (pipeline.clock.now() - account.complete_until) < 3 * MINUTE
    return stored, len(pipeline.published.messages), account.stored, account.duplicate, gap, late


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_the_account_is_that_of_a_quiet_day(database: Database, how) -> None:
    await ensure_indexes(database)
    quiet = Unsteady(database)
    expected = await live_through(database, "quiet", quiet)
    assert expected == (len(CONTENT), len(CONTENT), len(CONTENT), 0, [], True)

    ends = {
        number: await live_through(database, f"t{number}", Unsteady(database, number, how))
        for number in deaths(quiet.writes, how, step=18)
    }

    assert {number: end for number, end in ends.items() if end != expected} == {}
    assert quiet.writes > 50

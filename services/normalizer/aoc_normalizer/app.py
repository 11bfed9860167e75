"""The only place where the normalizer is wired together."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_common.bus import consumers
from aoc_common.bus.atomic import EventPublisher
from aoc_common.bus.broker import close, connected, jetstream, join, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.failures import Failures
from aoc_common.bus.limits import StreamLimit
from aoc_common.bus.raw import on_stream
from aoc_common.bus.streams import bounds
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.heartbeat import beating
from aoc_common.settings import load
from aoc_common.standing import Standing, check_of
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.client import check_indexes, connect, ping
from aoc_common.store.mongo.compaction import MongoCompaction
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.directory import MongoDirectory
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.expired import MongoExpired
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.overtaken import MongoOvertaken
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.remarks import MongoRemarks
from aoc_common.store.mongo.tenants import MongoTenants
from aoc_common.store.mongo.twins import MongoTwins
from aoc_common.telemetry import logs
from aoc_common.telemetry.pulse import Pulse
from aoc_normalizer.background import every
from aoc_normalizer.flow import make_handler
from aoc_normalizer.gone import GonePages
from aoc_normalizer.knowledge import nowhere
from aoc_normalizer.letters import Caretaker, PageAccount
from aoc_normalizer.location import Locator
from aoc_normalizer.names import Names, learning
from aoc_normalizer.naming import LateNames
from aoc_normalizer.overtaken import OvertakenSlices
from aoc_normalizer.settings import NormalizerSettings
from aoc_normalizer.tenancy import remembering
from aoc_normalizer.twins import Twins
from aoc_normalizer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from aoc_common.health import Probe, Worker
    from aoc_normalizer.knowledge import Locate

_log = logs.get(__name__)
#: Slices whose account is closed, or that are looked at to be merged, at a time.
_SETTLED_TOGETHER = 500
#: How often expired content is counted, seconds, and how many days of it at a time.
_FOLD_S = 3600
_DAYS_TOGETHER = 500
_STREAMS = (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.DLQ_STREAM)


def collect_garbage_seldom() -> None:
    """Look for cycles a tenth as often: records make many objects and next to no cycles. Saves a tenth of the CPU."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def make() -> tuple[NormalizerSettings, Worker]:
    """Settings from the environment, and the worker that they describe. Raises `BadConfiguration`."""
    settings = load(NormalizerSettings)
    locate = locating(settings.location_database)
    collect_garbage_seldom()
    return settings, partial(worker, settings, locate)


def locating(database: Path | None) -> Locate:
    """How addresses are located. Raises `BadConfiguration` for a file that is no database of locations."""
    return nowhere if database is None else Locator(database, time.monotonic).find


@asynccontextmanager
async def worker(settings: NormalizerSettings, locate: Locate = nowhere) -> AsyncIterator[Mapping[str, Probe]]:
    """A running normalizer and its probes; leaving drains what is in work."""
    broker = make_broker(settings.nats, "normalizer")
    async with connect(settings.mongo) as database:
        await check_indexes(database)
        await join(broker, settings.nats)
        clock = SystemClock()
        check = check_of("normalizer", broker, database, settings.nats, _STREAMS)
        await check()
        standing = Standing(check, clock)
        events = MongoEvents(database, settings.retention.keep, clock)
        ledger, quarantine, letters = (
            MongoLedger(database, clock),
            MongoQuarantine(database),
            MongoDeadLetters(database),
        )
        writer = Writer(
            events,
            MongoEventVersions(database),
            Twins(MongoTwins(database), settings.twins.prefer, clock),
            ledger,
            quarantine,
            MongoArrivals(database),
            EventPublisher(broker).publish,
            clock,
            StreamLimit(broker, subjects.EVENTS_STREAM),
            MongoRemarks(database).add,
        )
        pages = [
            replace(one, batch=settings.batch_pages, batch_bytes=settings.batch_bytes) for one in consumers.NORMALIZER
        ]
        own = remembering(MongoTenants(database).id_of, clock)
        learn = learning(Names(MongoDirectoryHistory(database), clock, settings.names_remembered), locate, own)
        late = LateNames(MongoDirectory(database), MongoRenewal(database), learn, clock)
        handler = standing.guarded(make_handler(writer.write, learn, events.encoded))
        account, compaction = MongoAccount(database), MongoCompaction(database)
        failures, pulse = Failures("normalizer", PageAccount(letters, ledger)), Pulse()
        keep = timedelta(days=settings.quarantine_days)
        caretaker = Caretaker(
            letters, quarantine, ledger, partial(bounds, jetstream(broker), subjects.DLQ_STREAM), keep, clock
        )

        async def settle() -> None:
            await account.settle(clock.now(), _SETTLED_TOGETHER)

        async def compact() -> None:
            await compaction.compact(clock.now(), _SETTLED_TOGETHER)

        lost = GonePages(
            MongoLostPages(database),
            lambda waiting: on_stream(jetstream(broker), ((one.page, one.sequence) for one in waiting)),
            clock,
            timedelta(seconds=settings.gone_after_s),
        )

        overtaken = OvertakenSlices(MongoOvertaken(database), clock, timedelta(seconds=settings.gone_after_s))

        async def fold() -> None:
            await MongoExpired(database).fold(clock.now(), _DAYS_TOGETHER)

        async def forget() -> None:
            await events.forget(clock.now())

        beside = [
            asyncio.create_task(standing.run()),
            asyncio.create_task(every(settings.forget_s, "removing what retention no longer keeps", forget)),
            asyncio.create_task(every(settings.late_names_s, "late names", late.catch_up)),
            asyncio.create_task(every(settings.settle_s, "settling", settle)),
            asyncio.create_task(every(settings.compact_s, "compaction", compact)),
            asyncio.create_task(every(settings.gone_look_s, "looking for pages that are gone", lost.look)),
            asyncio.create_task(every(settings.gone_look_s, "closing slices that were overtaken", overtaken.look)),
            asyncio.create_task(every(_FOLD_S, "counting expired content", fold)),
            asyncio.create_task(every(settings.quarantine_s, "quarantine", caretaker.look_after)),
        ]
        try:
            async with (
                beating(broker, "normalizer", pulse),
                consuming(broker, pages, handler, settings.workers, failures, pulse=pulse) as working,
            ):
                _log.info("service.started", workers=settings.workers)

                async def nats() -> str | None:
                    return None if connected(broker) else "not connected"

                async def workers() -> str | None:
                    return failures.trouble() if working() else "stopped"

                async def background() -> str | None:
                    return "stopped" if any(task.done() for task in beside) else None

                yield {
                    "nats": nats,
                    "mongo": partial(ping, database),
                    "workers": workers,
                    "background": background,
                    "standing": standing.probe,
                }
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await close(broker)

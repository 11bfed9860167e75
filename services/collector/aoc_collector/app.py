"""The only place where the collector is wired together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from operator import attrgetter
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from aoc_collector.apis import Apis
from aoc_collector.clocks import Corrector
from aoc_collector.crowding import Crowd, Crowded
from aoc_collector.directory.keep import Keeper
from aoc_collector.directory.keep import Stores as DirectoryStores
from aoc_collector.directory.keep import Target as DirectoryTarget
from aoc_collector.directory.schedule import DirectoryScheduler
from aoc_collector.flow import make_backfill_handler, make_directory_handler, make_handler
from aoc_collector.polling import Poller, make_poll_handler
from aoc_collector.quota import Quota, looking
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.settings import CollectorSettings
from aoc_collector.sharing import Share
from aoc_collector.slices import Feed, Pace
from aoc_collector.sources import SOURCES
from aoc_collector.sources.activity import REACH
from aoc_collector.sources.base import Context, Webhook
from aoc_collector.subscriptions.keep import SubscriptionKeeper, Target, address, wanted_of
from aoc_collector.subscriptions.schedule import keep_asking, make_subscription_handler
from aoc_collector.tenants import read_tenants
from aoc_collector.turns import Turns
from aoc_collector.watch import Watch
from aoc_common import http
from aoc_common.bus import consumers
from aoc_common.bus.broker import close, connected, jetstream, join, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.failures import Failures
from aoc_common.bus.jobs import publish_job
from aoc_common.bus.limits import StreamLimit
from aoc_common.bus.publish import publish_patiently
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.directory import KINDS
from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.contracts.webhooks import O365_PATH
from aoc_common.heartbeat import beating
from aoc_common.settings import load
from aoc_common.standing import Standing, check_of
from aoc_common.store.judging import Bounds
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import check_indexes, connect, ping
from aoc_common.store.mongo.dead_letters import JobAccount, MongoDeadLetters
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from aoc_common.store.mongo.doubts import MongoDoubts
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.shares import MongoShares
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.tenants import MongoTenants
from aoc_common.store.mongo.waiting import MongoWaitingBlobs
from aoc_common.telemetry import logs
from aoc_common.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from faststream.nats import NatsBroker
    from nats.js.api import PubAck

    from aoc_collector.settings import Rate
    from aoc_collector.sources.base import Blobs, Source, Spec
    from aoc_collector.tenants import Tenant
    from aoc_common.bus.consume import BatchHandler, Consumer
    from aoc_common.bus.publish import Outgoing
    from aoc_common.clock import Clock
    from aoc_common.contracts.directory import EntityKind
    from aoc_common.contracts.jobs import CollectJob
    from aoc_common.contracts.webhooks import GraphKind, Seals
    from aoc_common.health import Probe, Worker
    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)
#: Kind of subscription -> the kind of directory entity that must be read for it to be of use.
_NEEDED: Mapping[GraphKind, EntityKind] = {"users": "user", "groups": "group"}
_STREAMS = (subjects.RAW_STREAM, subjects.JOBS_STREAM, subjects.DLQ_STREAM)


def make() -> tuple[CollectorSettings, Worker]:
    """Settings from the environment, and the worker that they describe."""
    settings = load(CollectorSettings)
    tenants = read_tenants(settings.tenants_file, SOURCES)
    return settings, partial(worker, settings, tenants)


@asynccontextmanager
async def worker(settings: CollectorSettings, tenants: Sequence[Tenant]) -> AsyncIterator[Mapping[str, Probe]]:
    """A running collector and its probes; leaving puts back what is in work."""
    clock = SystemClock()
    stopping = asyncio.Event()
    seals = settings.webhooks.seals()
    broker = make_broker(settings.nats, "collector")
    async with (
        connect(settings.mongo) as database,
        http.make_client(timeout_s=settings.http_timeout_s, answer_bytes=settings.http_answer_bytes) as client,
    ):
        await check_indexes(database)
        await join(broker, settings.nats)
        check = check_of("collector", broker, database, settings.nats, _STREAMS)
        await check()
        standing = Standing(check, clock)
        await MongoTenants(database).tell({one.name: one.tenant_id for one in tenants})
        shares, member = MongoShares(database), token_hex(6)

        def share(limit: str, rate: Rate) -> Share:
            return Share(limit, rate, shares, member, settings.rates.replicas, clock)

        apis = Apis(settings, client, clock, share)
        failures = Failures("collector", JobAccount(MongoDeadLetters(database)))
        shared = Shared(settings, tenants, clock, stopping, broker, database, apis, failures, seals)
        keeping = keeping_directories(shared) if settings.directory.enabled else nullcontext(lambda: True)
        subscribing = keeping_subscriptions(shared, seals) if seals else nullcontext(lambda: True)
        try:
            async with (
                beating(broker, "collector", shared.pulse),
                running(standing.run()),
                collecting(shared) as collects,
                keeping as keeps,
                subscribing as subscribes,
            ):

                async def nats() -> str | None:
                    return None if connected(broker) else "not connected"

                async def schedule() -> str | None:
                    return failures.trouble() if collects() and keeps() and subscribes() else "stopped"

                try:
                    yield {
                        "nats": nats,
                        "mongo": partial(ping, database),
                        "schedule": schedule,
                        "standing": standing.probe,
                    }
                finally:
                    stopping.set()
        finally:
            await close(broker)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all parts of a collector work with. `seals`: None when nobody is to notify us."""

    settings: CollectorSettings
    tenants: Sequence[Tenant]
    clock: Clock
    stopping: asyncio.Event
    broker: NatsBroker
    database: Database
    apis: Apis
    failures: Failures
    seals: Seals | None = None
    pulse: Pulse = field(default_factory=Pulse)

    def at_work(
        self, consumer: Consumer, handler: BatchHandler, workers: int = 1
    ) -> AbstractAsyncContextManager[Callable[[], bool]]:
        """This handler works on the messages of a consumer."""
        return consuming(self.broker, consumer, handler, workers, self.failures, self.stopping, self.pulse)


@asynccontextmanager
async def collecting(shared: Shared) -> AsyncIterator[Callable[[], bool]]:
    """Slices are scheduled and run; gives "all of it runs"."""
    settings, clock, js = shared.settings, shared.clock, jetstream(shared.broker)
    ledger, states, backlog = MongoLedger(shared.database), MongoSources(shared.database), MongoBacklog(shared.database)
    found = dict(build_sources(shared, ledger))
    scheduler = Scheduler(
        [Feed(tenant, source, pace(settings, SOURCES[source])) for tenant, source in found],
        states,
        backlog,
        partial(publish_job, js),
        clock,
        Corrector(MongoDoubts(shared.database), backlog, states, clock),
        MongoArrivals(shared.database).lateness,
    )
    quota = Quota(looking(js), settings.quota.pages, settings.quota.size_bytes, clock)

    async def publish(stream: str, messages: Sequence[Outgoing]) -> list[PubAck]:
        acks = await publish_patiently(js, clock, shared.stopping, stream, messages)
        if stream == subjects.RAW_STREAM:
            quota.note(messages)
        return acks

    runner = Runner(
        lambda tenant, source: found.get((tenant, source)),
        publish,
        Stores(ledger, ledger, states, backlog, MongoDeadLetters(shared.database)),
        clock,
        shared.stopping,
        StreamLimit(shared.broker, subjects.RAW_STREAM).page_room,
        quota.check,
    )
    turns = Turns(backlog, states, clock)

    def handler(workers: int) -> BatchHandler:
        crowd = Crowd(workers, _troubled_together, clock)
        return make_handler(Crowded(runner, crowd), scheduler, turns, settings.max_backoff_s)

    reach = {key: kept(settings, SOURCES[key[1]]) for key in found}
    asked = make_backfill_handler(reach, backlog.add, clock)
    directories = [tenant.name for tenant in shared.tenants] if settings.directory.enabled else []
    poller = Poller(scheduler.poll, partial(publish_job, js), directories, settings.poll_gap_s, clock)
    try:
        async with (
            running(scheduler.run(settings.poll_interval_s)) as schedules,
            running(_watch(shared, found, states).run(settings.watch.interval_s)) as watches,
            shared.at_work(consumers.COLLECT, handler(settings.workers), settings.workers) as works,
            shared.at_work(
                consumers.BACKLOG, handler(settings.backlog_workers), settings.backlog_workers
            ) as catches_up,
            shared.at_work(consumers.BACKFILL, asked) as fills_in,
            shared.at_work(consumers.POLLS, make_poll_handler(poller)) as listens,
        ):
            _log.info("service.started", tenants=len(shared.tenants), sources=len(found), workers=settings.workers)
            yield lambda: all(part() for part in (schedules, watches, works, catches_up, fills_in, listens))
    finally:
        await scheduler.close()


def _troubled_together(job: CollectJob) -> str:
    """What fails or hangs together: a tenant's API family."""
    spec = SOURCES.get(job.source)
    return f"{job.tenant}/{spec.family if spec else job.source}"


def _watch(shared: Shared, found: Iterable[tuple[str, str]], states: MongoSources) -> Watch:
    settings = shared.settings.watch
    names: dict[str, list[str]] = defaultdict(list)
    for tenant, source in found:
        names[tenant].append(source)
    tenants = {tenant.name: tenant for tenant in shared.tenants}

    def throttled(tenant: str) -> dict[str, float | None]:
        return {name: shared.apis.throttled(tenants[tenant], SOURCES[name].family) for name in names[tenant]}

    bounds = Bounds(timedelta(seconds=settings.stalled_after_s), timedelta(hours=settings.expiry_warning_h))
    return Watch(names, MongoAccount(shared.database), states, throttled, bounds, shared.clock)


@asynccontextmanager
async def keeping_directories(shared: Shared) -> AsyncIterator[Callable[[], bool]]:
    """Directories are read and kept; gives "all of it runs"."""
    settings, clock, js = shared.settings.directory, shared.clock, jetstream(shared.broker)
    directory, states = MongoDirectory(shared.database), MongoDirectoryStates(shared.database)
    # Roles come last: they are given to users and groups.
    kinds = [kind for kind in KINDS if kind in settings.kinds]
    targets = {
        tenant.name: DirectoryTarget(tenant.name, shared.apis.api(tenant, "graph_directory"), kinds)
        for tenant in shared.tenants
    }
    scheduler = DirectoryScheduler(
        list(targets), kinds, timedelta(seconds=settings.interval_s), states, partial(publish_job, js), clock
    )
    keeper = Keeper(targets.get, DirectoryStores(directory, states, directory), clock, shared.stopping)
    crowd = Crowd[DirectoryJob](settings.workers, attrgetter("tenant"), clock)
    handler = make_directory_handler(partial(crowd.run, keeper.run), shared.settings.max_backoff_s)
    async with (
        running(scheduler.run(shared.settings.poll_interval_s)) as schedules,
        shared.at_work(consumers.DIRECTORY, handler, settings.workers) as works,
    ):
        yield lambda: schedules() and works()


@asynccontextmanager
async def keeping_subscriptions(shared: Shared, seals: Seals) -> AsyncIterator[Callable[[], bool]]:
    """Graph subscriptions are kept; gives "all of it runs"."""
    settings, clock = shared.settings.webhooks, shared.clock
    publish = partial(publish_job, jetstream(shared.broker))
    targets = {tenant.name: subscription_target(shared, seals, tenant) for tenant in shared.tenants}
    keeper = SubscriptionKeeper(targets.get, publish, timedelta(seconds=settings.lifetime_s), clock)
    handler = make_subscription_handler(keeper.run, shared.settings.max_backoff_s)
    async with (
        running(keep_asking(list(targets), publish, settings.interval_s, clock)) as schedules,
        shared.at_work(consumers.SUBSCRIPTIONS, handler) as works,
    ):
        yield lambda: schedules() and works()


def subscription_target(shared: Shared, seals: Seals, tenant: Tenant) -> Target:
    """A tenant's subscriptions: to what is collected of it, and only that."""
    directory = shared.settings.directory
    kinds: set[GraphKind] = set()
    if directory.enabled:
        kinds |= {kind for kind, needed in _NEEDED.items() if needed in directory.kinds}
    if "graph-alerts" in (tenant.sources or SOURCES):
        kinds.add("alerts")
    url = address(shared.settings.webhooks.public_url or "", seals)
    wanted = wanted_of(tenant.name, tenant.tenant_id, kinds, url, seals)
    return Target(tenant.name, shared.apis.api(tenant, "graph_directory"), url, wanted)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[Callable[[], bool]]:
    """`work` in a task that ends on leaving; gives "it runs"."""
    task = asyncio.create_task(work)
    try:
        yield lambda: not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def pace(settings: CollectorSettings, spec: Spec) -> Pace:
    """How a source is cut into slices."""
    limits = settings.management if spec.family == "management" else settings.graph
    return Pace(
        lookback=timedelta(seconds=settings.lookback_s),
        overlap=timedelta(seconds=limits.overlap_s),
        longest=timedelta(seconds=limits.max_slice_s),
        settle=timedelta(seconds=settings.settle_delay_s),
        interval=timedelta(seconds=settings.poll_interval_s),
        live=timedelta(seconds=settings.live_window_s),
        reach=timedelta(seconds=limits.rescan_s),
        fetches=None if spec.family == "management" else settings.graph.fetches_per_record,
    )


def kept(settings: CollectorSettings, spec: Spec) -> timedelta | None:
    """How long Microsoft keeps what a source offers, where that is known."""
    if spec.family == "management":
        return REACH
    return timedelta(days=settings.graph.retention_days) if spec.family == "graph_audit" else None


def build_sources(shared: Shared, blobs: Blobs) -> Iterator[tuple[tuple[str, str], Source]]:
    """(tenant, source) -> the source, for all that are configured."""
    settings, hooks = shared.settings, shared.settings.webhooks
    waiting = MongoWaitingBlobs(shared.database)
    for tenant in shared.tenants:
        webhook = (
            Webhook(
                f"{hooks.public_url}{O365_PATH}",
                shared.seals.seal("o365", tenant.name, tenant.tenant_id),
                timedelta(seconds=hooks.lifetime_s),
            )
            if shared.seals
            else None
        )
        for name in tenant.sources or SOURCES:
            spec = SOURCES[name]
            api = shared.apis.api(tenant, spec.family)
            publisher = settings.publisher_identifier or tenant.tenant_id
            context = Context(
                tenant.name,
                tenant.tenant_id,
                api,
                blobs,
                waiting,
                shared.clock,
                publisher,
                settings.blob_concurrency,
                webhook=webhook,
                retention=kept(settings, spec) if spec.family == "graph_audit" else None,
            )
            yield (tenant.name, name), spec.build(context)

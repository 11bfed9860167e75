"""The only place where the collector is wired together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.api import Api
from aoc_collector.auth import Tokens
from aoc_collector.flow import make_handler, publish_job
from aoc_collector.pacing import Buckets
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Feed, Pace, Scheduler
from aoc_collector.settings import CollectorSettings
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Context
from aoc_collector.tenants import read_tenants
from aoc_common import http
from aoc_common.bus.broker import close, connected, jetstream, make_broker
from aoc_common.bus.consume import Consumer, consuming
from aoc_common.bus.publish import publish_all
from aoc_common.bus.streams import ensure_streams
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.settings import load
from aoc_common.store.mongo.client import connect, ensure_indexes, ping
from aoc_common.store.mongo.ledger import MongoLedger, MongoSources
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    import httpx

    from aoc_collector.sources.base import Blobs, Source, Spec
    from aoc_collector.tenants import Tenant
    from aoc_common.clock import Clock
    from aoc_common.health import Probe, Worker

_log = logs.get(__name__)
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
    broker = make_broker(settings.nats, "collector")
    async with (
        connect(settings.mongo) as database,
        http.make_client(timeout_s=settings.http_timeout_s) as client,
    ):
        await ensure_indexes(database)
        await broker.connect()
        js = jetstream(broker)
        await ensure_streams(js, settings.nats, _STREAMS)
        ledger, states = MongoLedger(database), MongoSources(database)
        found = dict(build_sources(settings, tenants, client, ledger, clock))
        scheduler = Scheduler(
            [Feed(tenant, source, pace(settings, SOURCES[source])) for tenant, source in found],
            states,
            partial(publish_job, js),
            clock,
        )
        runner = Runner(
            lambda tenant, source: found.get((tenant, source)),
            partial(publish_all, js),
            Stores(ledger, ledger, states),
            clock,
            stopping,
        )
        jobs = Consumer(
            service="collector",
            stream=subjects.JOBS_STREAM,
            subject=subjects.ALL_COLLECT_JOBS,
            durable="collector",
            batch=1,
            max_pending=10_000,
        )
        handler = make_handler(runner.run, scheduler, settings.max_backoff_s)
        scheduling = asyncio.create_task(scheduler.run(settings.poll_interval_s))
        try:
            async with consuming(broker, jobs, handler, settings.workers) as working:
                _log.info("service.started", tenants=len(tenants), sources=len(found), workers=settings.workers)

                async def nats() -> str | None:
                    return None if connected(broker) else "not connected"

                async def schedule() -> str | None:
                    return "stopped" if scheduling.done() or not working() else None

                try:
                    yield {"nats": nats, "mongo": partial(ping, database), "schedule": schedule}
                finally:
                    stopping.set()
        finally:
            scheduling.cancel()
            with suppress(asyncio.CancelledError):
                await scheduling
            await scheduler.close()
            await close(broker)


def pace(settings: CollectorSettings, spec: Spec) -> Pace:
    """How a source is cut into slices."""
    management = spec.family == "management"
    return Pace(
        lookback=timedelta(seconds=settings.lookback_s),
        overlap=timedelta(seconds=settings.management.overlap_s if management else settings.overlap_s),
        longest=timedelta(seconds=settings.management.max_slice_s if management else settings.max_slice_s),
        settle=timedelta(seconds=settings.settle_delay_s),
        interval=timedelta(seconds=settings.poll_interval_s),
    )


def build_sources(
    settings: CollectorSettings,
    tenants: Sequence[Tenant],
    client: httpx.AsyncClient,
    blobs: Blobs,
    clock: Clock,
) -> Iterator[tuple[tuple[str, str], Source]]:
    """(tenant, source) -> the source, for all that are configured."""
    tokens = Tokens(client, clock, settings.http_attempts)
    buckets = Buckets(clock)
    for tenant in tenants:
        for name in tenant.sources or SOURCES:
            spec = SOURCES[name]
            kind = "management" if spec.family == "management" else "graph"
            rate = settings.rates.of(spec.family)
            api = Api(
                client,
                tokens,
                tenant,
                family=spec.family,
                base=getattr(tenant.hosts, kind),
                resource=getattr(tenant.resources, kind),
                bucket=buckets.bucket(tenant.client_id, tenant.tenant_id, spec.family, rate),
                attempts=settings.http_attempts,
            )
            publisher = settings.publisher_identifier or tenant.tenant_id
            context = Context(tenant.name, tenant.tenant_id, api, blobs, clock, publisher, settings.blob_concurrency)
            yield (tenant.name, name), spec.build(context)

"""Slices, also those of the backlog, are scheduled and run; backfills and polls are handled."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_collector.bulkhead import Bulkhead, BulkheadRunner
from aoc_collector.clock_faults import PositionCorrector
from aoc_collector.deferral import StretchDeferral
from aoc_collector.flow import backfill_run, redelivery, slice_run
from aoc_collector.parts import sources
from aoc_collector.polling import REDELIVERY, Poller
from aoc_collector.quota import Quota
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed
from aoc_collector.sources import SOURCES
from aoc_common.bus import consumers
from aoc_common.bus.backlog import waiting_of
from aoc_common.bus.jobs import counted_job_handler, job_handler, publish_job
from aoc_common.bus.limits import StreamLimit
from aoc_common.bus.publish import publish_patiently
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import BackfillJob, CollectJob, PollJob
from aoc_common.errors import Postponed
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.clock_corrections import MongoClockCorrections
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_collector.parts.shared import Shared
    from aoc_collector.runner import Publish
    from aoc_collector.sources.base import Source
    from aoc_common.bus.consume import BatchHandler
    from aoc_common.bus.publish import Ack, Outgoing
    from aoc_common.tenants.registry import TenantChange

_log = logs.get(__name__)


def add(shared: Shared) -> None:
    """Add the schedule of slices, the workers that run them, and the handlers of backfills and polls."""
    parts, settings = shared.parts, shared.settings
    database, clock = parts.resources.database, parts.resources.clock
    ledger, states, backlog = MongoLedger(database), MongoSources(database), MongoBacklog(database)
    families = shared.apis.families
    configured: dict[tuple[str, str], Source] = {}
    retention: dict[tuple[str, str], timedelta | None] = {}
    directories: set[str] = set()
    scheduler = Scheduler(
        [],
        states,
        backlog,
        partial(publish_job, parts.resources.js),
        clock,
        PositionCorrector(MongoClockCorrections(database), backlog, states, clock),
        MongoArrivals(database).lateness,
        shared.clock_jumps,
    )
    parts.closing(scheduler.close)
    parts.every(settings.poll_interval_s, "scheduling slices", scheduler.tick)
    stores = Stores(ledger, ledger, ledger, ledger, states, states, backlog, MongoDeadLetters(database))
    runner = _runner(shared, configured, stores)
    deferral = StretchDeferral(backlog, states, clock, timedelta(seconds=settings.put_off_s))

    def handler(workers: int) -> BatchHandler:
        bulkhead = Bulkhead(workers, _failure_domain, clock)
        return counted_job_handler(CollectJob, slice_run(BulkheadRunner(runner, bulkhead), scheduler, deferral))

    def follow(change: TenantChange) -> None:
        if change.before is not None:
            for name in change.before.sources or SOURCES:
                configured.pop((change.name, name), None)
                retention.pop((change.name, name), None)
            directories.discard(change.name)
        feeds = []
        if change.after is not None:
            for name, source in sources.build(shared, ledger, change.after):
                family = families[SOURCES[name].family]
                configured[change.name, name] = source
                retention[change.name, name] = family.retention
                feeds.append(Feed(change.name, name, family.slicing))
            if settings.directory.enabled:
                directories.add(change.name)
        scheduler.collect(change.name, feeds)

    shared.fleet.follow(follow)
    scheduler.begin()
    poller = Poller(scheduler.poll, partial(publish_job, parts.resources.js), directories, settings.poll_gap_s, clock)
    policy = redelivery(settings.max_backoff_s)
    parts.consume(consumers.COLLECT, handler(settings.workers), settings.workers, policy)
    parts.consume(consumers.BACKLOG, handler(settings.backlog_workers), settings.backlog_workers, policy)
    parts.consume(
        consumers.BACKFILL, job_handler(BackfillJob, backfill_run(retention, backlog.add, shared.checked_clock))
    )
    parts.consume(consumers.POLLS, counted_job_handler(PollJob, poller.run), redelivery=REDELIVERY)
    _log.info("sources.configured", tenants=len(shared.fleet.tenants), sources=len(configured))


def _runner(shared: Shared, configured: Mapping[tuple[str, str], Source], stores: Stores) -> Runner:
    settings, resources = shared.settings, shared.parts.resources
    quota = Quota(partial(waiting_of, resources.js), settings.quota.pages, settings.quota.size_bytes, resources.clock)
    return Runner(
        lambda tenant, source: configured.get((tenant, source)),
        _publish(shared, quota),
        stores,
        shared.checked_clock,
        resources.stopping,
        StreamLimit(resources.broker, subjects.RAW_STREAM).page_room,
        quota.check,
    )


def _publish(shared: Shared, quota: Quota) -> Publish:
    resources = shared.parts.resources

    async def publish(stream: str, messages: Sequence[Outgoing]) -> list[Ack]:
        of_page = stream == subjects.RAW_STREAM and messages
        if of_page and not shared.fleet.collects(subjects.owner(messages[0].subject)[0]):
            raise Postponed("the tenant is not collected any more")
        acks = await publish_patiently(resources.js, resources.clock, resources.stopping, stream, messages)
        if stream == subjects.RAW_STREAM:
            quota.note(messages)
        return acks

    return publish


def _failure_domain(job: CollectJob) -> str:
    """What fails or hangs together: an API family of a tenant."""
    spec = SOURCES.get(job.source)
    return f"{job.tenant}/{spec.family if spec else job.source}"

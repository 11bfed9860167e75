"""Requests the jobs that are due: of every source a live slice, and a slice of its backlog.

Every replica schedules every source. A source has at most one job of each kind on AOC_JOBS (a second one is refused by
the stream), so replicas need no leader and no locks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_collector.clock_faults import ClockJumpDetector
from aoc_collector.rescan import due, plan
from aoc_collector.slices import backlog_stretch, next_backlog_slice, next_live_slice
from aoc_common.contracts.jobs import CollectJob
from aoc_common.errors import AocError
from aoc_common.store.sources import SourceState
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_collector.clock_faults import PositionCorrector
    from aoc_collector.slices import Feed
    from aoc_common.clock import Clock
    from aoc_common.store.backlog import BacklogStore, Stretch
    from aoc_common.store.source_schedule import SourceSchedule

_log = logs.get(__name__)

type Publish = Callable[[CollectJob], Awaitable[bool]]
"""Puts a job on the stream; False when the source has one already. Raises `Transient`."""

type Lateness = Callable[[str, datetime], Awaitable[Mapping[str, Mapping[int, int]]]]
"""A tenant, now -> each source -> step of `lateness_step` -> how many records were so late. Raises `Transient`."""

#: After a job is acknowledged, the stream needs a moment to forget it.
_NUDGE_PAUSES_S: Final = (0.02, 0.1, 0.5)
#: How long a tenant's plan of re-scans is used before its lateness is read again.
_PLAN_AGE: Final = timedelta(hours=6)


class Scheduler:
    """Keeps a job pending for every source with a slice that is due."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        sources: SourceSchedule,
        backlog: BacklogStore,
        publish: Publish,
        clock: Clock,
        corrector: PositionCorrector,
        lateness: Lateness | None = None,
        clock_jumps: ClockJumpDetector | None = None,
    ) -> None:
        self._feeds = {(feed.tenant, feed.source): feed for feed in feeds}
        self._sources = sources
        self._backlog = backlog
        self._publish = publish
        self._clock = clock
        self._corrector = corrector
        self._clock_jumps = clock_jumps or ClockJumpDetector(clock)
        self._lateness = lateness
        self._plans: dict[str, tuple[datetime, Mapping[str, Sequence[timedelta]]]] = {}
        self._nudges: set[asyncio.Task[None]] = set()
        self._begun = False

    def collect(self, tenant: str, feeds: Sequence[Feed]) -> None:
        """Schedule these sources of a tenant from now on, and no others of it."""
        for key in [key for key in self._feeds if key[0] == tenant]:
            del self._feeds[key]
        self._feeds.update({(feed.tenant, feed.source): feed for feed in feeds})
        if self._begun:
            for feed in feeds:
                self._nudge(feed, backlog=False)

    def begin(self) -> None:
        """What is scheduled from now on is requested at once, and not at the next tick only."""
        self._begun = True

    async def tick(self) -> None:
        """Request whatever is due. Raises `Transient` when the store or the bus is away.

        Each source is scheduled by one reading of the clock, so a jump in the middle of a tick moves no position.
        """
        if (now := self._clock_jumps.trusted_now()) is None:
            return
        feeds = sorted(self._feeds.values(), key=attrgetter("tenant"))
        for tenant, group in groupby(feeds, key=attrgetter("tenant")):
            tenant_feeds = list(group)
            states = {state.source: state for state in await self._sources.all_states(tenant)}
            plans = await self._planned(tenant, tenant_feeds, now)
            noted_ahead = await self._corrector.noted_ahead(tenant, now)
            for feed in tenant_feeds:
                if (now := self._clock_jumps.trusted_now()) is None:
                    return
                state = states.get(feed.source) or SourceState(tenant, feed.source)
                doubtful = feed.source in noted_ahead
                states[feed.source] = state = await self._corrector.corrected(feed, state, now, noted_ahead=doubtful)
                await self._request_live(feed, state, now, in_turn=True)
                await self._add_rescans(feed, state, plans[feed.source], now)
            waiting = await self._backlog.waiting(tenant)
            for feed in tenant_feeds:
                if job := next_backlog_slice(feed, waiting, now):
                    await self._publish(job)
                if (tenant, feed.source) in self._feeds:  # it may have left meanwhile
                    _measure(feed, states[feed.source], waiting)

    async def poll(self, tenant: str, source: str) -> bool:
        """A source may have new records: request its live slice now, whatever its interval.

        False when that does not cover all of it: a job is pending, or several slices are due. Raises `Transient`.
        """
        feed = self._feeds.get((tenant, source))
        if feed is None or (now := self._clock_jumps.trusted_now()) is None:
            return feed is None
        state = await self._sources.state(tenant, source)
        position = await self._live_position(feed, state.position, now)
        job = next_live_slice(feed, position, now, at_once=True)
        return job is None or (await self._publish(job) and job.end > now - feed.slicing.min_settle_delay)

    async def _request_live(self, feed: Feed, state: SourceState, now: datetime, *, in_turn: bool = False) -> bool:
        """Request the live slice that is due, if any; False when the stream has a job of the source already."""
        position = await self._live_position(feed, state.position, now)
        job = next_live_slice(feed, position, now, in_turn=in_turn)
        return job is None or await self._publish(job)

    async def _live_position(self, feed: Feed, position: datetime | None, now: datetime) -> datetime | None:
        """Where the live slices of a source continue: its position, or later when that is too far behind."""
        stretch = backlog_stretch(feed, position, now)
        if stretch is None:
            return position
        # In this order: a crash in between leaves a stretch twice, never loses one.
        await self._backlog.add(stretch, now)
        await self._sources.skip(feed.tenant, feed.source, position, stretch.end, now)
        _log.info(
            "backlog.grown", tenant=feed.tenant, source=feed.source, start=str(stretch.start), end=str(stretch.end)
        )
        return stretch.end

    async def _add_rescans(self, feed: Feed, state: SourceState, planned: Sequence[timedelta], now: datetime) -> None:
        for rescan in due(feed, state, planned, now):
            # In this order: a crash in between adds the same stretch again.
            if rescan.stretch is not None:
                await self._backlog.add(rescan.stretch, now)
            await self._sources.reread(feed.tenant, feed.source, rescan.age_s, rescan.before, rescan.until)

    async def _planned(self, tenant: str, feeds: Sequence[Feed], now: datetime) -> Mapping[str, Sequence[timedelta]]:
        """The ages at which each source is re-scanned."""
        cached = self._plans.get(tenant)
        stale = cached is None or not timedelta(0) <= now - cached[0] < _PLAN_AGE
        if cached is None or stale or any(feed.source not in cached[1] for feed in feeds):
            late = await self._lateness(tenant, now) if self._lateness else {}
            plans = {feed.source: plan(feed.slicing, late.get(feed.source, {})) for feed in feeds}
            self._plans[tenant] = (now, plans)
            return plans
        return cached[1]

    def nudge(self, job: CollectJob) -> None:
        """A slice is done: request the next of its kind if there is one. Returns at once."""
        feed = self._feeds.get((job.tenant, job.source))
        if feed is not None:
            if job.stretch is None and next_live_slice(feed, job.end, self._clock.now()) is None:
                return  # it has caught up: nothing is read to see that
            self._nudge(feed, backlog=job.stretch is not None)

    def _nudge(self, feed: Feed, *, backlog: bool) -> None:
        task = asyncio.create_task(self._request_soon(feed, backlog=backlog))
        self._nudges.add(task)
        task.add_done_callback(self._nudges.discard)

    def finished(self, job: CollectJob, pages: int) -> None:
        """A slice was read to its end and had so many pages: the next may be longer."""
        if feed := self._feeds.get((job.tenant, job.source)):
            feed.grow(job, pages)

    def shorten(self, job: CollectJob) -> bool:
        """A slice could not be read to its end. True when the next one will be half as long."""
        feed = self._feeds.get((job.tenant, job.source))
        return feed is not None and feed.halve(job)

    async def close(self) -> None:
        """Cancel pending nudges."""
        for task in self._nudges:
            task.cancel()
        await asyncio.gather(*self._nudges, return_exceptions=True)

    async def _request_soon(self, feed: Feed, *, backlog: bool) -> None:
        request = self._request_backlog if backlog else self._request_next_live
        try:
            for pause in _NUDGE_PAUSES_S:
                await self._clock.sleep(pause)
                if (now := self._clock_jumps.trusted_now()) is None or await request(feed, now):
                    return
        except AocError as error:
            # The next tick requests it.
            _log.info("nudge.failed", tenant=feed.tenant, source=feed.source, error=str(error))

    async def _request_next_live(self, feed: Feed, now: datetime) -> bool:
        return await self._request_live(feed, await self._sources.state(feed.tenant, feed.source), now)

    async def _request_backlog(self, feed: Feed, now: datetime) -> bool:
        job = next_backlog_slice(feed, await self._backlog.waiting(feed.tenant), now)
        return job is None or await self._publish(job)


def _measure(feed: Feed, state: SourceState, waiting: Sequence[Stretch]) -> None:
    if state.watermark is not None:
        metrics.WATERMARK_SECONDS.labels(feed.tenant, feed.source).set(state.watermark.timestamp())
    remaining = [_remaining_s(stretch.done_until, stretch.end) for stretch in waiting if stretch.source == feed.source]
    metrics.BACKLOG_SECONDS.labels(feed.tenant, feed.source).set(sum(remaining))


def _remaining_s(done_until: datetime, end: datetime) -> float:
    return max(0.0, (end - done_until).total_seconds())

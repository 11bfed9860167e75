"""Which slice a source needs next, and the loop that asks for it.

Every replica schedules every source. A source has at most one job on AOC_JOBS (a second one is refused by the
stream), so replicas need no leader and no locks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.jobs import CollectJob
from aoc_common.errors import AocError
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_common.store.ports import SourceStore

_log = logs.get(__name__)

type Publish = Callable[[CollectJob], Awaitable[bool]]
"""Puts a job on the stream; False when the source has one already. Raises `Transient`."""

_SHORTEST: Final = timedelta(minutes=1)
#: After a job is acknowledged, the stream needs a moment to forget it.
_NUDGES_S: Final = (0.02, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a source is cut into slices."""

    lookback: timedelta
    overlap: timedelta
    longest: timedelta
    settle: timedelta
    interval: timedelta


@dataclass(slots=True)
class Feed:
    """A source of a tenant. `longest` is the present length of its slices."""

    tenant: str
    source: str
    pace: Pace
    longest: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self.longest = self.pace.longest


def next_job(feed: Feed, watermark: datetime | None, now: datetime) -> CollectJob | None:
    """The next slice, or None when nothing is due.

    It reaches back `overlap` before the watermark, for records that came late, and ends `settle` before now.
    """
    pace = feed.pace
    horizon = _whole(now - pace.settle)
    if watermark is None:
        done = _whole(now - max(pace.lookback, pace.settle + _SHORTEST))
    else:
        done = watermark
        if horizon - done < pace.interval:
            return None
    end = min(done + feed.longest, horizon)
    if end <= done:
        return None
    return CollectJob(tenant=feed.tenant, source=feed.source, start=_whole(done - pace.overlap), end=end)


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


class Scheduler:
    """Keeps a job pending for every source that has something due."""

    def __init__(self, feeds: Sequence[Feed], sources: SourceStore, publish: Publish, clock: Clock) -> None:
        self._feeds = {(feed.tenant, feed.source): feed for feed in feeds}
        self._sources = sources
        self._publish = publish
        self._clock = clock
        self._nudges: set[asyncio.Task[None]] = set()

    async def run(self, interval_s: float) -> None:
        """Look at every source each interval, until cancelled."""
        while True:
            try:
                await self.tick()
            except AocError as error:
                _log.warning("schedule.failed", error=str(error))
            await self._clock.sleep(interval_s)

    async def tick(self) -> None:
        """Ask for whatever is due. Raises `Transient` when the store or the bus is away."""
        for tenant in dict.fromkeys(tenant for tenant, _ in self._feeds):
            states = {state.source: state.watermark for state in await self._sources.all_states(tenant)}
            now = self._clock.now()
            for feed in self._feeds.values():
                if feed.tenant == tenant and (job := next_job(feed, states.get(feed.source), now)):
                    await self._publish(job)

    async def poll(self, tenant: str, source: str) -> bool:
        """Ask for all that a source has now, whatever its interval.

        False when that was not all: a job is pending, or the source is further behind than one slice. What the next
        slice reads again anyway (its overlap) need not settle first. Slices end at whole seconds: this one at the next,
        since the news may be of the present one. Raises `Transient`.
        """
        feed = self._feeds.get((tenant, source))
        if feed is None:
            return True
        settle = max(feed.pace.settle - feed.pace.overlap, timedelta(0))
        hurried = Feed(tenant, source, replace(feed.pace, interval=timedelta(0), settle=settle))
        hurried.longest = feed.longest
        now = self._clock.now()
        watermark = (await self._sources.state(tenant, source)).watermark
        job = next_job(hurried, watermark, now + timedelta(seconds=1))
        return job is None or (await self._publish(job) and job.end > now - settle)

    def nudge(self, tenant: str, source: str) -> None:
        """A slice is done: ask for the next one now if the source is behind. Returns at once."""
        feed = self._feeds.get((tenant, source))
        if feed is not None:
            task = asyncio.create_task(self._ask_again(feed))
            self._nudges.add(task)
            task.add_done_callback(self._nudges.discard)

    def finished(self, tenant: str, source: str) -> None:
        """A slice was read to its end: the next may be longer again."""
        feed = self._feeds.get((tenant, source))
        if feed is not None:
            feed.longest = min(feed.longest * 2, feed.pace.longest)

    def shorten(self, job: CollectJob) -> bool:
        """A slice could not be read to its end. True when the next one will be half as long."""
        feed = self._feeds.get((job.tenant, job.source))
        if feed is None:
            return False
        fresh = min(job.length - feed.pace.overlap, feed.longest)
        if fresh < 2 * _SHORTEST:
            return False
        feed.longest = fresh / 2
        return True

    async def close(self) -> None:
        """Stop asking."""
        for task in self._nudges:
            task.cancel()
        await asyncio.gather(*self._nudges, return_exceptions=True)

    async def _ask_again(self, feed: Feed) -> None:
        try:
            for pause in _NUDGES_S:
                await self._clock.sleep(pause)
                state = await self._sources.state(feed.tenant, feed.source)
                job = next_job(feed, state.watermark, self._clock.now())
                if job is None or await self._publish(job):
                    return
        except AocError as error:
            # The next tick asks again.
            _log.info("nudge.failed", tenant=feed.tenant, source=feed.source, error=str(error))

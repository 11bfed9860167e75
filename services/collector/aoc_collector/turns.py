"""Turns of the backlog: a stretch that cannot be read does not hold up the others of its source.

After some failures in a row a stretch gives its turn to the next one, and has its own again later, ever more slowly.
When the source itself works all the while, it is this part of the stretch that cannot be read: the part then becomes a
stretch of its own, which waits (and holds the watermark), and the rest is gone on with.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_common.backoff import backoff
from aoc_common.errors import Backpressure, Throttled, Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import CollectJob
    from aoc_common.store.backlog import BacklogStore, Stretch
    from aoc_common.store.sources import SourceStates

_log = logs.get(__name__)

#: Deliveries of one job, about 15 s of waiting, until its stretch gives way.
PATIENCE: Final = 5
_FIRST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=1)
#: Turns that a stretch loses before the part that cannot be read is cut off.
_LOST_TURNS: Final = 2


class Turns:
    """Decides who is next when a stretch cannot be read."""

    def __init__(self, backlog: BacklogStore, sources: SourceStates, clock: Clock) -> None:
        self._backlog = backlog
        self._sources = sources
        self._clock = clock

    async def give_way(self, job: CollectJob, deliveries: int, error: Exception) -> bool:
        """A slice of the backlog failed; whether its job is done with, since the stretch has lost its turn.

        Not where waiting is all that helps, whoever's turn it is. Raises `Transient` when the store is away.
        """
        ours = isinstance(error, Throttled | Backpressure) or (isinstance(error, Transient) and error.retry_after == 0)
        if job.stretch is None or deliveries < PATIENCE or ours:
            return False
        stretch = await self._backlog.find(job.tenant, job.stretch)
        if stretch is None or stretch.done_until >= job.end:
            return True
        now = self._clock.now()
        pause_s = backoff(stretch.failures + 1, LONGEST.total_seconds(), _FIRST.total_seconds())
        until = now + timedelta(seconds=pause_s)
        cut = job.end < stretch.end and await self._is_sick(stretch)
        if cut:
            begin = stretch.done_until
            name = f"{begin:%Y-%m-%dT%H:%M:%SZ} of {blake2b(stretch.id.encode(), digest_size=8).hexdigest()}"
            part = replace(stretch, name=name, start=begin, end=job.end, done_until=begin)
            # In this order: a crash in between leaves a part too much, never one too few.
            await self._backlog.add(part, now)
            await self._backlog.put_off(part.id, until, now)
            await self._backlog.advance(stretch.id, job.end, now)
        else:
            await self._backlog.put_off(stretch.id, until, now)
        metrics.STRETCHES_PUT_OFF.labels(job.tenant, job.source).inc()
        _log.warning("stretch.put_off", slice=job.slice_id, until=str(until), cut_off=cut, error=str(error))
        return True

    async def _is_sick(self, stretch: Stretch) -> bool:
        """Whether it is the stretch that cannot be read, while its source can."""
        if stretch.failures < _LOST_TURNS or stretch.put_off_at is None:
            return False
        last = (await self._sources.state(stretch.tenant, stretch.source)).last_success
        return last is not None and last > stretch.put_off_at

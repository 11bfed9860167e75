"""Deferral of stretches that cannot be read, so that they do not hold up the backlog of their source.

After some failures in a row a stretch is deferred, for a time that grows with each deferral, and the next stretch is
read. When its source can be read all the while, only a part of the stretch is unreadable: that part becomes a stretch
of its own, which waits (and holds the watermark), and the rest of the stretch is read on.
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

#: Deliveries of one job, about 15 s of waiting, until its stretch is deferred.
DELIVERIES_BEFORE_DEFERRAL: Final = 5
LONGEST_DELAY: Final = timedelta(hours=1)
#: Deferrals of a stretch before its unreadable part is split off.
_DEFERRALS_BEFORE_SPLIT: Final = 2


class StretchDeferral:
    """Defers stretches, by `shortest` the first time, or splits their unreadable part off."""

    def __init__(self, backlog: BacklogStore, sources: SourceStates, clock: Clock, shortest: timedelta) -> None:
        self._backlog = backlog
        self._sources = sources
        self._clock = clock
        self._shortest = shortest

    async def defer(self, job: CollectJob, deliveries: int, error: Exception) -> bool:
        """A slice of the backlog failed; whether its stretch was deferred, and the job is done.

        Not deferred: what only waiting helps, e.g. throttling. Raises `Transient` when the store is away.
        """
        waiting_helps = isinstance(error, Throttled | Backpressure) or (
            isinstance(error, Transient) and error.retry_after == 0
        )
        if job.stretch is None or deliveries < DELIVERIES_BEFORE_DEFERRAL or waiting_helps:
            return False
        stretch = await self._backlog.find(job.tenant, job.stretch)
        if stretch is None or stretch.done_until >= job.end:
            return True
        now = self._clock.now()
        pause_s = backoff(stretch.failures + 1, LONGEST_DELAY.total_seconds(), self._shortest.total_seconds())
        until = now + timedelta(seconds=pause_s)
        split = job.end < stretch.end and await self._is_unreadable(stretch)
        if split:
            begin = stretch.done_until
            name = f"{begin:%Y-%m-%dT%H:%M:%SZ} of {blake2b(stretch.id.encode(), digest_size=8).hexdigest()}"
            part = replace(stretch, name=name, start=begin, end=job.end, done_until=begin)
            # In this order: a crash in between leaves a part twice, never loses one.
            await self._backlog.add(part, now)
            await self._backlog.postpone(part.id, until, now)
            await self._backlog.advance(stretch.id, job.end, now)
        else:
            await self._backlog.postpone(stretch.id, until, now)
        metrics.STRETCHES_PUT_OFF.labels(job.tenant, job.source).inc()
        _log.warning("stretch.put_off", slice=job.slice_id, until=str(until), cut_off=split, error=str(error))
        return True

    async def _is_unreadable(self, stretch: Stretch) -> bool:
        """Whether a stretch cannot be read although its source can."""
        if stretch.failures < _DEFERRALS_BEFORE_SPLIT or stretch.put_off_at is None:
            return False
        last = (await self._sources.state(stretch.tenant, stretch.source)).last_success
        return last is not None and last > stretch.put_off_at

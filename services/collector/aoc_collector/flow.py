"""From a job on the bus to a slice in the ledger, and what a failure means for the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aoc_collector.microsoft.answers import UnfinishedError
from aoc_common.bus.policy import LONGEST_S, Redelivery
from aoc_common.errors import Malformed, Permanent, Postponed, Transient
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    from aoc_common.bus.jobs import CountedRun
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import BackfillJob, CollectJob

_log = logs.get(__name__)

#: Deliveries after which a slice that cannot be read to its end is replaced by a shorter one.
_PATIENCE: Final = 2


class Next(Protocol):
    """What is told about slices that ended: the scheduler."""

    def nudge(self, job: CollectJob) -> None:
        """Ask for the next slice."""
        ...

    def finished(self, job: CollectJob, pages: int) -> None:
        """A slice was read to its end, and gave so many pages."""
        ...

    def shorten(self, job: CollectJob) -> bool:
        """A slice could not be read to its end; whether the next one will be shorter."""
        ...


class Turns(Protocol):
    """What decides whose turn it is in the backlog."""

    async def give_way(self, job: CollectJob, deliveries: int, error: Exception) -> bool:
        """A slice failed; whether its job is done with, since others are first. Raises `Transient`."""
        ...


class Run(Protocol):
    """What runs slices."""

    async def run(self, job: CollectJob) -> int:
        """Collect one slice; the number of its pages. Raises `Transient` or `Permanent`."""
        ...

    async def abandon(self, job: CollectJob) -> None:
        """Give a slice up for shorter ones. Raises `Transient`."""
        ...


def redelivery(longest_s: float) -> Redelivery:
    """When a job comes again whose source failed.

    A source that refuses us (a permission, a licence) is asked again too, ever more slowly: somebody may grant it, and
    Microsoft sometimes claims wrongly that a licence is missing. Its job waits on the stream meanwhile; no worker does.
    """
    return Redelivery(min(LONGEST_S, longest_s), longest_asked_s=longest_s, permanent_s=longest_s)


def slice_run(runner: Run, following: Next, turns: Turns) -> CountedRun[CollectJob]:
    """Runs slices, and says what is next: also when one failed, and its job is done with all the same."""

    async def left(job: CollectJob, deliveries: int, error: Transient | Permanent) -> bool:
        """Whether a job that failed is done with: for shorter ones, or since others are first."""
        if isinstance(error, UnfinishedError) and deliveries >= _PATIENCE and following.shorten(job):
            await runner.abandon(job)
            _log.warning("slice.shortened", slice=job.slice_id, error=str(error))
            return True
        return await turns.give_way(job, deliveries, error)

    async def run(job: CollectJob, deliveries: int) -> None:
        try:
            pages = await runner.run(job)
        except Postponed:
            raise
        except (Transient, Permanent) as error:
            if not await left(job, deliveries, error):
                raise
        except Exception as error:
            # A defect of ours: `bus.policy` has the last word about the job, but the others need not wait for it.
            await turns.give_way(job, deliveries, error)
            raise
        else:
            following.finished(job, pages)
        following.nudge(job)

    return run


def backfill_run(
    reach: Mapping[tuple[str, str], timedelta | None],
    add: Callable[[Stretch, datetime], Awaitable[None]],
    clock: Clock,
) -> Callable[[BackfillJob], Awaitable[None]]:
    """Takes requests to fill in: each becomes a stretch of the backlog.

    `reach`: (tenant, source) -> how far back Microsoft still has records, where that is known.
    """

    async def run(job: BackfillJob) -> None:
        now = clock.now()
        if (job.tenant, job.source) not in reach:
            raise Malformed(f"backfill: no source {job.source} of a tenant {job.tenant} is collected here")
        kept = reach[job.tenant, job.source]
        # A stretch remembers what was asked for; what cannot be had is done already.
        begin = job.start if kept is None else min(max(job.start, (now - kept).replace(microsecond=0)), job.end)
        name = f"{now:%Y-%m-%dT%H:%M:%SZ} {job.start:%Y-%m-%dT%H:%M:%SZ}"
        await add(Stretch(job.tenant, job.source, Cause.ASKED, name, job.start, job.end, begin), now)
        _log.info("backfill.added", tenant=job.tenant, source=job.source, start=str(begin), end=str(job.end))

    return run

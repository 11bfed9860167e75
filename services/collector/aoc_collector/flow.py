"""From a job on the bus to a slice in the ledger, and what becomes of a job that failed."""

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
_DELIVERIES_BEFORE_SHORTENING: Final = 2


class SliceListener(Protocol):
    """What is notified of slices that ended: the scheduler."""

    def nudge(self, job: CollectJob) -> None:
        """Request the next slice."""
        ...

    def finished(self, job: CollectJob, pages: int) -> None:
        """A slice was read to its end, and had so many pages."""
        ...

    def shorten(self, job: CollectJob) -> bool:
        """A slice could not be read to its end; whether the next one will be shorter."""
        ...


class Deferral(Protocol):
    """What defers stretches of the backlog that cannot be read."""

    async def defer(self, job: CollectJob, deliveries: int, error: Exception) -> bool:
        """A slice failed; whether its stretch was deferred, and its job is done. Raises `Transient`."""
        ...


class SliceRunner(Protocol):
    """What runs slices."""

    async def run(self, job: CollectJob) -> int:
        """Collect one slice; the number of its pages. Raises `Transient` or `Permanent`."""
        ...

    async def abandon(self, job: CollectJob) -> None:
        """Replace a slice by shorter ones. Raises `Transient`."""
        ...


def redelivery(longest_s: float) -> Redelivery:
    """When a job is redelivered whose source failed.

    A source that refuses access (a permission, a licence) is retried too, at growing intervals: an administrator may
    grant it, and Microsoft sometimes reports a missing licence wrongly. Meanwhile the job waits on the stream and holds
    no worker.
    """
    return Redelivery(min(LONGEST_S, longest_s), longest_asked_s=longest_s, permanent_s=longest_s)


def slice_run(runner: SliceRunner, listener: SliceListener, deferral: Deferral) -> CountedRun[CollectJob]:
    """Runs slices and requests the next one, also after a failed one whose job is done."""

    async def replaced(job: CollectJob, deliveries: int, error: Transient | Permanent) -> bool:
        """Whether a job that failed is done: shorter ones follow, or its stretch was deferred."""
        if isinstance(error, UnfinishedError) and deliveries >= _DELIVERIES_BEFORE_SHORTENING and listener.shorten(job):
            await runner.abandon(job)
            _log.warning("slice.shortened", slice=job.slice_id, error=str(error))
            return True
        return await deferral.defer(job, deliveries, error)

    async def run(job: CollectJob, deliveries: int) -> None:
        try:
            pages = await runner.run(job)
        except Postponed:
            raise
        except (Transient, Permanent) as error:
            if not await replaced(job, deliveries, error):
                raise
        except Exception as error:
            # A defect: `bus.policy` decides about the job, and the other stretches need not wait for it.
            await deferral.defer(job, deliveries, error)
            raise
        else:
            listener.finished(job, pages)
        listener.nudge(job)

    return run


def backfill_run(
    retention: Mapping[tuple[str, str], timedelta | None],
    add: Callable[[Stretch, datetime], Awaitable[None]],
    clock: Clock,
) -> Callable[[BackfillJob], Awaitable[None]]:
    """Handles requests for a backfill: each becomes a stretch of the backlog.

    `retention`: (tenant, source) -> how long Microsoft keeps records; None where that is not known.
    """

    async def run(job: BackfillJob) -> None:
        now = clock.now()
        if (job.tenant, job.source) not in retention:
            raise Malformed(f"backfill: no source {job.source} of a tenant {job.tenant} is collected here")
        retained = retention[job.tenant, job.source]
        # The stretch records the requested time; the part before the retention counts as done.
        begin = job.start if retained is None else min(max(job.start, (now - retained).replace(microsecond=0)), job.end)
        name = f"{now:%Y-%m-%dT%H:%M:%SZ} {job.start:%Y-%m-%dT%H:%M:%SZ}"
        await add(Stretch(job.tenant, job.source, Cause.ASKED, name, job.start, job.end, begin), now)
        _log.info("backfill.added", tenant=job.tenant, source=job.source, start=str(begin), end=str(job.end))

    return run

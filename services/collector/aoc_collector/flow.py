"""From a job on the bus to a slice in the ledger, and what a failure means for the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pydantic import ValidationError

from aoc_collector.sources.base import UnfinishedError
from aoc_common.contracts.jobs import BackfillJob, CollectJob, DirectoryJob
from aoc_common.errors import Malformed, Permanent, Postponed, Transient
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from nats.aio.msg import Msg
    from pydantic import BaseModel

    from aoc_common.bus.consume import BatchHandler
    from aoc_common.clock import Clock

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


def make_handler(runner: Run, following: Next, turns: Turns, max_backoff_s: float) -> BatchHandler:
    """The handler of jobs."""

    async def left(job: CollectJob, deliveries: int, error: Transient | Permanent) -> bool:
        """Whether a job that failed is done with: for shorter ones, or since others are first."""
        if isinstance(error, UnfinishedError) and deliveries >= _PATIENCE and following.shorten(job):
            await runner.abandon(job)
            _log.warning("slice.shortened", slice=job.slice_id, error=str(error))
            return True
        return await turns.give_way(job, deliveries, error)

    async def on_jobs(messages: Sequence[Msg]) -> None:
        for message in messages:
            job = read_job(CollectJob, message.data)
            deliveries = message.metadata.num_delivered
            try:
                pages = await runner.run(job)
            except Postponed:
                raise
            except (Transient, Permanent) as error:
                if not await left(job, deliveries, error):
                    raise put_off(error, deliveries, max_backoff_s) from error
            except Exception as error:
                # A defect of ours: `failures` has the last word about the job, but the others need not wait for it.
                await turns.give_way(job, deliveries, error)
                raise
            else:
                following.finished(job, pages)
            following.nudge(job)

    return on_jobs


def make_directory_handler(run: Callable[[DirectoryJob], Awaitable[None]], max_backoff_s: float) -> BatchHandler:
    """The handler of jobs of directories."""

    async def on_jobs(messages: Sequence[Msg]) -> None:
        for message in messages:
            job = read_job(DirectoryJob, message.data)
            try:
                await run(job)
            except Postponed:
                raise
            except (Transient, Permanent) as error:
                raise put_off(error, message.metadata.num_delivered, max_backoff_s) from error

    return on_jobs


def make_backfill_handler(
    reach: Mapping[tuple[str, str], timedelta | None],
    add: Callable[[Stretch, datetime], Awaitable[None]],
    clock: Clock,
) -> BatchHandler:
    """The handler of requests to fill in: each becomes a stretch of the backlog.

    `reach`: (tenant, source) -> how far back Microsoft still has records, where that is known.
    """

    async def on_jobs(messages: Sequence[Msg]) -> None:
        for message in messages:
            job, now = read_job(BackfillJob, message.data), clock.now()
            if (job.tenant, job.source) not in reach:
                raise Malformed(f"backfill: no source {job.source} of a tenant {job.tenant} is collected here")
            kept = reach[job.tenant, job.source]
            # A stretch remembers what was asked for; what cannot be had is done already.
            begin = job.start if kept is None else min(max(job.start, (now - kept).replace(microsecond=0)), job.end)
            name = f"{now:%Y-%m-%dT%H:%M:%SZ} {job.start:%Y-%m-%dT%H:%M:%SZ}"
            await add(Stretch(job.tenant, job.source, Cause.ASKED, name, job.start, job.end, begin), now)
            _log.info("backfill.added", tenant=job.tenant, source=job.source, start=str(begin), end=str(job.end))

    return on_jobs


def read_job[J: BaseModel](kind: type[J], body: bytes) -> J:
    """The job in a message. Raises `Malformed` when this version cannot read it."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Malformed(f"job: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None


def put_off(error: Transient | Permanent, deliveries: int, max_backoff_s: float) -> Transient:
    """The error as one that keeps the job and tries it again later.

    A source that refuses us (a permission, a licence) is asked again too, ever more slowly: somebody may grant it, and
    Microsoft sometimes claims wrongly that a licence is missing. Its job waits on the stream meanwhile; no worker does.
    """
    asked = error.retry_after if isinstance(error, Transient) else None
    cap = max_backoff_s if isinstance(error, Permanent) else min(max_backoff_s, 60.0)
    delay = min(float(2 ** min(deliveries - 1, 20)), cap) if asked is None else min(asked, max_backoff_s)
    return Transient(f"{type(error).__name__}: {error}", retry_after=delay)

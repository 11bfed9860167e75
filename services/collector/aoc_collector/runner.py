"""Runs one slice: fetch, publish, note in the ledger, and only then move the position."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Status, StatusCode

from aoc_collector import metrics
from aoc_collector.loss_letters import dead_letter_of, dlq_message, without_lost_time
from aoc_collector.microsoft.errors import classify, code_of
from aoc_collector.microsoft.pacing import in_background
from aoc_collector.sources.base import Window, fitted
from aoc_collector.subscription_gaps import SubscriptionGaps
from aoc_common.bus.publish import Ack, Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import MAX_RECORD_BYTES, RawPage
from aoc_common.errors import AocError, Postponed, Transient
from aoc_common.store.backlog import Cause
from aoc_common.store.clock_corrections import AHEAD
from aoc_common.store.losses import LostWindow
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import EmptySlice, SliceFetched
from aoc_common.store.sources import SourceState
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from aoc_collector.sources.base import Batch, Loss, Source
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import CollectJob
    from aoc_common.store.backlog import BacklogStore, Stretch
    from aoc_common.store.blobs import BlobLedger
    from aoc_common.store.dead_letters import DeadLetterStore
    from aoc_common.store.losses import LossLedger
    from aoc_common.store.pages import PublishedPages
    from aoc_common.store.slices import SliceLedger
    from aoc_common.store.source_runs import SourceRuns
    from aoc_common.store.source_subscriptions import SourceSubscriptions

_log = logs.get(__name__)

type Publish = Callable[[str, Sequence[Outgoing]], Awaitable[list[Ack]]]
"""Publishes on a stream and awaits every acknowledgement; raises `Transient` or `Permanent`."""

type Room = Callable[[], Awaitable[int]]
"""Bytes that the body of a raw page may have now."""


async def as_stored() -> int:
    """The limit of the store, where the bus sets none."""
    return MAX_RECORD_BYTES


#: A poll's slice ends so much ahead at most: at the next whole second (`slices.next_live_slice`).
_POLLED: Final = timedelta(seconds=2)
#: Pages, or blobs, that are noted in the ledger with one write.
_NOTED_PER_WRITE: Final = 50


@dataclass(slots=True)
class _Tally:
    """What a slice has published, all acknowledged. `unnoted` pages and `blobs` are not in the ledger yet."""

    behind: bool = False
    opened: bool = False
    records: int = 0
    pages: set[str] = field(default_factory=set)
    unnoted: list[PublishedPage] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that a runner writes its account to."""

    slices: SliceLedger
    pages: PublishedPages
    losses: LossLedger
    blobs: BlobLedger
    sources: SourceRuns
    subscriptions: SourceSubscriptions
    backlog: BacklogStore
    letters: DeadLetterStore


class Runner:
    """Runs slices. `find` gives the source of a tenant, or None for one that this collector does not have.

    `admit`: raises `Backpressure` for a tenant of which no more may be fetched now. `clock`: raises `Postponed` while
    it is not trusted (`clock_faults`): a slice that was read across a jump proves nothing, and is read anew.
    """

    def __init__(
        self,
        find: Callable[[str, str], Source | None],
        publish: Publish,
        stores: Stores,
        clock: Clock,
        stopping: asyncio.Event,
        room: Room = as_stored,
        admit: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._find = find
        self._publish = publish
        self._stores = stores
        self._clock = clock
        self._stopping = stopping
        self._room = room
        self._admit = admit
        self._subscription_gaps = SubscriptionGaps(stores.subscriptions, stores.losses, clock)

    async def run(self, job: CollectJob) -> int:
        """Collect one slice; the number of its pages.

        Idempotent: a repeat publishes the same pages under the same ids, or none. On any error position and backlog
        stay and the reason is noted; the error is raised on. Raises `Postponed` when the clock has jumped.
        """
        source = self._find(job.tenant, job.source)
        if source is None:
            _log.warning("job.skipped", tenant=job.tenant, source=job.source, reason="not configured here")
            return 0
        since, stretch, before = await self._collected_until(job)
        if since >= job.end:
            # Scheduled by a replica that had not seen the slice end.
            return 0
        if self._admit is not None:
            # Before anything is fetched or noted: nothing has failed.
            await self._admit(job.tenant)
        attributes = {"aoc.tenant": job.tenant, "aoc.source": job.source, "aoc.slice": job.slice_id}
        with tracing.tracer().start_as_current_span(
            "collect.slice", attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                with nullcontext() if stretch is None else in_background():
                    pages = await self._collect(job, source, stretch, since, before)
            except Postponed:
                raise  # nothing failed
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, str(error)))
                metrics.SLICES.labels(job.tenant, job.source, "failed").inc()
                await self._note_failure(job, error)
                raise
        metrics.SLICES.labels(job.tenant, job.source, "fetched").inc()
        return pages

    async def abandon(self, job: CollectJob) -> None:
        """Replace a slice by shorter ones. Raises `Transient` when the store is away."""
        await self._stores.slices.slice_abandoned(job.slice_id, self._clock.now())

    async def _collected_until(self, job: CollectJob) -> tuple[datetime, Stretch | None, SourceState]:
        """Until where the source, or the job's stretch, is collected; the job's end when nothing remains.

        Then the stretch, and for a live slice the source's state. A job without a stretch that should have one is done.
        """
        if job.end > self._clock.now() + AHEAD:
            # Requested by a clock that was ahead. To read the future is to claim that there was nothing.
            _log.warning("job.skipped", tenant=job.tenant, source=job.source, reason=f"{job.end} is still to come")
            return job.end, None, SourceState(job.tenant, job.source)
        if job.stretch is not None:
            stretch = await self._stores.backlog.find(job.tenant, job.stretch)
            done = job.end if stretch is None else stretch.done_until
            return done, stretch, SourceState(job.tenant, job.source)
        state = await self._stores.sources.state(job.tenant, job.source)
        return state.position or job.start, None, state

    async def _collect(
        self, job: CollectJob, source: Source, stretch: Stretch | None, since: datetime, before: SourceState
    ) -> int:
        stores, tally = self._stores, _Tally(stretch is not None and stretch.cause is Cause.BEHIND)
        rereading = stretch is not None and stretch.cause is not Cause.BEHIND
        try:
            afresh = stretch is not None and (stretch.cause is Cause.ASKED or stretch.afresh)
            async with aclosing(source.batches(Window(job.start, job.end, afresh))) as batches:
                async for received in batches:
                    batch = without_lost_time(received) if rereading else received
                    if batch.arrays or batch.losses:
                        await self._open(job, tally, rereading=rereading)
                    await self._publish_batch(job, batch, tally)
                    if self._stopping.is_set():
                        raise Transient("the collector is stopping", retry_after=0)  # noqa: TRY301  # noted as any other
        except Exception as error:
            self._check_collected(job, tally, error)
            # A failure is noted at its slice.
            await self._open(job, tally, rereading=rereading)
            raise
        finally:
            # Also on failure: what is acknowledged need not be fetched again.
            await self._note_fetched(job, tally)
        now = self._clock.now()
        # What was still to come when it was read, is read again: a clock that was ahead has requested it.
        until = min(job.end, (now + _POLLED).replace(microsecond=0))
        if tally.opened:
            await stores.slices.slice_fetched(
                SliceFetched(job.slice_id, pages=len(tally.pages), records=tally.records, at=now)
            )
        else:
            # Most slices are empty: they cost one write, and no document.
            empty = EmptySlice(job.tenant, job.source, since, max(until, since), now, rereading=rereading)
            await stores.slices.slice_empty(job.slice_id, empty)
        if stretch is None:
            # Noted as not running before a crash or a lost answer: it runs, or this slice could not have been read.
            await self._subscription_gaps.close(before)
            await stores.sources.advance(job.tenant, job.source, until, now)
        else:
            if stretch.cause is Cause.ASKED and until > since:
                await stores.sources.note_requested(job.tenant, job.source, since, until)
            await stores.backlog.advance(stretch.id, until, now)
        if tally.losses:
            summary = f"{tally.losses} losses, see aoc deadletters"
            await stores.sources.note_error(job.tenant, job.source, summary, now)
        if tally.records:
            _log.info("slice.fetched", slice=job.slice_id, pages=len(tally.pages), records=tally.records)
        return len(tally.pages)

    def _check_collected(self, job: CollectJob, tally: _Tally, error: Exception) -> None:
        """Raise `Postponed` when its tenant was paused, or deleted: that waits until nothing of it is written."""
        if not tally.opened and self._find(job.tenant, job.source) is None:
            raise Postponed("the tenant is not collected any more") from error

    async def _open(self, job: CollectJob, tally: _Tally, *, rereading: bool) -> None:
        if not tally.opened:
            await self._stores.slices.open_slice(
                job.slice_id, job.tenant, job.source, job.start, job.end, rereading=rereading
            )
            tally.opened = True

    async def _publish_batch(self, job: CollectJob, batch: Batch, tally: _Tally) -> None:
        """Publish the pages and losses of one answer; count them when JetStream has acknowledged all."""
        if batch.subscription is not None:
            await self._subscription_gaps.observe(job.tenant, job.source, batch.subscription)
        if batch.arrays:
            batch = fitted(batch, await self._room())
        if batch.losses:
            tally.losses += len(batch.losses)
            await self._note_losses(job, batch.losses)
            for loss in batch.losses:
                _log.error("record.lost", tenant=job.tenant, source=job.source, reason=loss.reason)
        if batch.arrays:
            published = await self._publish_pages(job, batch, behind=tally.behind)
            # Equal pages, also those published before a failure, are one page.
            tally.pages.update(page.page for page in published)
            tally.unnoted += published
            records = sum(array.records for array in batch.arrays)
            tally.records += records
            metrics.PAGES_PUBLISHED.labels(job.tenant, job.source).inc(len(published))
            metrics.RECORDS_FETCHED.labels(job.tenant, job.source).inc(records)
        tally.blobs.update(batch.blobs)
        if len(tally.blobs) >= _NOTED_PER_WRITE or len(tally.unnoted) >= _NOTED_PER_WRITE:
            await self._note_fetched(job, tally)

    async def _note_losses(self, job: CollectJob, losses: Sequence[Loss]) -> None:
        slice_window = Window(job.start, job.end)
        at = self._clock.now()
        letters = [dead_letter_of(job, loss, at) for loss in losses]
        for letter, loss in zip(letters, losses, strict=True):
            # How many records an unreadable blob holds is not known.
            await self._stores.letters.put(letter, int(bool(loss.sample) and not loss.blob), "")
        await self._publish(
            subjects.DLQ_STREAM, [dlq_message(letter, loss) for letter, loss in zip(letters, losses, strict=True)]
        )
        for loss in losses:
            if not loss.blob:
                window = loss.window or slice_window
                await self._stores.losses.note_loss(
                    job.tenant, job.source, LostWindow(window.start, window.end, loss.reason), at
                )

    async def _publish_pages(self, job: CollectJob, batch: Batch, *, behind: bool) -> list[PublishedPage]:
        with tracing.tracer().start_as_current_span("raw.publish", attributes={"aoc.pages": len(batch.arrays)}):
            at = self._clock.now()
            pages = [RawPage(job.tenant, job.source, job.slice_id, at, array.body, behind) for array in batch.arrays]
            messages = [Outgoing(page.subject, page.body, tracing.inject(page.headers())) for page in pages]
            acks = await self._publish(subjects.RAW_STREAM, messages)
            return [
                PublishedPage(page.id, page.tenant, page.source, page.slice_id, ack.seq, at)
                for page, ack in zip(pages, acks, strict=True)
            ]

    async def _note_fetched(self, job: CollectJob, tally: _Tally) -> None:
        """In this order: a blob that is known as fetched is not fetched again, so its pages must be known before."""
        if tally.unnoted:
            await self._stores.pages.note_pages(tally.unnoted)
            tally.unnoted.clear()
        if tally.blobs:
            at = self._clock.now()
            await self._stores.blobs.mark_fetched(job.tenant, job.source, tally.blobs, job.slice_id, at)
            tally.blobs.clear()

    async def _note_failure(self, job: CollectJob, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        try:
            at = self._clock.now()
            await self._stores.slices.slice_failed(job.slice_id, reason, at)
            await self._stores.sources.note_error(
                job.tenant, job.source, reason, at, trouble=classify(error), code=code_of(error)
            )
        except AocError as unnoted:
            _log.warning("failure.unnoted", slice=job.slice_id, reason=reason, error=str(unnoted))

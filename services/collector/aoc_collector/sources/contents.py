"""Fetches content blobs, each by itself, so that one which cannot be read does not delay the others.

A blob that fails is noted in the ledger with the reason. Its slice is retried for it `PATIENCE` times; then the slice
is completed without it, and the blob is retried by itself, at growing intervals, until it is read or expires at
Microsoft. Meanwhile the account shows it as content that waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aoc_collector import metrics
from aoc_collector.microsoft.origins import FOREIGN_HOST
from aoc_collector.sources.base import Batch, Loss, cut
from aoc_collector.sources.listing import Item, by_unique_id
from aoc_common.errors import AocError, Permanent, Postponed, Refused, Throttled, Transient, Unreachable
from aoc_common.http import UNREADABLE_LINK
from aoc_common.store.blob_retries import PATIENCE
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_collector.sources.base import Context, Window
    from aoc_common.store.blobs import ContentBlob

_log = logs.get(__name__)

#: The content expired, or does not exist (any more).
_EXPIRED: Final = frozenset({"AF20051", "AF20050"})
#: Links that will never work.
_BAD_LINK: Final = frozenset({UNREADABLE_LINK, FOREIGN_HOST})
#: So many failures without a success are not caused by the blobs: the rest waits for the next try of the slice.
_FAILURES_BEFORE_STOP: Final = 8
#: Blobs that are retried by themselves in one slice, and how long each may take: the slice waits for them.
_MAX_RETRIED: Final = 32
_TRY_S: Final = 30.0
#: Microsoft keeps blobs for a week; what waited longer has expired. Checked once a day, further back after a start.
_EXPIRY_EVERY_S: Final = 24 * 3600.0
_FIRST_EXPIRY_LOOKBACK: Final = timedelta(days=90)
_EXPIRY_LOOKBACK: Final = timedelta(days=10)


class BadLinkError(Permanent):
    """A blob's link cannot be followed."""


@dataclass(slots=True)
class Reading:
    """The progress of reading a slice. `error`: why it must be retried, although all else was read."""

    window: Window
    read: int = 0
    failed: int = 0
    error: AocError | None = None


class Contents:
    """The content blobs of a source."""

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context
        self._publisher = f"PublisherIdentifier={quote(context.publisher, safe='')}"
        self._expire_at: float | None = None

    async def fetch_new(self, items: Sequence[Item], reading: Reading) -> AsyncGenerator[Batch]:
        """Fetch what is new among listed blobs, oldest first: the oldest expire first.

        Failures are noted in `reading`. Raises `Throttled`, or the last error when further fetches would fail too.
        """
        if not items:
            return
        context, tenant, now = self._context, self._context.tenant, self._context.clock.now()
        by_id = by_unique_id(items)
        await context.blobs.listed(tenant, self._name, [item.blob for item in by_id.values()], now)
        known = await context.blobs.fetched(tenant, self._name, list(by_id))
        skipped: set[str] = set()
        if not reading.window.afresh:
            new = [content_id for content_id in by_id if content_id not in known]
            skipped = known | (await context.waiting.deferred(tenant, self._name, new, now) if new else set())
        to_fetch = sorted(
            (item for content_id, item in by_id.items() if content_id not in skipped),
            key=lambda item: item.blob.created,
        )
        for first in range(0, len(to_fetch), context.concurrency):
            group = to_fetch[first : first + context.concurrency]
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._fetch_item(item, known)) for item in group]
            outcomes = [(item, task.result()) for item, task in zip(group, running, strict=True)]
            for _, outcome in outcomes:
                if isinstance(outcome, Batch):
                    reading.read += 1
                    yield outcome
            # After the successes: the blobs that were read beside a failed one are published.
            if losses := await self._note_failures(
                [(item, error) for item, error in outcomes if isinstance(error, AocError)], known, reading
            ):
                yield Batch(losses=losses)

    async def fetch_waiting(self) -> AsyncGenerator[Batch]:
        """Fetch blobs that were put off and are due: once each, within `_TRY_S`."""
        context, tenant, now = self._context, self._context.tenant, self._context.clock.now()
        await self._expire()
        due = await context.waiting.due(tenant, self._name, now, _MAX_RETRIED)
        for first in range(0, len(due), context.concurrency):
            group = due[first : first + context.concurrency]
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._fetch_in_time(blob)) for blob in group]
            outcomes = [task.result() for task in running]
            for outcome in outcomes:
                if isinstance(outcome, Batch):
                    yield outcome
            failed = {
                blob: _reason(error)
                for blob, error in zip(group, outcomes, strict=True)
                if isinstance(error, AocError) and not isinstance(error, Throttled | Postponed)
            }
            for error in (outcome for outcome in outcomes if isinstance(outcome, AocError)):
                self._count(error)
            await context.waiting.failed(tenant, self._name, failed, now)
            if not any(isinstance(outcome, Batch) for outcome in outcomes):
                return

    async def _note_failures(
        self, failures: Sequence[tuple[Item, AocError]], known: set[str], reading: Reading
    ) -> list[Loss]:
        """Note failures; the losses of those that will never be read, once. Raises when the next would fail too."""
        context, tenant = self._context, self._context.tenant
        # Neither is the blob's fault.
        if put_off := next((error for _, error in failures if isinstance(error, Throttled | Postponed)), None):
            raise put_off
        for _, error in failures:
            self._count(error)
        tries = await context.waiting.failed(
            tenant,
            self._name,
            {item.blob: _reason(error) for item, error in failures if item.blob.content_id not in known},
            context.clock.now(),
        )
        losses = []
        for item, error in failures:
            name = item.blob.content_id
            bad_link = isinstance(error, BadLinkError)
            if bad_link and tries.get(name, 0) == 1:
                losses.append(Loss(f"content {name}: {error}", item.text, blob=True))
            elif tries.get(name, 0) == PATIENCE:
                _log.warning("blob.put_off", tenant=tenant, source=self._name, content=name, error=_reason(error))
            if not bad_link:
                reading.failed += 1
                if tries.get(name, 0) < PATIENCE:
                    reading.error = error
        if reading.error is not None and not reading.read and reading.failed >= _FAILURES_BEFORE_STOP:
            raise reading.error
        return losses

    def _count(self, error: AocError) -> None:
        kind = {BadLinkError: "link", Refused: "refused", Unreachable: "unreachable"}.get(type(error), "other")
        metrics.BLOBS_FAILED.labels(self._context.tenant, self._name, kind).inc()

    async def _fetch_item(self, item: Item, known: set[str]) -> Batch | AocError:
        if item.unusable is not None:
            return BadLinkError(item.unusable)
        return await self._fetch(item.blob, known=item.blob.content_id in known)

    async def _fetch_in_time(self, blob: ContentBlob) -> Batch | AocError:
        if not blob.uri:
            return BadLinkError("it was listed without a link")
        try:
            async with asyncio.timeout(_TRY_S):
                return await self._fetch(blob, known=False)
        except TimeoutError:
            return Unreachable(f"content {blob.content_id}: not read within {_TRY_S:.0f} s")

    async def _fetch(self, blob: ContentBlob, *, known: bool) -> Batch | AocError:
        """The content of a blob, or why it cannot be read. `known`: it was fetched before."""
        try:
            return await self._content(blob, known=known)
        except Refused as refused:
            return BadLinkError(str(refused)) if refused.code in _BAD_LINK else refused
        except AocError as error:
            return error
        except Exception as error:  # noqa: BLE001  # logged with its traceback, and noted
            # A defect that one blob meets must not stop the others.
            _log.exception("blob.failed", tenant=self._context.tenant, source=self._name, content=blob.content_id)
            return Transient(f"content {blob.content_id}: {type(error).__name__}: {error}")

    async def _content(self, blob: ContentBlob, *, known: bool) -> Batch:
        context, url = self._context, blob.uri
        if "publisheridentifier=" not in url.lower():
            url = f"{url}{'&' if '?' in url else '?'}{self._publisher}"
        try:
            batch = await context.api.get(url, lambda answer: cut(answer.body, self._name))
        except Refused as refused:
            if refused.code not in _EXPIRED:
                raise
            blobs, at = context.blobs, context.clock.now()
            if known or not await blobs.mark_expired(context.tenant, self._name, blob.content_id, at):
                # It was read before it expired: nothing is missing.
                _log.info("blob.gone", tenant=context.tenant, source=self._name, content=blob.content_id)
                return Batch()
            return Batch(losses=[Loss(f"content {blob.content_id}: {refused}", blob=True)])
        records = sum(array.records for array in batch.arrays) + len(batch.losses)
        return Batch(batch.arrays, {blob.content_id: records}, batch.losses)

    async def _expire(self) -> None:
        context, at = self._context, self._context.clock.monotonic()
        if self._expire_at is not None and at < self._expire_at:
            return
        now = context.clock.now()
        since = now - (_FIRST_EXPIRY_LOOKBACK if self._expire_at is None else _EXPIRY_LOOKBACK)
        if expired := await context.waiting.expire(context.tenant, self._name, since, now):
            _log.error("blob.expired", tenant=context.tenant, source=self._name, blobs=expired)
        self._expire_at = at + _EXPIRY_EVERY_S


def _reason(error: AocError) -> str:
    return f"{type(error).__name__}: {error}"

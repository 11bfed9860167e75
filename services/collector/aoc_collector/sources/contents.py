"""Fetches content blobs: each by itself, so that one which cannot be read costs nobody else anything.

A blob that fails is noted in the ledger with the reason. Its slice is tried again for it `PATIENCE` times; then the
slice goes on without, and the blob is tried by itself, ever more slowly, until it is read or expires at Microsoft. All
the while the account shows it as content that waits.
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
from aoc_collector.sources.items import Item, told_apart
from aoc_common.errors import AocError, Permanent, Refused, Throttled, Transient, Unreachable
from aoc_common.http import UNREADABLE_LINK
from aoc_common.store.blob_retries import PATIENCE
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_collector.sources.base import Context, Window
    from aoc_common.store.blobs import ContentBlob

_log = logs.get(__name__)

#: The content expired, or does not exist (any more).
_GONE: Final = frozenset({"AF20051", "AF20050"})
#: Links that no further try makes better.
_BAD_LINK: Final = frozenset({UNREADABLE_LINK, FOREIGN_HOST})
#: So many failures without a success are not the blobs' fault: the rest is left for the next try of the slice.
_HOPELESS: Final = 8
#: Blobs that are tried by themselves in one slice, and how long one may take: the slice waits for them.
_TOGETHER: Final = 32
_TRY_S: Final = 30.0
#: Blobs are kept for a week; what waited longer has expired. Looked at once a day, further back after a start.
_EXPIRY_EVERY_S: Final = 24 * 3600.0
_FIRST_REACH: Final = timedelta(days=90)
_REACH: Final = timedelta(days=10)


class BadLinkError(Permanent):
    """A blob's link cannot be followed."""


@dataclass(slots=True)
class Reading:
    """How the reading of a slice goes. `error`: why it must be tried again, although all else was read."""

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

    async def listed(self, items: Sequence[Item], reading: Reading) -> AsyncGenerator[Batch]:
        """What is new among listed blobs, oldest first: it is the oldest that expire.

        Failures are noted in `reading`. Raises `Throttled`, or the last error, when going on is of no use.
        """
        if not items:
            return
        context, tenant, now = self._context, self._context.tenant, self._context.clock.now()
        by_id = told_apart(items)
        await context.blobs.listed(tenant, self._name, [item.blob for item in by_id.values()], now)
        known = await context.blobs.fetched(tenant, self._name, list(by_id))
        skipped: set[str] = set()
        if not reading.window.afresh:
            new = [one for one in by_id if one not in known]
            skipped = known | (await context.waiting.put_off(tenant, self._name, new, now) if new else set())
        wanted = sorted((one for name, one in by_id.items() if name not in skipped), key=lambda one: one.blob.created)
        for first in range(0, len(wanted), context.concurrency):
            group = wanted[first : first + context.concurrency]
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._quietly(item, known)) for item in group]
            outcomes = [(item, task.result()) for item, task in zip(group, running, strict=True)]
            for _, outcome in outcomes:
                if isinstance(outcome, Batch):
                    reading.read += 1
                    yield outcome
            # Only now: what its neighbours gave is not thrown away.
            if losses := await self._note(
                [(item, error) for item, error in outcomes if isinstance(error, AocError)], known, reading
            ):
                yield Batch(losses=losses)

    async def waiting(self) -> AsyncGenerator[Batch]:
        """What was put off and is to be tried again: once each, and not for long."""
        context, tenant, now = self._context, self._context.tenant, self._context.clock.now()
        await self._expire()
        due = await context.waiting.due(tenant, self._name, now, _TOGETHER)
        for first in range(0, len(due), context.concurrency):
            group = due[first : first + context.concurrency]
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._once(blob)) for blob in group]
            outcomes = [task.result() for task in running]
            for outcome in outcomes:
                if isinstance(outcome, Batch):
                    yield outcome
            failed = {
                blob: _reason(error)
                for blob, error in zip(group, outcomes, strict=True)
                if isinstance(error, AocError) and not isinstance(error, Throttled)
            }
            for error in (one for one in outcomes if isinstance(one, AocError)):
                self._count(error)
            await context.waiting.failed(tenant, self._name, failed, now)
            if not any(isinstance(outcome, Batch) for outcome in outcomes):
                return

    async def _note(self, failures: Sequence[tuple[Item, AocError]], known: set[str], reading: Reading) -> list[Loss]:
        """Note failures, and what of them is told once. Raises when going on is of no use."""
        context, tenant = self._context, self._context.tenant
        if throttled := next((error for _, error in failures if isinstance(error, Throttled)), None):
            raise throttled
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
        if reading.error is not None and not reading.read and reading.failed >= _HOPELESS:
            raise reading.error
        return losses

    def _count(self, error: AocError) -> None:
        kind = {BadLinkError: "link", Refused: "refused", Unreachable: "unreachable"}.get(type(error), "other")
        metrics.BLOBS_FAILED.labels(self._context.tenant, self._name, kind).inc()

    async def _quietly(self, item: Item, known: set[str]) -> Batch | AocError:
        if item.unusable is not None:
            return BadLinkError(item.unusable)
        return await self._fetch(item.blob, known=item.blob.content_id in known)

    async def _once(self, blob: ContentBlob) -> Batch | AocError:
        if not blob.uri:
            return BadLinkError("it was listed without a link")
        try:
            async with asyncio.timeout(_TRY_S):
                return await self._fetch(blob, known=False)
        except TimeoutError:
            return Unreachable(f"content {blob.content_id}: not read within {_TRY_S:.0f} s")

    async def _fetch(self, blob: ContentBlob, *, known: bool) -> Batch | AocError:
        """The content of a blob, or why it cannot be had. `known`: it was fetched before."""
        try:
            return await self._content(blob, known=known)
        except Refused as refused:
            return BadLinkError(str(refused)) if refused.code in _BAD_LINK else refused
        except AocError as error:
            return error
        except Exception as error:  # noqa: BLE001  # told with its traceback, and noted
            # A defect of ours, met by one blob: it must not take the others with it.
            _log.exception("blob.failed", tenant=self._context.tenant, source=self._name, content=blob.content_id)
            return Transient(f"content {blob.content_id}: {type(error).__name__}: {error}")

    async def _content(self, blob: ContentBlob, *, known: bool) -> Batch:
        context, url = self._context, blob.uri
        if "publisheridentifier=" not in url.lower():
            url = f"{url}{'&' if '?' in url else '?'}{self._publisher}"
        try:
            batch = await context.api.get(url, lambda answer: cut(answer.body, self._name))
        except Refused as refused:
            if refused.code not in _GONE:
                raise
            blobs, at = context.blobs, context.clock.now()
            if known or not await blobs.mark_expired(context.tenant, self._name, blob.content_id, at):
                # It was read while it was there: nothing is missing.
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
        since = now - (_FIRST_REACH if self._expire_at is None else _REACH)
        if gone := await context.waiting.expire(context.tenant, self._name, since, now):
            _log.error("blob.expired", tenant=context.tenant, source=self._name, blobs=gone)
        self._expire_at = at + _EXPIRY_EVERY_S


def _reason(error: AocError) -> str:
    return f"{type(error).__name__}: {error}"

"""Writes mapped pages: store what is new, link twins, publish what was stored, put aside the rest, settle the ledger.

The order makes a crash at any point harmless. Events are published only after MongoDB accepted them; a page that comes
again publishes exactly the events that it had inserted (they name the page) and that do not stand in AOC_EVENTS yet,
unless it is settled. Whether a page was here before is read from what is stored, not from its delivery count: a server
that was killed forgets counts, and a replica that was paused works on a page that another has taken over.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from opentelemetry import trace

from aoc_common.bus.atomic import PageEvents
from aoc_common.bus.limits import BATCH_HEADERS
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.publications import PublishedSpan
from aoc_common.errors import Transient, Unreachable
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.quarantine import QuarantineEntry, QuarantineStore
from aoc_common.telemetry import logs, tracing
from aoc_normalizer import metrics
from aoc_normalizer.write import data_quality, page_facts
from aoc_normalizer.write.arrivals import arrived
from aoc_normalizer.write.batch import Batch, Outcome
from aoc_normalizer.write.message_size import fit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.bus.atomic import Published
    from aoc_common.clock import Clock
    from aoc_common.contracts.event import PackedEvent, Version
    from aoc_common.contracts.raw import RawPage
    from aoc_common.store.arrivals import ArrivalStore
    from aoc_common.store.page_ledger import PageLedger
    from aoc_common.store.remarks import Remark
    from aoc_normalizer.mapping import MappedPage
    from aoc_normalizer.twins.linker import Twins
    from aoc_normalizer.write.batch import PageInWork
    from aoc_normalizer.write.dedupe import Deduplicator

_log = logs.get(__name__)

type Publish = Callable[[Sequence[PageEvents]], Awaitable[Sequence[Published]]]
"""Publishes each page's events once, whatever was published before (`bus.atomic`). Raises `Transient`."""
type Limit = Callable[[], Awaitable[int]]
"""The largest message that AOC_EVENTS takes at this moment, headers included."""


type Note = Callable[[Sequence[PublishedSpan], datetime], Awaitable[None]]
"""Notes what was published where (`store.publications.Publications.note`). Idempotent. Raises `Transient`."""
type Remember = Callable[[Sequence[Remark]], Awaitable[None]]
"""Sums remarks about records up (`store.remarks.RemarkStore.add`). Raises `Transient`."""


async def nowhere(_remarks: Sequence[Remark]) -> None:
    """Remember nothing."""


async def unnoted(_spans: Sequence[PublishedSpan], _at: datetime) -> None:
    """Note nothing: nobody reads AOC_EVENTS who would have to be given what it has dropped."""


async def unlimited() -> int:
    """As large as anybody can store."""
    return sys.maxsize


#: How often a batch is worked on, as other deliveries of its pages change what is theirs.
_TRIES: Final = 3


class Writer:
    """The storing half of the normalizer. Everything it writes is idempotent."""

    def __init__(
        self,
        dedupe: Deduplicator,
        twins: Twins,
        ledger: PageLedger,
        quarantine: QuarantineStore,
        arrivals: ArrivalStore,
        publish: Publish,
        clock: Clock,
        limit: Limit = unlimited,
        remember: Remember = nowhere,
        note: Note = unnoted,
    ) -> None:
        self._dedupe = dedupe
        self._twins = twins
        self._ledger = ledger
        self._quarantine = quarantine
        self._arrivals = arrivals
        self._publish = publish
        self._clock = clock
        self._limit = limit
        self._remember = remember
        self._note = note

    async def write(self, pages: Sequence[MappedPage]) -> None:
        """Bring a batch of pages to rest. Raises `Transient` when a store or the bus is away; nothing is lost then."""
        now = self._clock.now()
        # Before anything is stored: a page that vanishes then is looked for, whoever died before he had noted it.
        await self._ledger.pages_received([page.on_bus(now) for page in pages])
        adoptions: Mapping[tuple[str, str], int] = {}
        for _ in range(_TRIES):
            batch = Batch(pages, adoptions)
            metrics.BATCH_RECORDS.observe(len(batch.rows))
            await self._store(batch)
            await self._send(batch, await self._seconds(batch))
            await self._put_aside(batch)
            adoptions = await self._settle(batch)
            await self._measure(batch.without(adoptions))
            # For what is left another delivery has taken something on meanwhile, or before it died: it is found now.
            if not (pages := [page.mapped for page in batch.pages if page.key in adoptions]):
                return
        raise Unreachable("ledger: others keep working on the same pages; they are tried again")

    async def _store(self, batch: Batch) -> None:
        """Store what is not stored yet, and find what another delivery of these pages has done."""
        links = [link for page in batch.pages[1:] if (link := tracing.link(page.mapped.trace))]
        with (
            metrics.STAGE_SECONDS.labels("store").time(),
            tracing.tracer().start_as_current_span(
                "events.insert", context=batch.pages[0].mapped.trace, links=links, kind=trace.SpanKind.CLIENT
            ),
        ):
            await self._dedupe.store(batch)

    async def _seconds(self, batch: Batch) -> Mapping[UUID, UUID]:
        with metrics.STAGE_SECONDS.labels("twins").time():
            return await self._twins.seconds(
                [(row.event, row.published_as, row.outcome is Outcome.CLAIMED) for row in batch.mine()]
            )

    async def _send(self, batch: Batch, seconds: Mapping[UUID, UUID]) -> None:
        """Publish what stands in AOC_EVENTS nowhere yet, page by page, and note where."""
        messages: dict[tuple[PageInWork, str | None], list[Outgoing]] = defaultdict(list)
        limit = await self._limit() - BATCH_HEADERS
        for row in batch.mine():
            event, mapped = row.event, row.page.mapped
            message = _outgoing(event, mapped, seconds.get(event.id), row.version)
            messages[row.page, row.origin].append(fit(message, limit))
        returned = {row.page for row in batch.with_outcome(Outcome.CLAIMED)}
        pages = [
            _page_events(page.raw, origin, of_page, returned=page in returned)
            for (page, origin), of_page in messages.items()
        ]
        with metrics.STAGE_SECONDS.labels("publish").time():
            published = await self._publish(pages)
        spans: list[PublishedSpan] = []
        for (page, _), of_page in zip(messages, published, strict=True):
            page.published = (*page.published, *of_page.ranges)
            spans += _spans(page.raw, of_page)
        # At once: a reader to whom the stream cannot deliver these any more finds them by this alone.
        await self._note(spans, self._clock.now())

    async def _put_aside(self, batch: Batch) -> None:
        """Keep what became no event, and for the developer what a mapper stumbled over (its event is stored too)."""
        now = self._clock.now()
        entries = [
            _entry(page.raw, rejected.text, rejected.reason, now)
            for page in batch.pages
            for rejected in page.mapped.rejected
        ]
        refused = [(row, row.reason) for row in batch.with_outcome(Outcome.REFUSED)]
        stumbled = [(row, note) for row in batch.mine() if (note := row.event.note) is not None]
        texts = batch.texts(row for row, _ in (*refused, *stumbled))
        entries += [_entry(row.page.raw, texts[row], reason, now) for row, reason in refused]
        entries += [_entry(row.page.raw, texts[row], note, now, stored=True) for row, note in stumbled]
        if entries:
            _log.warning("records.quarantined", count=len(entries), reason=entries[0].reason, source=entries[0].source)
            await self._quarantine.put(entries)

    async def _settle(self, batch: Batch) -> Mapping[tuple[str, str], int]:
        """Tell the ledger what became of each page. One that is settled already stays as it was.

        Those that stay open, as they have taken on more than this batch knows of; how often they did.
        """
        await self._dedupe.still_there(batch)
        now = self._clock.now()
        mine, put_aside = batch.mine(), _put_aside(batch)
        stored = Counter(row.page for row in mine if row.version is None)
        changed = Counter(row.page for row in mine if row.version is not None)
        # Before the pages are settled: a remark that a crash prevents is made when the page comes again.
        await self._remember(
            data_quality.remarks(((row.event, row.outcome is Outcome.STORED) for row in mine), now),
        )
        quality = data_quality.by_page((row.page, row.event) for row in mine if row.version is None)
        return await self._ledger.pages_settled(
            [
                PageOutcome(
                    page=page.raw.id,
                    tenant=page.raw.tenant,
                    source=page.raw.source,
                    slice_id=page.raw.slice_id,
                    stored=stored[page],
                    changed=changed[page],
                    duplicate=page.records - (stored[page] + changed[page] + put_aside[page]),
                    quarantined=put_aside[page],
                    at=now,
                    published=page.published,
                    not_understood=quality[page].not_understood,
                    undated=quality[page].undated,
                    examples=quality[page].examples,
                    facts=page_facts.of_events(page.mapped.events) if _is_imported(page.raw) else None,
                    adoptions=batch.adoptions[page.key],
                    added=page.added,
                )
                for page in batch.pages
            ]
        )

    async def _measure(self, batch: Batch) -> None:
        """Count what became of it. Raises nothing: the batch is at rest, and a count is not worth another try."""
        mine, put_aside = batch.mine(), _put_aside(batch)
        changed = sum(row.version is not None for row in mine)
        refused = len(batch.with_outcome(Outcome.REFUSED))
        metrics.PAGES_NORMALIZED.labels("settled").inc(len(batch.pages))
        metrics.EVENTS_STORED.labels("changed").inc(changed)
        metrics.EVENTS_STORED.labels("duplicate").inc(len(batch.rows) - len(mine) - refused)
        metrics.EVENTS_STORED.labels("quarantined").inc(put_aside.total())
        for page, count in put_aside.items():
            metrics.RECORDS_QUARANTINED.labels(page.raw.source).inc(count)
        stored_now = batch.with_outcome(Outcome.STORED)
        metrics.EVENTS_STORED.labels("new").inc(len(stored_now))
        data_quality.measure(row.event for row in stored_now)
        # Also what a try before this one has stored: it came no further than this.
        new = ((row.event, row.page.raw) for row in mine if row.version is None)
        try:
            await self._arrivals.add(arrived(new))
        except Transient as error:
            _log.warning("arrivals.uncounted", count=len(stored_now), error=str(error))


def _put_aside(batch: Batch) -> Counter[PageInWork]:
    """How many records of each page became no event."""
    refused = Counter(row.page for row in batch.with_outcome(Outcome.REFUSED))
    return refused + Counter({page: len(page.mapped.rejected) for page in batch.pages})


def _is_imported(page: RawPage) -> bool:
    return page.source == subjects.IMPORT_SOURCE


def _page_events(page: RawPage, origin: str | None, messages: Sequence[Outgoing], *, returned: bool) -> PageEvents:
    # An older version may have published of a page that was migrated from its stream.
    since = None if page.sequence is None else page.fetched_at
    return PageEvents(origin or page.id, messages, returned=returned, since=since)


def _spans(page: RawPage, published: Published) -> Iterator[PublishedSpan]:
    for part in published.parts:
        yield PublishedSpan(published.incarnation, part.first, page.id, page.tenant, page.source, part.ids)


def _outgoing(event: PackedEvent, page: MappedPage, first: UUID | None, version: Version | None) -> Outgoing:
    message = EventMessage.of(event, version, first)
    return Outgoing(message.subject, message.body, tracing.inject(message.headers(), page.trace))


def _entry(page: RawPage, text: str, reason: str, at: datetime, *, stored: bool = False) -> QuarantineEntry:
    # By its text: what is fetched again, on whatever page, waits for one decision.
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=16, person=b"stored" if stored else b"")
    return QuarantineEntry(
        key=f"{page.tenant}/{page.source}#{digest.hexdigest()}",
        tenant=page.tenant,
        source=page.source,
        slice_id=page.slice_id,
        page=page.id,
        reason=reason,
        text=text,
        at=at,
        stored=stored,
    )

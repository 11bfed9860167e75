"""Writes mapped pages: store what is new, link twins, publish what was stored, put aside the rest, settle the ledger.

The order makes a crash at any point harmless. Events are published only after MongoDB accepted them; a page that comes
again publishes exactly the events that it had inserted (their `raw_seq` is the page's), under the same message ids,
unless it is settled. Whether a page was here before is read from what is stored, not from its delivery count: a server
that was killed forgets counts, and a replica that was paused works on a page that another has taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from opentelemetry import trace

from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import twins
from aoc_common.errors import Permanent, Transient
from aoc_common.store.ports import EventStore, LedgerStore, PageOutcome, QuarantineEntry, QuarantineStore
from aoc_common.telemetry import logs, metrics, tracing
from aoc_normalizer.arrivals import arrived
from aoc_normalizer.packing import record_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.event import PackedEvent
    from aoc_common.store.arrivals import ArrivalStore
    from aoc_normalizer.flow import MappedPage
    from aoc_normalizer.twins import Twins

_log = logs.get(__name__)

type Publish = Callable[[Iterable[Outgoing]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Row:
    """One event of the batch and the page that it stands in."""

    page: int
    event: PackedEvent


class Writer:
    """The storing half of the normalizer. Everything it writes is idempotent."""

    def __init__(
        self,
        events: EventStore,
        twins: Twins,
        ledger: LedgerStore,
        quarantine: QuarantineStore,
        arrivals: ArrivalStore,
        publish: Publish,
        clock: Clock,
    ) -> None:
        self._events = events
        self._twins = twins
        self._ledger = ledger
        self._quarantine = quarantine
        self._arrivals = arrivals
        self._publish = publish
        self._clock = clock

    async def write(self, pages: Sequence[MappedPage]) -> None:
        """Bring a batch of pages to rest. Raises `Transient` when a store or the bus is away; nothing is lost then."""
        rows = [_Row(number, event) for number, page in enumerate(pages) for event in page.events]
        metrics.BATCH_RECORDS.observe(len(rows))
        first, refused = await self._store(pages, rows)
        before = await self._inserted_before(pages, rows, first, refused)
        done = await self._done({rows[index].page for index in before}, pages)
        mine = first | {index for index in before if rows[index].page not in done}
        await self._send(pages, rows, mine, await self._seconds(pages, rows, mine, before))
        await self._put_aside(pages, rows, mine, refused)
        await self._settle(pages, rows, mine, refused, done)
        await self._measure(pages, rows, first)

    async def _store(self, pages: Sequence[MappedPage], rows: list[_Row]) -> tuple[set[int], dict[int, str]]:
        """Insert; the indices of new rows, and those that can never be stored with the reason."""
        unique = _first_of_each(rows)
        links = [link for page in pages[1:] if (link := tracing.link(page.trace))]
        with (
            metrics.STAGE_SECONDS.labels("store").time(),
            tracing.tracer().start_as_current_span(
                "events.insert", context=pages[0].trace, links=links, kind=trace.SpanKind.CLIENT
            ),
        ):
            try:
                return await self._insert(rows, unique), {}
            except Permanent:
                return await self._insert_singly(rows, unique)

    async def _insert(self, rows: list[_Row], indices: list[int]) -> set[int]:
        new = await self._events.insert_encoded([rows[index].event.document for index in indices])
        return {indices[position] for position in new}

    async def _insert_singly(self, rows: list[_Row], indices: list[int]) -> tuple[set[int], dict[int, str]]:
        """One event of the batch cannot be stored: find it, store the others."""
        new: set[int] = set()
        refused: dict[int, str] = {}
        for index in indices:
            try:
                new |= await self._insert(rows, [index])
            except Permanent as error:
                refused[index] = str(error)
        return new, refused

    async def _inserted_before(
        self, pages: Sequence[MappedPage], rows: list[_Row], new: set[int], refused: dict[int, str]
    ) -> set[int]:
        """Rows that another delivery of the same page had inserted."""
        known = {rows[index].event.id for index in _first_of_each(rows) if index not in new and index not in refused}
        origin = await self._events.raw_seqs(known)
        theirs = [index for index, row in enumerate(rows) if origin.get(row.event.id) == pages[row.page].raw_seq]
        return {theirs[number] for number in _first_of_each([rows[index] for index in theirs])}

    async def _done(self, numbers: Iterable[int], pages: Sequence[MappedPage]) -> set[int]:
        """Those of these pages that another delivery has settled, so published all of."""
        keys = {number: (pages[number].page.slice_id, pages[number].raw_seq) for number in numbers}
        settled = await self._ledger.settled(keys.values())
        return {number for number, key in keys.items() if key in settled}

    async def _seconds(
        self, pages: Sequence[MappedPage], rows: list[_Row], mine: set[int], before: set[int]
    ) -> Mapping[UUID, UUID]:
        with metrics.STAGE_SECONDS.labels("twins").time():
            return await self._twins.seconds(
                [(rows[index].event, pages[rows[index].page].raw_seq, index in before) for index in sorted(mine)]
            )

    async def _send(
        self, pages: Sequence[MappedPage], rows: list[_Row], mine: set[int], seconds: Mapping[UUID, UUID]
    ) -> None:
        new = (rows[index] for index in sorted(mine))
        with metrics.STAGE_SECONDS.labels("publish").time():
            await self._publish(_outgoing(row.event, pages[row.page], seconds.get(row.event.id)) for row in new)

    async def _put_aside(
        self, pages: Sequence[MappedPage], rows: list[_Row], mine: set[int], refused: dict[int, str]
    ) -> None:
        """Keep what became no event, and for the developer what a mapper stumbled over (its event is stored too)."""
        now = self._clock.now()
        entries = [_entry(page, rejected.text, rejected.reason, now) for page in pages for rejected in page.rejected]
        stumbled = {index: note for index in sorted(mine) if (note := rows[index].event.note) is not None}
        for index, reason in (*refused.items(), *stumbled.items()):
            page = pages[rows[index].page]
            text = record_text(page.page.body, rows[index].event.position)
            entries.append(_entry(page, text, reason, now))
        if entries:
            _log.warning("records.quarantined", count=len(entries), reason=entries[0].reason, source=entries[0].source)
            await self._quarantine.put(entries)

    async def _settle(
        self, pages: Sequence[MappedPage], rows: list[_Row], mine: set[int], refused: dict[int, str], done: set[int]
    ) -> None:
        """Tell the ledger what became of each page that is not settled yet."""
        stored = [0] * len(pages)
        put_aside = [len(page.rejected) for page in pages]
        for index in mine:
            stored[rows[index].page] += 1
        for index in refused:
            put_aside[rows[index].page] += 1
        now = self._clock.now()
        await self._ledger.pages_settled(
            [
                PageOutcome(
                    raw_seq=page.raw_seq,
                    tenant=page.page.tenant,
                    source=page.page.source,
                    slice_id=page.page.slice_id,
                    stored=stored[number],
                    duplicate=len(page.events) + len(page.rejected) - stored[number] - put_aside[number],
                    quarantined=put_aside[number],
                    at=now,
                )
                for number, page in enumerate(pages)
                if number not in done
            ]
        )
        metrics.PAGES_NORMALIZED.labels("settled").inc(len(pages))
        metrics.EVENTS_STORED.labels("duplicate").inc(len(rows) - len(mine) - len(refused))
        metrics.EVENTS_STORED.labels("quarantined").inc(sum(put_aside))

    async def _measure(self, pages: Sequence[MappedPage], rows: list[_Row], new: set[int]) -> None:
        """Count what is new. Raises nothing: the batch is at rest, and a count is not worth another try."""
        metrics.EVENTS_STORED.labels("new").inc(len(new))
        try:
            await self._arrivals.add(arrived((rows[index].event, pages[rows[index].page].page) for index in new))
        except Transient as error:
            _log.warning("arrivals.uncounted", count=len(new), error=str(error))


def _first_of_each(rows: list[_Row]) -> list[int]:
    """Indices of the first row of each event id: a batch can hold the same record twice."""
    first: dict[UUID, int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row.event.id, index)
    return list(first.values())


def _outgoing(event: PackedEvent, page: MappedPage, first: UUID | None) -> Outgoing:
    headers, body = event.headers(), event.body
    if first is not None:
        headers[twins.HEADER] = str(first)
        body = twins.marked(body, first)
    tracing.inject(headers, page.trace)
    return Outgoing(event.subject, body, headers)


def _entry(page: MappedPage, text: str, reason: str, at: datetime) -> QuarantineEntry:
    key = blake2b(f"{page.raw_seq}\x1f{reason}\x1f".encode() + text.encode("utf-8", "replace"), digest_size=16)
    return QuarantineEntry(
        key=f"{page.page.slice_id}#{key.hexdigest()}",
        tenant=page.page.tenant,
        source=page.page.source,
        slice_id=page.page.slice_id,
        raw_seq=page.raw_seq,
        reason=reason,
        text=text,
        at=at,
    )

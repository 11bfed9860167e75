"""Groups records into raw pages and publishes them, a bounded number of bytes at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import MAX_PAGE_BYTES, MAX_PAGE_RECORDS, RawPage
from aoc_common.errors import Backpressure
from aoc_common.store.pages import PublishedPage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aoc_cli.importing.lifeline import Lifeline, Link
    from aoc_common.clock import Clock

#: Pages that are on their way at a time.
_WINDOW: Final = 8
_FULL_PAUSE_S: Final = 0.2
#: Seconds after which a person should know why nothing moves.
_TOLD_AFTER_S: Final = 10.0


@dataclass(slots=True)
class Publisher:
    """Publishes the records of one import.

    - `room`: bytes that a page may have, as it was asked last. `pages`: their ids. `repeated`: records of pages that
      were there already, since the files hold them twice.
    - `outgrown` takes a record that was given to `add` and fits no page any more, since the server takes less now.
    """

    lifeline: Lifeline
    clock: Clock
    tenant: str
    slice_id: str
    outgrown: Callable[[bytes, int], Awaitable[None]]
    room: int = 0
    repeated: int = 0
    pages: set[str] = field(default_factory=set)
    _unnoted: list[PublishedPage] = field(default_factory=list)
    _records: list[bytes] = field(default_factory=list)
    _size: int = 2
    _window: list[list[bytes]] = field(default_factory=list)

    async def measure(self) -> None:
        """Ask how large a page may be."""
        self.room = await self.lifeline.ask("the bus", lambda link: link.limit.page_room())

    async def add(self, record: bytes) -> None:
        """Take one record of at most `room` - 2 bytes; publishes when a window of pages is full."""
        most = min(self.room, MAX_PAGE_BYTES)
        if self._records and (self._size + len(record) + 1 > most or len(self._records) >= MAX_PAGE_RECORDS):
            await self._close_page()
        self._records.append(record)
        self._size += len(record) + 1

    async def finish(self) -> None:
        """Publish what is left."""
        await self._close_page()
        await self._send()

    async def _close_page(self) -> None:
        if self._records:
            self._window.append(self._records)
            self._records, self._size = [], 2
        if len(self._window) >= _WINDOW:
            await self._send()

    async def _send(self) -> None:
        """Publish the window. A page that is acknowledged is not published again, whatever becomes of the others."""
        moved, told = self.clock.monotonic(), False
        await self._fit()
        while self._window:
            before = len(self._window)
            full = await self.lifeline.ask("the bus", self._attempt)
            await self._note()
            now = self.clock.monotonic()
            if len(self._window) < before:
                moved, told = now, False
            elif now - moved > self.lifeline.patience_s:
                raise Backpressure(f"{subjects.RAW_STREAM} was full for {now - moved:.0f} s: {full}")
            elif now - moved > _TOLD_AFTER_S and not told:
                told = True
                self.lifeline.say(f"waiting for the normalizer: {full}")
            if full is not None:
                # A full stream empties as the normalizer works.
                await self.lifeline.look()
                await self.clock.sleep(_FULL_PAUSE_S)

    async def _attempt(self, link: Link) -> Backpressure | None:
        """Publish every page of the window once; what was refused stays in it. The refusal, if the stream was full."""
        self.room = await link.limit.page_room()
        await self._fit()
        pages = self._window
        results = await asyncio.gather(*(self._publish(link, records) for records in pages), return_exceptions=True)
        self._window = [
            records for records, result in zip(pages, results, strict=True) if isinstance(result, BaseException)
        ]
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, Backpressure):
                raise failure
        return next((one for one in failures if isinstance(one, Backpressure)), None)

    async def _publish(self, link: Link, records: list[bytes]) -> None:
        body = b"[" + b",".join(records) + b"]"
        page = RawPage(self.tenant, subjects.IMPORT_SOURCE, self.slice_id, self.clock.now(), body)
        [ack] = await publish_all(link.js, subjects.RAW_STREAM, [Outgoing(page.subject, body, page.headers())])
        # A file can hold the same records twice, page for page.
        self.repeated += len(records) if page.id in self.pages else 0
        self.pages.add(page.id)
        self._unnoted.append(PublishedPage(page.id, page.tenant, page.source, page.slice_id, ack.seq, page.fetched_at))

    async def _note(self) -> None:
        """Tell the ledger which pages are on the bus: one write for a window."""
        if noted := self._unnoted:
            await self.lifeline.ask("the database", lambda link: link.ledger.note_pages(noted))
        self._unnoted = []

    async def _fit(self) -> None:
        """Cut the window anew when its pages are larger than the server takes now."""
        if all(sum(map(len, records)) + len(records) + 1 <= self.room for records in self._window):
            return
        records = [record for page in self._window for record in page]
        for record in records:
            if len(record) + 2 > self.room:
                await self.outgrown(record, self.room)
        self._window = list(_pages((one for one in records if len(one) + 2 <= self.room), self.room))


def _pages(records: Iterator[bytes], room: int) -> Iterator[list[bytes]]:
    page: list[bytes] = []
    size = 2
    for record in records:
        if page and (size + len(record) + 1 > min(room, MAX_PAGE_BYTES) or len(page) >= MAX_PAGE_RECORDS):
            yield page
            page, size = [], 2
        page.append(record)
        size += len(record) + 1
    if page:
        yield page

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
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from aoc_cli.importing.resilient_link import Link, ResilientLink
    from aoc_common.clock import Clock

#: Bytes, and pages, that are on their way at a time.
_WINDOW_BYTES: Final = 8 * MAX_PAGE_BYTES
_WINDOW_PAGES: Final = 64
_FULL_PAUSE_S: Final = 0.2
#: Seconds after which a person should know why nothing moves.
_NOTICE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Page:
    """Records of one file. `file`: its number."""

    file: int
    records: list[bytes]

    @property
    def size(self) -> int:
        return sum(map(len, self.records)) + len(self.records) + 1


@dataclass(slots=True)
class Publisher:
    """Publishes the records of one import. A page holds records of one file: so what becomes of each file is known.

    - `room`: bytes that a page may have, as it was asked last. `pages`: their ids, and the number of the file of each.
      `repeated`: records of pages that were there already, since the files hold them twice, by the number of the file.
    - `outgrown` takes a record, the number of its file, and the room, when it fits no page any more, since the server
      takes less now.
    """

    resilient_link: ResilientLink
    clock: Clock
    tenant: str
    slice_id: str
    outgrown: Callable[[bytes, int, int], Awaitable[None]]
    room: int = 0
    repeated: dict[int, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    _unnoted: list[PublishedPage] = field(default_factory=list)
    _file: int = 0
    _records: list[bytes] = field(default_factory=list)
    _size: int = 2
    _window: list[_Page] = field(default_factory=list)
    _waiting: int = 0

    async def measure(self) -> None:
        """Ask how large a page may be."""
        self.room = await self.resilient_link.ask("the bus", lambda link: link.limit.page_room())

    async def add(self, record: bytes, file: int) -> None:
        """Take one record of at most `room` - 2 bytes; publishes when a window of pages is full."""
        most = min(self.room, MAX_PAGE_BYTES)
        full = self._size + len(record) + 1 > most or len(self._records) >= MAX_PAGE_RECORDS
        if self._records and (full or file != self._file):
            await self._close_page()
        self._file = file
        self._records.append(record)
        self._size += len(record) + 1

    async def finish(self) -> None:
        """Publish what is left."""
        await self._close_page()
        await self._send()

    async def _close_page(self) -> None:
        if self._records:
            self._window.append(_Page(self._file, self._records))
            self._waiting += self._size
            self._records, self._size = [], 2
        if self._waiting >= _WINDOW_BYTES or len(self._window) >= _WINDOW_PAGES:
            await self._send()

    async def _send(self) -> None:
        """Publish the window. A page that is acknowledged is not published again, whatever becomes of the others."""
        moved, noticed = self.clock.monotonic(), False
        await self._fit()
        while self._window:
            before = len(self._window)
            full = await self.resilient_link.ask("the bus", self._attempt)
            await self._note()
            now = self.clock.monotonic()
            if len(self._window) < before:
                moved, noticed = now, False
            elif now - moved > self.resilient_link.patience_s:
                raise Backpressure(f"{subjects.RAW_STREAM} was full for {now - moved:.0f} s: {full}")
            elif now - moved > _NOTICE_S and not noticed:
                noticed = True
                self.resilient_link.say(f"waiting for the normalizer: {full}")
            if full is not None:
                # A full stream empties as the normalizer works.
                await self.resilient_link.look()
                await self.clock.sleep(_FULL_PAUSE_S)
        self._waiting = 0

    async def _attempt(self, link: Link) -> Backpressure | None:
        """Publish every page of the window once; what was refused stays in it. The refusal, if the stream was full."""
        self.room = await link.limit.page_room()
        await self._fit()
        pages = self._window
        results = await asyncio.gather(*(self._publish(link, page) for page in pages), return_exceptions=True)
        self._window = [page for page, result in zip(pages, results, strict=True) if isinstance(result, BaseException)]
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, Backpressure):
                raise failure
        return next((failure for failure in failures if isinstance(failure, Backpressure)), None)

    async def _publish(self, link: Link, window: _Page) -> None:
        body = b"[" + b",".join(window.records) + b"]"
        page = RawPage(self.tenant, subjects.IMPORT_SOURCE, self.slice_id, self.clock.now(), body)
        [ack] = await publish_all(link.js, subjects.RAW_STREAM, [Outgoing(page.subject, body, page.headers())])
        # Files can hold the same records twice, page for page.
        if page.id in self.pages:
            self.repeated[window.file] = self.repeated.get(window.file, 0) + len(window.records)
        self.pages.setdefault(page.id, window.file)
        self._unnoted.append(PublishedPage(page.id, page.tenant, page.source, page.slice_id, ack.seq, page.fetched_at))

    async def _note(self) -> None:
        """Tell the ledger which pages are on the bus: one write for a window."""
        if noted := self._unnoted:
            await self.resilient_link.ask("the database", lambda link: link.ledger.note_pages(noted))
        self._unnoted = []

    async def _fit(self) -> None:
        """Cut the window anew when its pages are larger than the server takes now."""
        if all(page.size <= self.room for page in self._window):
            return
        window, self._window = self._window, []
        for page in window:
            for record in page.records:
                if len(record) + 2 > self.room:
                    await self.outgrown(record, page.file, self.room)
            fitting = (record for record in page.records if len(record) + 2 <= self.room)
            self._window += [_Page(page.file, records) for records in _pages(fitting, self.room)]


def _pages(records: Iterable[bytes], room: int) -> Iterator[list[bytes]]:
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

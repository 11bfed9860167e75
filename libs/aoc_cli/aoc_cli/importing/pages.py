"""Groups records into raw pages and publishes them, a bounded number of bytes at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import MAX_PAGE_BYTES, MAX_PAGE_RECORDS, RawPage
from aoc_common.errors import Backpressure, Unreachable
from aoc_common.store.ports import LedgerStore, PublishedPage

if TYPE_CHECKING:
    from nats.js import JetStreamContext

    from aoc_common.clock import Clock

_WINDOW: Final = 8
_FULL_WAIT_S: Final = 2.0
_ATTEMPTS: Final = 150
#: Bytes of one record. The server takes messages of 8 MiB; a larger record is put aside.
MAX_RECORD: Final = 7 * 1024 * 1024


@dataclass(slots=True)
class Publisher:
    """Publishes the records of one import. Records of a page that JetStream knew already count as `repeated`."""

    js: JetStreamContext
    ledger: LedgerStore
    clock: Clock
    tenant: str
    slice_id: str
    repeated: int = 0
    _published: set[str] = field(default_factory=set)
    _records: list[bytes] = field(default_factory=list)
    _size: int = 0
    _window: list[tuple[RawPage, int]] = field(default_factory=list)

    async def add(self, record: bytes) -> None:
        """Take one record; publishes when a window of pages is full."""
        if self._records and (self._size + len(record) > MAX_PAGE_BYTES or len(self._records) >= MAX_PAGE_RECORDS):
            await self._close_page()
        self._records.append(record)
        self._size += len(record) + 1

    async def finish(self) -> None:
        """Publish what is left."""
        await self._close_page()
        await self._send()

    async def _close_page(self) -> None:
        if not self._records:
            return
        body = b"[" + b",".join(self._records) + b"]"
        page = RawPage(self.tenant, subjects.IMPORT_SOURCE, self.slice_id, self.clock.now(), body)
        self._window.append((page, len(self._records)))
        self._records, self._size = [], 0
        if len(self._window) >= _WINDOW:
            await self._send()

    async def _send(self) -> None:
        messages = [Outgoing(page.subject, page.body, page.headers()) for page, _ in self._window]
        for attempt in range(_ATTEMPTS):
            try:
                acks = await publish_all(self.js, subjects.RAW_STREAM, messages)
                break
            except (Backpressure, Unreachable):
                # A full stream empties as the normalizer works; the message ids make the repetition harmless.
                if attempt == _ATTEMPTS - 1:
                    raise
                await self.clock.sleep(_FULL_WAIT_S)
        await self.ledger.note_pages(
            [
                PublishedPage(page.id, page.tenant, page.source, page.slice_id, ack.seq, page.fetched_at)
                for ack, (page, _) in zip(acks, self._window, strict=True)
            ]
        )
        for page, records in self._window:
            # A file can hold the same records twice, page for page.
            self.repeated += records if page.id in self._published else 0
            self._published.add(page.id)
        self._window.clear()

    @property
    def pages(self) -> int:
        """How many different pages were published."""
        return len(self._published)

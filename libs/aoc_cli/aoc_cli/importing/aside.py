"""What an import puts aside by itself: in the quarantine, and in the account as pages that were on no bus."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import subjects
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.quarantine import QuarantineEntry

if TYPE_CHECKING:
    from aoc_cli.importing.items import Unreadable
    from aoc_cli.importing.resilient_link import ResilientLink
    from aoc_common.clock import Clock

#: Bytes of a part that the quarantine holds; MongoDB's documents end at 16 MiB.
_MOST_BYTES: Final = 12 * 1024 * 1024
#: Parts, and bytes of them, that are put aside with one write.
_TOGETHER: Final = 100
_BYTES: Final = 8 * 1024 * 1024
#: What the name of a page begins with that was on no bus.
_PAGE: Final = "read-"


@dataclass(slots=True)
class PutAsideParts:
    """Parts of files that cannot go on the bus, of one slice. `pages`: how many pages in the account stand for them."""

    resilient_link: ResilientLink
    clock: Clock
    tenant: str
    slice_id: str
    pages: int = 0
    _entries: list[QuarantineEntry] = field(default_factory=list)
    _bytes: int = 0

    async def put(self, item: Unreadable, name: str) -> None:
        """Put a part of the file of this name aside; written once enough of them are there."""
        digest = blake2b(item.data, digest_size=12).hexdigest()
        text = item.data[:_MOST_BYTES].decode("utf-8", "replace")
        self._entries.append(
            QuarantineEntry(
                key=f"{self.tenant}/import#{name}#{item.line}#{digest}",
                tenant=self.tenant,
                source=subjects.IMPORT_SOURCE,
                slice_id=self.slice_id,
                page="",
                reason=f"{name} line {item.line}: {item.reason}",
                text=text,
                at=self.clock.now(),
            )
        )
        self._bytes += len(text)
        if len(self._entries) >= _TOGETHER or self._bytes > _BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        if entries := self._entries:
            await self.resilient_link.ask("the database", lambda link: link.quarantine.put(entries))
            await self._note(quarantined=len(entries))
        self._entries, self._bytes = [], 0

    async def repeated(self, count: int) -> None:
        """Have records in the account that are on pages which the files repeat, letter by letter."""
        if count:
            await self._note(duplicate=count)

    async def _note(self, *, quarantined: int = 0, duplicate: int = 0) -> None:
        self.pages += 1
        outcome = PageOutcome(
            page=f"{_PAGE}{self.pages}",
            tenant=self.tenant,
            source=subjects.IMPORT_SOURCE,
            slice_id=self.slice_id,
            stored=0,
            duplicate=duplicate,
            quarantined=quarantined,
            at=self.clock.now(),
        )
        await self.resilient_link.ask("the database", lambda link: link.ledger.pages_settled([outcome]))

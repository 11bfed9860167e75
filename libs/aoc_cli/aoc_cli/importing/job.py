"""One import: files in, raw pages out, then wait until the normalizer has settled every page."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from aoc_cli.importing.pages import MAX_RECORD, Publisher
from aoc_cli.importing.records import Record, Unreadable, items
from aoc_cli.importing.streams import CountingFile
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Malformed, Transient
from aoc_common.store.ports import LedgerStore, QuarantineEntry, QuarantineStore, SliceFetched, SliceTotals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nats.js import JetStreamContext

    from aoc_common.clock import Clock

_REPORTED: Final = 1000
_POLL_S: Final = 0.2
_STALLED_S: Final = 180.0
#: Bytes of a part that is kept in the quarantine; MongoDB's documents end at 16 MiB.
_KEPT: Final = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that did not become an event."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Summary:
    """What an import did.

    `records` = `new` + `duplicates` + `quarantined` + `dead_lettered`, plus `empty` rows that hold no record.
    `skipped`: files that are no export. `dead_lettered`: in pages that the normalizer gave up (`aoc deadletters`).
    """

    tenant: str
    files: int = 0
    skipped: int = 0
    records: int = 0
    new: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    empty: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    problems_by_reason: Counter[str] = field(default_factory=Counter)

    def note(self, file: Path | str, line: int, reason: str) -> None:
        """Report a part that did not go in; the first thousand one by one, all by reason."""
        self.problems_by_reason[reason.split(":", maxsplit=1)[0]] += 1
        if len(self.problems) < _REPORTED:
            self.problems.append(Problem(str(file), line, reason))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"problems_by_reason": dict(self.problems_by_reason)}


class Progress(Protocol):
    """Who is told how far the import is."""

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read, `records` found so far."""
        ...

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        ...


@dataclass(frozen=True, slots=True)
class Importer:
    """Runs imports against one system."""

    js: JetStreamContext
    ledger: LedgerStore
    quarantine: QuarantineStore
    clock: Clock
    tenant: str

    async def run(self, paths: Sequence[Path], progress: Progress) -> Summary:
        """Import files; one that is no export is skipped and reported. Raises `Malformed` when none is."""
        started = self.clock.monotonic()
        summary = Summary(self.tenant, files=len(paths))
        now = self.clock.now()
        slice_id = f"{self.tenant}/{subjects.IMPORT_SOURCE}/{now:%Y-%m-%dT%H:%M:%SZ}-{uuid4().hex[:8]}"
        await self.ledger.open_slice(slice_id, self.tenant, subjects.IMPORT_SOURCE, now, now)
        publisher = Publisher(self.js, self.ledger, self.clock, self.tenant, slice_id)
        try:
            await self._publish(paths, publisher, summary, progress)
        except AocError as error:
            await self.ledger.slice_failed(slice_id, str(error), self.clock.now())
            raise
        await self.ledger.slice_fetched(
            SliceFetched(
                slice_id,
                publisher.pages,
                summary.records,
                self.clock.now(),
            )
        )
        totals = await self._wait_settled(publisher, progress)
        summary.new = totals.stored
        summary.duplicates = totals.duplicate + publisher.repeated
        summary.quarantined += totals.quarantined
        summary.dead_lettered = totals.dead_lettered
        for entry in await self.quarantine.list(self.tenant, slice_id, _REPORTED) if totals.quarantined else ():
            if entry.page:
                summary.note(f"raw page {entry.page}", 0, entry.reason)
        summary.seconds = round(self.clock.monotonic() - started, 3)
        return summary

    async def _publish(self, paths: Sequence[Path], publisher: Publisher, summary: Summary, progress: Progress) -> None:
        total = sum(path.stat().st_size for path in paths)
        before = 0
        foreign: list[str] = []
        for path in paths:
            with CountingFile(path) as file:
                try:
                    for item in items(file):
                        await self._take(item, path, publisher, summary)
                        if summary.records % 500 == 0:
                            progress.read(before + file.done, total, summary.records)
                except Malformed as error:
                    # A directory may hold a licence or a note beside the logs.
                    foreign.append(f"{path}: {error}")
                    summary.note(path, 0, str(error))
                before += file.size
            progress.read(before, total, summary.records)
        summary.skipped = len(foreign)
        if len(foreign) == len(paths):
            raise Malformed(foreign[0])
        await publisher.finish()

    async def _take(self, item: Record | Unreadable, path: Path, publisher: Publisher, summary: Summary) -> None:
        if isinstance(item, Record):
            summary.records += 1
            if len(item.data) <= MAX_RECORD:
                await publisher.add(item.data)
                return
            item = Unreadable(item.line, f"a record of {len(item.data)} bytes is over {MAX_RECORD}", item.data)
        elif item.reason == "AuditData is empty":
            summary.empty += 1
            summary.note(path, item.line, item.reason)
            return
        else:
            summary.records += 1
        summary.quarantined += 1
        summary.note(path, item.line, item.reason)
        await self._put_aside(item, path, publisher.slice_id)

    async def _put_aside(self, item: Unreadable, path: Path, slice_id: str) -> None:
        digest = blake2b(item.data, digest_size=12).hexdigest()
        entry = QuarantineEntry(
            key=f"{self.tenant}/import#{path.name}#{item.line}#{digest}",
            tenant=self.tenant,
            source=subjects.IMPORT_SOURCE,
            slice_id=slice_id,
            page="",
            reason=f"{path.name} line {item.line}: {item.reason}",
            text=item.data[:_KEPT].decode("utf-8", "replace"),
            at=self.clock.now(),
        )
        await self.quarantine.put([entry])

    async def _wait_settled(self, publisher: Publisher, progress: Progress) -> SliceTotals:
        """Wait for the normalizer. Raises `Transient` when nothing moves for three minutes."""
        moved, last = self.clock.monotonic(), -1
        while True:
            totals = await self.ledger.totals(self.tenant, publisher.slice_id)
            progress.settled(totals.pages, publisher.pages)
            if totals.pages >= publisher.pages:
                return totals
            if totals.pages != last:
                moved, last = self.clock.monotonic(), totals.pages
            elif self.clock.monotonic() - moved > _STALLED_S:
                raise Transient(
                    f"the normalizer has settled {totals.pages} of {publisher.pages} pages and then stopped; "
                    "is it running? The pages are on the bus and will be stored when it runs again."
                )
            await self.clock.sleep(_POLL_S)

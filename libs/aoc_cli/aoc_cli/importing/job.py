"""One import: files in, raw pages out, then wait until everything on the bus is settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4

from aoc_cli.importing.aside import Aside
from aoc_cli.importing.finding import Found
from aoc_cli.importing.pages import Publisher
from aoc_cli.importing.records import Record, Unreadable, is_empty_row, items
from aoc_cli.importing.streams import BrokenFileError, CountingFile, Unpacking
from aoc_cli.importing.summary import REPORTED, Problem, Summary
from aoc_common.bus.unsettled import last_sequence, unsettled
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Malformed, Transient
from aoc_common.store.mongo.imports import left_open
from aoc_common.store.page_ledger import SliceTotals
from aoc_common.store.slices import SliceFetched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from aoc_cli.importing.lifeline import Lifeline, Link
    from aoc_common.clock import Clock
    from aoc_common.contracts.event import StoredEvent

_POLL_S: Final = 0.2
_TOLD_AFTER_S: Final = 10.0
#: Slices whose account is closed at a time, and how often at most.
_SETTLED_TOGETHER: Final = 500
_ROUNDS: Final = 20
#: Characters of a record that is shown as an example.
_EXAMPLE: Final = 300
#: Files that are named in one error.
_TOLD: Final = 20


class Progress(Protocol):
    """Who is told how far the import is."""

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read, `records` found so far."""
        ...

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        ...


@dataclass(slots=True)
class Importer:
    """Runs one import against one system."""

    lifeline: Lifeline
    clock: Clock
    tenant: str
    bounds: Unpacking = field(default_factory=Unpacking)
    found: Found = field(default_factory=Found)
    _aside: Aside = field(init=False)

    async def run(self, progress: Progress) -> Summary:
        """Import what was found; a file that is no export is skipped and reported.

        Raises `Malformed` when none is, `Transient` that says what remains when a server was away for too long.
        """
        started = self.clock.monotonic()
        paths, hidden = self.found.files, self.found.hidden
        summary = Summary(self.tenant, files=len(paths), hidden_files=len(hidden))
        summary.hidden += [str(path) for path in hidden[:REPORTED]]
        now = self.clock.now()
        slice_id = f"{self.tenant}/{subjects.IMPORT_SOURCE}/{now:%Y-%m-%dT%H:%M:%SZ}-{uuid4().hex[:8]}"
        ask = self.lifeline.ask

        async def outgrown(record: bytes, room: int) -> None:
            summary.quarantined += 1
            summary.note("(any)", 0, f"a record of {len(record)} bytes is over {room}")
            await self._aside.put(_over(0, record, room), "(any)")

        self._aside = Aside(self.lifeline, self.clock, self.tenant, slice_id)
        publisher = Publisher(self.lifeline, self.clock, self.tenant, slice_id, outgrown)
        try:
            await ask(
                "the database",
                lambda link: link.ledger.open_slice(slice_id, self.tenant, subjects.IMPORT_SOURCE, now, now),
            )
            await publisher.measure()
            await self._publish(paths, publisher, summary, progress)
            fetched = SliceFetched(
                slice_id,
                len(publisher.pages) + self._aside.pages,
                summary.records,
                self.clock.now(),
            )
            await ask("the database", lambda link: link.ledger.slice_fetched(fetched))
            totals = await self._wait_settled(publisher, summary, progress)
            await self._close_accounts(now, slice_id, summary)
        except Transient as error:
            raise Transient(self._remaining(publisher, summary, error)) from error
        except AocError as error:
            reason = str(error)
            await ask("the database", lambda link: link.ledger.slice_failed(slice_id, reason, self.clock.now()))
            # Nobody goes on with it: what it has on the bus counts, and what it has not is on its way no more.
            await ask("the database", partial(_abandon, slice_id, self.clock.now()))
            await self._settle()
            raise
        self._sum_up(summary, totals, publisher)
        await self._explain(summary, totals, slice_id)
        summary.seconds = round(self.clock.monotonic() - started, 3)
        return summary

    def _sum_up(self, summary: Summary, totals: SliceTotals, publisher: Publisher) -> None:
        summary.new = totals.stored
        summary.changed = totals.changed
        summary.quarantined = totals.quarantined
        summary.dead_lettered = totals.dead_lettered
        summary.not_understood, summary.undated = totals.not_understood, totals.undated
        summary.duplicates = totals.duplicate
        open_ = summary.records - summary.new - summary.duplicates - summary.quarantined - summary.dead_lettered
        if open_ < 0:
            # A page whose acknowledgement was lost came twice, and its records as duplicates of themselves.
            summary.duplicates += open_
        elif open_ > 0:
            pages = len(publisher.pages) + self._aside.pages - totals.pages
            summary.note(
                "(bus)", 0, f"{open_} records on {pages} pages came to no rest: see aoc completeness and doctor"
            )

    async def _explain(self, summary: Summary, totals: SliceTotals, slice_id: str) -> None:
        """Name what was put aside, and an example of what was not understood or has no date."""
        ask = self.lifeline.ask
        if totals.quarantined:
            entries = await ask("the database", lambda link: link.quarantine.list(self.tenant, slice_id, REPORTED))
            for entry in entries:
                if entry.page:
                    summary.note(f"raw page {entry.page}", 0, entry.reason)
        if totals.not_understood or totals.undated:
            found = await ask("the database", lambda link: link.ledger.examples(self.tenant, slice_id))
            for kind, event_id in found.items():
                event = await ask("the database", partial(_event, self.tenant, event_id))
                if event is not None:
                    summary.examples[kind] = (event.raw or "")[:_EXAMPLE]

    async def _publish(self, paths: Sequence[Path], publisher: Publisher, summary: Summary, progress: Progress) -> None:
        total = sum(_size(path) for path in paths)
        before = 0
        for path in paths:
            try:
                await self._read(
                    path, publisher, summary, lambda done: progress.read(done, total, summary.records), before
                )
            except Malformed as error:
                # A directory may hold a licence or a note beside the logs.
                summary.skipped += 1
                summary.refused += path in self.found.named
                summary.leave(path, str(error))
            except BrokenFileError as error:
                # A disk may be broken at one place.
                summary.unread += 1
                summary.leave(path, str(error))
            before += _size(path)
            progress.read(before, total, summary.records)
        if summary.left and len(summary.left) == len(paths) and not summary.records:
            raise Malformed(
                "; ".join(f"{one.file}: {one.reason}" for one in summary.left[:_TOLD]) + _more(summary.left)
            )
        summary.unread += len(self.found.unread)
        for path, reason in self.found.unread:
            summary.leave(path, reason)
        await publisher.finish()
        await self._aside.flush()
        await self._aside.repeated(publisher.repeated)

    async def _read(
        self, path: Path, publisher: Publisher, summary: Summary, tell: Callable[[int], None], before: int
    ) -> None:
        """Take all records of a file. Raises `Malformed` for one that is no export, `BrokenFileError`."""
        last: Record | Unreadable | None = None
        with CountingFile(path) as file:
            for last in items(file, self.bounds):
                await self._take(last, path, publisher, summary)
                if summary.records % 500 == 0:
                    tell(before + file.done)
            if file.changed():
                summary.note(path, 0, "changed while it was read: import it again when nobody writes to it")
            if not file.size and last is None:
                raise Malformed("it is empty")
        if isinstance(last, Unreadable) and last.stopped:
            summary.stopped += 1
            summary.leave(path, last.reason)
        elif isinstance(last, Unreadable) and not is_empty_row(last):
            # A file that was cut ends in half a record: nobody knows what came after it.
            summary.unread += 1
            summary.leave(path, last.reason if last.of_file else f"it ends in what is no record: {last.reason}")

    async def _take(self, item: Record | Unreadable, path: Path, publisher: Publisher, summary: Summary) -> None:
        if isinstance(item, Record):
            summary.records += 1
            if len(item.data) + 2 <= publisher.room:
                await publisher.add(item.data)
                return
            item = _over(item.line, item.data, publisher.room)
        elif item.of_file:
            return
        elif is_empty_row(item):
            summary.empty += 1
            summary.note(path, item.line, item.reason)
            return
        else:
            summary.records += 1
        summary.quarantined += 1
        summary.note(path, item.line, item.reason)
        await self._aside.put(item, path.name)

    async def _wait_settled(self, publisher: Publisher, summary: Summary, progress: Progress) -> SliceTotals:
        """Wait until all that was on the bus when reading ended is settled: also what an earlier import left there.

        Raises `Transient` when nothing moves for as long as one is patient.
        """
        ask, pages = self.lifeline.ask, len(publisher.pages) + self._aside.pages
        upto = await ask("the bus", lambda link: last_sequence(link.js, subjects.RAW_STREAM))
        moved, last, told = self.clock.monotonic(), (-1, -1), False
        while True:
            left = await ask("the bus", lambda link: unsettled(link.js, subjects.RAW_STREAM, upto))
            totals = await ask("the database", lambda link: link.ledger.totals(self.tenant, publisher.slice_id))
            progress.settled(min(totals.pages, pages), pages)
            if left == 0:
                return totals
            now, at = self.clock.monotonic(), (left, totals.pages)
            if at != last:
                moved, last, told = now, at, False
            elif now - moved > self.lifeline.patience_s:
                if totals.pages < pages:
                    raise Transient(f"the normalizer has settled nothing for {now - moved:.0f} s; is it running?")
                summary.note("(bus)", 0, f"{left} pages that others put on the bus before are not settled yet")
                return totals
            elif now - moved > _TOLD_AFTER_S and not told:
                told = True
                self.lifeline.say(f"waiting for the normalizer: up to {left} pages on the bus are not settled")
            await self.lifeline.look()
            await self.clock.sleep(_POLL_S)

    async def _close_accounts(self, began: datetime, slice_id: str, summary: Summary) -> None:
        """Settle the slice, and those of imports that were killed: all that they had put on the bus is settled."""
        ask = self.lifeline.ask
        for name in await ask("the database", lambda link: left_open(link.database, self.tenant, began)):
            if name != slice_id:
                summary.earlier += 1
                await ask("the database", partial(_abandon, name, self.clock.now()))
        await self._settle()

    async def _settle(self) -> None:
        """Close the account of all slices that are at rest."""
        for _ in range(_ROUNDS):
            closed = await self.lifeline.ask(
                "the database", lambda link: link.account.settle(self.clock.now(), _SETTLED_TOGETHER)
            )
            if closed < _SETTLED_TOGETHER:
                break

    def _remaining(self, publisher: Publisher, summary: Summary, error: Transient) -> str:
        """What is done, what is not, and how to go on."""
        return (
            f"{error}. Until then {summary.records:,} records were read and {len(publisher.pages):,} pages put on "
            "the bus; what is there is stored as soon as a normalizer runs. Nothing is lost: import the same files "
            "again when the servers are back, and what is stored already counts as duplicate"
        )


def _more(left: Sequence[Problem]) -> str:
    return f"; and {len(left) - _TOLD} more" if len(left) > _TOLD else ""


def _size(path: Path) -> int:
    """Bytes of a file, for the progress bar; 0 when they cannot be told."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def _event(tenant: str, event_id: UUID, link: Link) -> StoredEvent | None:
    return await link.events.get(tenant, event_id)


async def _abandon(slice_id: str, at: datetime, link: Link) -> None:
    await link.ledger.slice_abandoned(slice_id, at)


def _over(line: int, data: bytes, room: int) -> Unreadable:
    return Unreadable(line, f"a record of {len(data)} bytes is over {room - 2}", data)

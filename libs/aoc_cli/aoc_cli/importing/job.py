"""One import: files in, raw pages out, then wait until everything on the bus is settled."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from aoc_cli.importing.pages import Publisher
from aoc_cli.importing.records import Record, Unreadable, items
from aoc_cli.importing.streams import BrokenFileError, CountingFile, Unpacking
from aoc_common.bus.unsettled import last_sequence, unsettled
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Malformed, Transient
from aoc_common.store.mongo.imports import left_open
from aoc_common.store.ports import SliceFetched, SliceTotals
from aoc_common.store.quarantine import QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from aoc_cli.importing.lifeline import Lifeline, Link
    from aoc_common.clock import Clock
    from aoc_common.contracts.event import StoredEvent

_REPORTED: Final = 1000
_POLL_S: Final = 0.2
_TOLD_AFTER_S: Final = 10.0
#: Bytes of a part that is kept in the quarantine; MongoDB's documents end at 16 MiB.
_KEPT: Final = 12 * 1024 * 1024
#: Parts, and bytes of them, that are put aside with one write.
_ASIDE: Final = 100
_ASIDE_BYTES: Final = 8 * 1024 * 1024
#: Slices whose account is closed at a time, and how often at most.
_SETTLED_TOGETHER: Final = 500
_ROUNDS: Final = 20
#: Characters of a record that is shown as an example.
_EXAMPLE: Final = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that did not become an event."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Summary:
    """What an import did.

    `records` = `new` + `changed` + `duplicates` + `quarantined` + `dead_lettered`, plus `empty` rows that hold no
    record. `changed`: new versions of events that were stored before.
    `dead_lettered`: in pages that the normalizer gave up (`aoc deadletters`).
    `skipped`: files that are no export. `unread`: files and directories that cannot be read, or not to their end; what
    was read of them is in. `stopped`: packed files that hold more than they may; they were read to there.
    Of the new, `not_understood` had a shape that no mapper knows, and `undated` do not say when they happened;
    `examples`: one of each, by these names. `earlier`: imports before that never ended, and now are accounted for.
    """

    tenant: str
    files: int = 0
    skipped: int = 0
    unread: int = 0
    stopped: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    empty: int = 0
    not_understood: int = 0
    undated: int = 0
    earlier: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)
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


@dataclass(slots=True)
class Importer:
    """Runs one import against one system."""

    lifeline: Lifeline
    clock: Clock
    tenant: str
    bounds: Unpacking = field(default_factory=Unpacking)
    unread: Sequence[tuple[Path, str]] = ()
    _aside: list[QuarantineEntry] = field(default_factory=list)
    _aside_bytes: int = 0

    async def run(self, paths: Sequence[Path], progress: Progress) -> Summary:
        """Import files; one that is no export is skipped and reported.

        Raises `Malformed` when none is, `Transient` that says what remains when a server was away for too long.
        """
        started = self.clock.monotonic()
        summary = Summary(self.tenant, files=len(paths))
        now = self.clock.now()
        slice_id = f"{self.tenant}/{subjects.IMPORT_SOURCE}/{now:%Y-%m-%dT%H:%M:%SZ}-{uuid4().hex[:8]}"
        ask = self.lifeline.ask

        async def outgrown(record: bytes, room: int) -> None:
            summary.quarantined += 1
            summary.note("(any)", 0, f"a record of {len(record)} bytes is over {room}")
            await self._put_aside(_over(0, record, room), "(any)", slice_id)

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
                len(publisher.pages),
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
            raise
        self._sum_up(summary, totals, publisher)
        await self._explain(summary, totals, slice_id)
        summary.seconds = round(self.clock.monotonic() - started, 3)
        return summary

    def _sum_up(self, summary: Summary, totals: SliceTotals, publisher: Publisher) -> None:
        summary.new = totals.stored
        summary.changed = totals.changed
        summary.quarantined += totals.quarantined
        summary.dead_lettered = totals.dead_lettered
        summary.not_understood, summary.undated = totals.not_understood, totals.undated
        summary.duplicates = totals.duplicate + publisher.repeated
        open_ = summary.records - summary.new - summary.duplicates - summary.quarantined - summary.dead_lettered
        if open_ < 0:
            # A page whose acknowledgement was lost came twice, and its records as duplicates of themselves.
            summary.duplicates += open_
        elif open_ > 0:
            pages = len(publisher.pages) - totals.pages
            summary.note(
                "(bus)", 0, f"{open_} records on {pages} pages came to no rest: see aoc completeness and doctor"
            )

    async def _explain(self, summary: Summary, totals: SliceTotals, slice_id: str) -> None:
        """Name what was put aside, and an example of what was not understood or has no date."""
        ask = self.lifeline.ask
        if totals.quarantined:
            entries = await ask("the database", lambda link: link.quarantine.list(self.tenant, slice_id, _REPORTED))
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
        left: list[str] = []
        for path in paths:
            try:
                with CountingFile(path) as file:
                    for item in items(file, self.bounds):
                        await self._take(item, path, publisher, summary)
                        if summary.records % 500 == 0:
                            progress.read(before + file.done, total, summary.records)
                    if file.changed():
                        summary.note(path, 0, "changed while it was read: import it again when nobody writes to it")
            except (Malformed, BrokenFileError) as error:
                # A directory may hold a licence or a note beside the logs; a disk may be broken at one place.
                left.append(f"{path}: {error}")
                summary.note(path, 0, str(error))
                summary.unread += isinstance(error, BrokenFileError)
            before += _size(path)
            progress.read(before, total, summary.records)
        summary.skipped += len(left) - summary.unread
        summary.unread += len(self.unread)
        for path, reason in self.unread:
            summary.note(path, 0, reason)
        if left and len(left) == len(paths):
            raise Malformed(left[0])
        await publisher.finish()
        await self._flush()

    async def _take(self, item: Record | Unreadable, path: Path, publisher: Publisher, summary: Summary) -> None:
        if isinstance(item, Record):
            summary.records += 1
            if len(item.data) + 2 <= publisher.room:
                await publisher.add(item.data)
                return
            item = _over(item.line, item.data, publisher.room)
        elif item.reason == "AuditData is empty":
            summary.empty += 1
            summary.note(path, item.line, item.reason)
            return
        else:
            summary.records += 1
        summary.stopped += item.stopped
        summary.quarantined += 1
        summary.note(path, item.line, item.reason)
        await self._put_aside(item, path.name, publisher.slice_id)

    async def _put_aside(self, item: Unreadable, name: str, slice_id: str) -> None:
        digest = blake2b(item.data, digest_size=12).hexdigest()
        text = item.data[:_KEPT].decode("utf-8", "replace")
        self._aside.append(
            QuarantineEntry(
                key=f"{self.tenant}/import#{name}#{item.line}#{digest}",
                tenant=self.tenant,
                source=subjects.IMPORT_SOURCE,
                slice_id=slice_id,
                page="",
                reason=f"{name} line {item.line}: {item.reason}",
                text=text,
                at=self.clock.now(),
            )
        )
        self._aside_bytes += len(text)
        if len(self._aside) >= _ASIDE or self._aside_bytes > _ASIDE_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if entries := self._aside:
            await self.lifeline.ask("the database", lambda link: link.quarantine.put(entries))
        self._aside, self._aside_bytes = [], 0

    async def _wait_settled(self, publisher: Publisher, summary: Summary, progress: Progress) -> SliceTotals:
        """Wait until all that was on the bus when reading ended is settled: also what an earlier import left there.

        Raises `Transient` when nothing moves for as long as one is patient.
        """
        ask, pages = self.lifeline.ask, len(publisher.pages)
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
        for _ in range(_ROUNDS):
            closed = await ask("the database", lambda link: link.account.settle(self.clock.now(), _SETTLED_TOGETHER))
            if closed < _SETTLED_TOGETHER:
                break

    def _remaining(self, publisher: Publisher, summary: Summary, error: Transient) -> str:
        """What is done, what is not, and how to go on."""
        return (
            f"{error}. Until then {summary.records:,} records were read and {len(publisher.pages):,} pages put on "
            "the bus; what is there is stored as soon as a normalizer runs. Nothing is lost: import the same files "
            "again when the servers are back, and what is stored already counts as duplicate"
        )


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

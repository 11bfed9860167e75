"""One import: files in, raw pages out, then wait until everything on the bus is settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aoc_cli.importing.aside import PutAsideParts
from aoc_cli.importing.custody import Origin, ended, failed
from aoc_cli.importing.interrupted import close_interrupted
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.pages import Publisher
from aoc_cli.importing.reading import FileReader, Options, Progress
from aoc_cli.importing.selection import Selection
from aoc_cli.importing.summary import REPORTED, Summary
from aoc_cli.pauses import pause_s
from aoc_common.bus.unsettled import last_sequence, unsettled
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Scope
from aoc_common.errors import AocError, Transient
from aoc_common.store.mongo.imports import imported_pages, left_open
from aoc_common.store.slices import SliceFetched

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from aoc_cli.importing.resilient_link import Link, ResilientLink
    from aoc_cli.importing.summary import FileAccount
    from aoc_common.clock import Clock
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.imports import ImportAccount
    from aoc_common.store.mongo.imports import ImportedPage
    from aoc_common.store.page_ledger import SliceTotals

_POLL_S: Final = 0.2
_LONGEST_POLL_S: Final = 3.0
_NOTICE_S: Final = 10.0
#: Slices whose account is closed at a time, and how often at most.
_SETTLED_TOGETHER: Final = 500
_ROUNDS: Final = 20
#: Characters of a record that is shown as an example.
_EXAMPLE: Final = 300
#: Years in which a record may be dated: the services are younger, and clocks are wrong by less.
_FIRST_YEAR: Final = 2000
_YEARS_AHEAD: Final = 20
#: Files that are named in one error.
_NAMED: Final = 20


class NothingImportedError(NoLogError):
    """None of the files holds a record. `summary`: of each, why."""

    def __init__(self, summary: Summary) -> None:
        refusals = summary.refusals
        more = f"; and {len(refusals) - _NAMED} more" if len(refusals) > _NAMED else ""
        super().__init__("; ".join(f"{one.file}: {one.reason}" for one in refusals[:_NAMED]) + more)
        self.summary = summary


@dataclass(slots=True)
class Importer:
    """Runs one import against one system."""

    resilient_link: ResilientLink
    clock: Clock
    tenant: str
    options: Options = field(default_factory=Options)
    selection: Selection = field(default_factory=Selection)
    origin: Origin = field(default_factory=lambda: Origin("", ()))
    _aside: PutAsideParts = field(init=False)

    async def run(self, progress: Progress) -> Summary:
        """Import what was selected; a file that is no export is skipped and reported.

        Raises `NothingImportedError` when none is, `Transient` that says what remains when a server was away too long.
        """
        started = self.clock.monotonic()
        hidden = self.selection.hidden
        summary = Summary(self.tenant, files=len(self.selection.files), hidden_files=len(hidden))
        summary.hidden += [str(path) for path in hidden[:REPORTED]]
        now = self.clock.now()
        slice_id = f"{self.tenant}/{subjects.IMPORT_SOURCE}/{now:%Y-%m-%dT%H:%M:%SZ}-{uuid4().hex[:8]}"
        account, summary.import_id = self.origin.account(slice_id, self.tenant, now), slice_id
        ask = self.resilient_link.ask
        self._aside = PutAsideParts(self.resilient_link, self.clock, self.tenant, slice_id)
        reader = FileReader(self.selection, self.options, summary, self._aside)
        publisher = Publisher(self.resilient_link, self.clock, self.tenant, slice_id, reader.outgrown)
        try:
            await ask(
                "the database",
                lambda link: link.ledger.open_slice(slice_id, self.tenant, subjects.IMPORT_SOURCE, now, now),
            )
            await ask("the database", lambda link: link.imports.begin(account))
            await publisher.measure()
            await reader.read(publisher, progress)
            if summary.refusals and not summary.records and not summary.empty:
                raise NothingImportedError(summary)
            await publisher.finish()
            await self._aside.flush()
            await self._aside.repeated(sum(publisher.repeated.values()))
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
            await self._end_account(failed(account, reason, self.clock.now()), reader)
            raise
        self._sum_up(summary, totals, publisher)
        await self._explain(summary, totals, publisher)
        await self._end_account(ended(account, summary, self.clock.now()), reader)
        summary.seconds = round(self.clock.monotonic() - started, 3)
        return summary

    async def _end_account(self, account: ImportAccount, reader: FileReader) -> None:
        files = list(reader.custody.files(self.selection))
        await self.resilient_link.ask("the database", lambda link: link.imports.end(account, files))

    def _sum_up(self, summary: Summary, totals: SliceTotals, publisher: Publisher) -> None:
        summary.new = totals.stored
        summary.changed = totals.changed
        summary.quarantined = totals.quarantined
        summary.dead_lettered = totals.dead_lettered
        summary.duplicates = totals.duplicate
        open_ = summary.records - summary.new - summary.duplicates - summary.quarantined - summary.dead_lettered
        open_ -= summary.changed
        if open_ < 0:
            # A page whose acknowledgement was lost came twice, and its records as duplicates of themselves.
            summary.duplicates += open_
        elif open_ > 0:
            pages = len(publisher.pages) + self._aside.pages - totals.pages
            summary.unsettled += open_
            summary.note(
                "(bus)", 0, f"{open_} records on {pages} pages came to no rest: see aoc completeness and doctor"
            )

    async def _explain(self, summary: Summary, totals: SliceTotals, publisher: Publisher) -> None:
        """Say by file what became of the records; name what was put aside, and examples of what tells too little."""
        ask, slice_id, accounts = self.resilient_link.ask, publisher.slice_id, summary.accounts
        pages = await ask("the database", lambda link: imported_pages(link.database, self.tenant, slice_id))

        def account(page: str) -> FileAccount | None:
            file = publisher.pages.get(page)
            return None if file is None else accounts[file]

        summary.settle((page, account(page.page)) for page in pages)
        for file, count in publisher.repeated.items():
            accounts[file].duplicates += count
        for of_file in accounts:
            if (moment := _impossible(of_file, self.clock.now())) is not None:
                of_file.doubtful += 1
                summary.doubtful += 1
                summary.note(of_file.file, 0, f"a record in it says {moment:%Y-%m-%d %H:%M:%S} UTC, which cannot be")
        if totals.quarantined:
            entries = await ask("the database", lambda link: link.quarantine.list(self.tenant, slice_id, REPORTED))
            for entry in entries:
                if entry.page:
                    known = account(entry.page)
                    summary.note(known.file if known else f"raw page {entry.page}", 0, entry.reason)
        for kind, event_id in _examples(pages).items():
            event = await ask("the database", partial(_event, self.tenant, event_id))
            if event is not None:
                summary.examples[kind] = (event.raw or "")[:_EXAMPLE]

    async def _wait_settled(self, publisher: Publisher, summary: Summary, progress: Progress) -> SliceTotals:
        """Wait until all that was on the bus when reading ended is settled: also what an earlier import left there.

        Raises `Transient` when nothing moves for as long as one is patient.
        """
        ask, pages = self.resilient_link.ask, len(publisher.pages) + self._aside.pages
        upto = await ask("the bus", lambda link: last_sequence(link.js, subjects.RAW_STREAM))
        moved, last, noticed = self.clock.monotonic(), -1, False
        while True:
            began = self.clock.monotonic()
            # The bus alone is asked: to sum up its pages each time took a local store a tenth of its time.
            left = await ask("the bus", lambda link: unsettled(link.js, subjects.RAW_STREAM, upto))
            progress.settled(max(0, pages - left), pages)
            now = self.clock.monotonic()
            if left == 0:
                return await self._totals(publisher)
            if left != last:
                moved, last, noticed = now, left, False
            elif now - moved > self.resilient_link.patience_s:
                totals = await self._totals(publisher)
                if totals.pages < pages:
                    raise Transient(f"the normalizer has settled nothing for {now - moved:.0f} s; is it running?")
                summary.note("(bus)", 0, f"{left} pages that others put on the bus before are not settled yet")
                return totals
            elif now - moved > _NOTICE_S and not noticed:
                noticed = True
                self.resilient_link.say(f"waiting for the normalizer: up to {left} pages on the bus are not settled")
            took = self.clock.monotonic() - began
            await self.resilient_link.look()
            await self.clock.sleep(pause_s(took, _POLL_S, _LONGEST_POLL_S))

    async def _totals(self, publisher: Publisher) -> SliceTotals:
        return await self.resilient_link.ask(
            "the database", lambda link: link.ledger.totals(self.tenant, publisher.slice_id)
        )

    async def _close_accounts(self, began: datetime, slice_id: str, summary: Summary) -> None:
        """Settle the slice, and close imports that never ended: all that they had put on the bus is settled."""
        ask = self.resilient_link.ask
        for name in await ask("the database", lambda link: left_open(link.database, self.tenant, began)):
            if name != slice_id:
                summary.earlier += 1
                await ask("the database", partial(_abandon, name, self.clock.now()))
        await self._settle()
        await ask("the database", lambda link: close_interrupted(link.database, self.tenant, began))

    async def _settle(self) -> None:
        """Close the account of all slices that are at rest."""
        for _ in range(_ROUNDS):
            closed = await self.resilient_link.ask(
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


def _impossible(account: FileAccount, now: datetime) -> datetime | None:
    """A time in a file that no record of these services can have."""
    if account.last is not None and account.last.year > now.year + _YEARS_AHEAD:
        return account.last
    return account.first if account.first is not None and account.first.year < _FIRST_YEAR else None


def _examples(pages: list[ImportedPage]) -> dict[str, UUID]:
    examples: dict[str, UUID] = {}
    for page in pages:
        examples = {**page.facts.examples, **examples}
    return examples


async def _event(tenant: str, event_id: UUID, link: Link) -> StoredEvent | None:
    return await link.events.get(Scope(tenant), event_id)


async def _abandon(slice_id: str, at: datetime, link: Link) -> None:
    await link.ledger.slice_abandoned(slice_id, at)

"""Reads the files of an import, one after the other, and keeps an account of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from aoc_cli.importing.custody import Custody
from aoc_cli.importing.items import Ambiguity, Record, Unreadable, is_empty_row
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.records import sources
from aoc_cli.importing.streams import BrokenFileError, CountingFile
from aoc_cli.importing.summary import NO_END, REPORTED, FileAccount
from aoc_cli.importing.unpacking import Unpacking

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_cli.importing.archives import Opener
    from aoc_cli.importing.aside import PutAsideParts
    from aoc_cli.importing.pages import Publisher
    from aoc_cli.importing.records import Source
    from aoc_cli.importing.selection import Selection
    from aoc_cli.importing.summary import Summary

#: Records after which the progress is shown.
_OFTEN: Final = 500


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read. `encoding`: of text that has no byte order mark; None: see `encodings`.

    `day_first`: whether local times of tables begin with the day; None: see `days`.
    """

    limits: Unpacking = field(default_factory=Unpacking)
    encoding: str | None = None
    day_first: bool | None = None


class Progress(Protocol):
    """Shows how far the import is."""

    def read(self, done: int, total: int, records: int) -> None:
        """`done` of `total` bytes are read, which held `records` so far."""
        ...

    def settled(self, pages: int, of: int) -> None:
        """The normalizer has settled this many pages."""
        ...


class FileReader:
    """Brings the records of files to a publisher, what is none aside, and the rest into the summary."""

    def __init__(self, selection: Selection, options: Options, summary: Summary, aside: PutAsideParts) -> None:
        self._selection = selection
        self._options = options
        self._summary = summary
        self._aside = aside
        self._stopped = False
        self.custody = Custody(summary)

    async def read(self, publisher: Publisher, progress: Progress) -> None:
        """Read all files. Raises what the publisher does."""
        summary, paths = self._summary, self._selection.files
        total = sum(_size(path) for path in paths)
        done = 0
        for path in paths:
            taken = self.custody.begin(path)
            try:
                with CountingFile(path) as file:
                    await self._file(path, file, publisher, _Share(progress, done, total, summary, file))
                    await taken.identify(file)
            except BrokenFileError as error:
                # A disk may be broken at one place.
                summary.unread += 1
                summary.refuse(str(path), str(error))
            done += _size(path)
            progress.read(done, total, summary.records)
        summary.unread += len(self._selection.unread)
        for path, reason in self._selection.unread:
            summary.refuse(str(path), reason)

    async def outgrown(self, record: bytes, file: int, room: int) -> None:
        """Put a record aside that was read, and fits no page any more."""
        account = self._summary.accounts[file]
        await self._put_aside(account, _over(0, record, room))

    async def _file(self, path: Path, file: CountingFile, publisher: Publisher, share: _Share) -> None:
        """Read all documents of a file, which are itself or what is in it. Raises `BrokenFileError`."""
        summary = self._summary
        opener, documents = sources(
            file, self._options.limits, self._options.encoding, day_first=self._options.day_first
        )
        self._stopped = False
        refused = faults = read = 0
        for source in documents:
            name = f"{path}/{source.name}" if source.name else str(path)
            account = FileAccount(name, file.size if not source.name else 0)
            try:
                read += await self._document(source, account, publisher, share)
            except NoLogError as error:
                # A directory, or an archive, may hold a licence or a note beside the logs.
                refused += 1
                named = not source.name and path in self._selection.named
                faults += not error.harmless
                summary.skipped += 1
                summary.refused += named or not error.harmless
                summary.refuse(name, str(error), harmless=error.harmless and not named)
        self._hide(path, opener)
        summary.stopped += opener.stopped or self._stopped
        if not read and not refused:
            self._refuse_whole(path, "there is nothing in it" if file.size else "it is empty")
        elif not read and not faults and (refused > 1 or source.name):
            self._refuse_whole(path, "nothing in it is a log")
        if file.changed():
            summary.unread += 1
            summary.refuse(str(path), "changed while it was read: import it again when nobody writes to it")

    def _refuse_whole(self, path: Path, reason: str) -> None:
        named = path in self._selection.named
        self._summary.skipped += 1
        self._summary.refused += named
        self._summary.refuse(str(path), reason, harmless=not named)

    def _hide(self, path: Path, opener: Opener) -> None:
        self._summary.hidden_files += len(opener.hidden)
        room = REPORTED - len(self._summary.hidden)
        self._summary.hidden += [f"{path}/{name}" for name in opener.hidden[: max(0, room)]]

    async def _document(self, source: Source, account: FileAccount, publisher: Publisher, share: _Share) -> int:
        """Take all records of a document; whether there was anything. Raises `NoLogError`, `BrokenFileError`."""
        summary = self._summary
        number = len(summary.accounts)
        last: Record | Unreadable | None = None
        try:
            for item in source.items():
                if isinstance(item, Ambiguity):
                    self._doubt(item, account)
                    continue
                last = item
                if number == len(summary.accounts):
                    summary.accounts.append(account)
                await self._take(last, account, number, publisher)
                if account.records % _OFTEN == 0:
                    share.show()
        finally:
            account.encoding, account.undecodable = source.encoding, source.lost
            account.size = source.size if source.name else account.size
            summary.undecodable += source.lost if last is not None else 0
        if source.lost and last is not None:
            summary.note(
                account.file, 0, f"{source.lost:,} characters are none in {source.encoding}: U+FFFD stands for them"
            )
        if isinstance(last, Unreadable) and last.stopped:
            self._stopped = True
            summary.refuse(account.file, last.reason)
        elif isinstance(last, Unreadable) and not is_empty_row(last):
            # A file that was cut ends in half a record: nobody knows what came after it.
            summary.unread += 1
            summary.refuse(account.file, last.reason if last.of_file else f"{NO_END}{last.reason}")
        return last is not None

    def _doubt(self, doubt: Ambiguity, account: FileAccount) -> None:
        account.doubtful += 1
        self._summary.doubtful += 1
        self._summary.note(account.file, doubt.line, doubt.reason)

    async def _take(self, item: Record | Unreadable, account: FileAccount, number: int, publisher: Publisher) -> None:
        summary = self._summary
        if isinstance(item, Record):
            summary.records += 1
            account.records += 1
            if item.cut is not None:
                summary.truncated += 1
                account.truncated += 1
                summary.note(account.file, item.line, item.cut)
            if len(item.data) + 2 <= publisher.room:
                await publisher.add(item.data, number)
                return
            item = _over(item.line, item.data, publisher.room)
        elif item.of_file:
            return
        elif is_empty_row(item):
            summary.empty += 1
            account.empty += 1
            summary.note(account.file, item.line, item.reason)
            return
        else:
            summary.records += 1
            account.records += 1
        await self._put_aside(account, item)

    async def _put_aside(self, account: FileAccount, item: Unreadable) -> None:
        account.quarantined += 1
        self._summary.quarantined += 1
        self._summary.note(account.file, item.line, item.reason)
        await self._aside.put(item, account.file.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class _Share:
    """The part of the progress that one file is."""

    progress: Progress
    before: int
    total: int
    summary: Summary
    file: CountingFile

    def show(self) -> None:
        """Show how far reading is."""
        self.progress.read(self.before + min(self.file.done, self.file.size), self.total, self.summary.records)


def _over(line: int, data: bytes, room: int) -> Unreadable:
    return Unreadable(line, f"a record of {len(data)} bytes is over {room - 2}", data)


def _size(path: Path) -> int:
    """Bytes of a file, for the progress bar; 0 when they cannot be asked for."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

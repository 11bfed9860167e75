"""The account of an import: who ran it, and of each file what it was and what became of it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_common.store.imports import FileStatus, ImportAccount, ImportedFile, ImportState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aoc_cli.importing.selection import Selection
    from aoc_cli.importing.streams import CountingFile
    from aoc_cli.importing.summary import FileAccount, Summary

#: Paths that were named, of which each is on record.
_PATHS: Final = 100
#: Characters of a person's name, of a path, and of a reason.
_LONGEST_NAME: Final = 200
_LONGEST_PATH: Final = 4_096
_LONGEST_REASON: Final = 1_000
#: Of a file's account, what the account of an import has too.
_COUNTS: Final = (
    "records", "new", "changed", "duplicates", "quarantined", "dead_lettered", "empty", "truncated", "not_understood",
    "undated",
)  # fmt: skip
_OF_IMPORT: Final = (
    "records", "new", "changed", "duplicates", "quarantined", "dead_lettered", "not_understood", "undated"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Who runs an import, where, and on what."""

    by: str
    paths: tuple[str, ...]

    def account(self, import_id: str, tenant: str, at: datetime) -> ImportAccount:
        """The account of an import that begins."""
        return ImportAccount(
            import_id,
            tenant,
            at,
            by=_text(self.by, _LONGEST_NAME),
            host=_text(socket.gethostname(), _LONGEST_NAME),
            aoc=version("aoc-cli"),
            directory=_text(str(Path.cwd()), _LONGEST_PATH),
            paths=tuple(_text(path, _LONGEST_PATH) for path in self.paths[:_PATHS]),
            named=len(self.paths),
        )


def ended(account: ImportAccount, summary: Summary, at: datetime) -> ImportAccount:
    """The account of an import that has come to its end."""
    counts = {name: getattr(summary, name) for name in _OF_IMPORT}
    seen = summary.occurrences
    return replace(account, state=ImportState.ENDED, ended_at=at, first=seen.first, last=seen.last, **counts)


def failed(account: ImportAccount, reason: str, at: datetime) -> ImportAccount:
    """The account of an import that gave up."""
    return replace(account, state=ImportState.FAILED, ended_at=at, reason=_text(reason, _LONGEST_REASON))


@dataclass(slots=True)
class TakenFile:
    """A file that is being read, or was: which accounts and refusals it has made in the summary."""

    path: Path
    accounts: slice
    refusals: slice
    size: int | None = None
    modified_at: datetime | None = None
    sha256: str | None = None

    async def identify(self, file: CountingFile) -> None:
        """Note what it is, once it was read. Raises `BrokenFileError`."""
        self.size, self.modified_at = file.size, file.modified_at
        # What nobody has read of it is read now: that may be much.
        digest = await asyncio.to_thread(file.digest)
        self.sha256 = None if file.changed() else digest


class Custody:
    """Keeps account of the files of an import, in the order in which they are read."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._taken: list[TakenFile] = []

    def begin(self, path: Path) -> TakenFile:
        """A file is going to be read. What the summary says from now on is of it, until the next begins."""
        accounts, refusals = len(self._summary.accounts), len(self._summary.refused_files)
        if self._taken:
            before = self._taken[-1]
            before.accounts = slice(before.accounts.start, accounts)
            before.refusals = slice(before.refusals.start, refusals)
        self._taken.append(TakenFile(path, slice(accounts, None), slice(refusals, None)))
        return self._taken[-1]

    def files(self, selection: Selection) -> Iterator[ImportedFile]:
        """All files, each before what is in it, and after them what was not opened."""
        for taken in self._taken:
            yield from _rows(taken, self._summary.accounts[taken.accounts], self._summary.refused_files[taken.refusals])
        for path, reason in selection.unread:
            yield ImportedFile(_path(path), FileStatus.UNREAD, _text(reason, _LONGEST_REASON))
        for path in selection.hidden:
            yield ImportedFile(_path(path), FileStatus.HIDDEN, "its name begins with a dot")


def _rows(
    taken: TakenFile, accounts: Sequence[FileAccount], refusals: Sequence[tuple[str, str]]
) -> Iterator[ImportedFile]:
    """A file, and what is in it. Its own counts are those of all that is in it."""
    name = str(taken.path)
    reasons: dict[str, str] = {}
    for file, reason in refusals:
        reasons.setdefault(file, reason)
    parts = [account for account in accounts if account.file != name]
    whole = next((account for account in accounts if account.file == name), None)
    row = _row(name, accounts, reasons.get(name))
    opened = taken.size is not None or bool(accounts)
    yield replace(
        row,
        status=row.status if opened else FileStatus.UNREAD,
        encoding=whole.encoding if whole is not None else "",
        size=taken.size,
        modified_at=taken.modified_at,
        sha256=taken.sha256,
    )
    for account in parts:
        row = _row(account.file, [account], reasons.pop(account.file, None))
        yield replace(row, part_of=_path(taken.path), encoding=account.encoding)
    for file, reason in reasons.items():
        if file != name:
            yield replace(_row(file, [], reason), part_of=_path(taken.path))


def _row(name: str, accounts: Sequence[FileAccount], reason: str | None) -> ImportedFile:
    status = FileStatus.READ if reason is None else FileStatus.PARTLY if accounts else FileStatus.SKIPPED
    return ImportedFile(
        _text(name, _LONGEST_PATH),
        status,
        _text(reason or "", _LONGEST_REASON),
        **{count: sum(getattr(account, count) for account in accounts) for count in _COUNTS},
        first=min(_times(account.first for account in accounts), default=None),
        last=max(_times(account.last for account in accounts), default=None),
    )


def _times(times: Iterable[datetime | None]) -> Iterator[datetime]:
    return (time for time in times if time is not None)


def _path(path: Path) -> str:
    return _text(str(path), _LONGEST_PATH)


def _text(text: str, longest: int) -> str:
    """As it can be stored: names of files on Linux are bytes, which need not be text."""
    return text.encode("utf-8", "backslashreplace").decode()[:longest]

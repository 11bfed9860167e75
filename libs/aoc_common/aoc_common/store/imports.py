"""The account of each import: who brought which files in, what they were, and what became of them.

It never expires and is never changed once an import has ended: it is what a chain of custody begins with. Every method
may raise `Transient` when the store is away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime


class FileStatus(StrEnum):
    """How far a file was read."""

    READ = "read"
    """To its end."""
    PARTLY = "partly"
    """Not to its end, or somebody wrote to it meanwhile. What was read of it is in."""
    SKIPPED = "skipped"
    """It is no log, or of a kind that is not read here."""
    UNREAD = "unread"
    """It cannot be read."""
    HIDDEN = "hidden"
    """Nobody asked for it: its name begins with a dot. It was not opened."""


class ImportState(StrEnum):
    """How an import ended."""

    OPEN = "open"
    """It is at work, or was killed; the next import of the tenant closes its account."""
    ENDED = "ended"
    """What its files hold is settled."""
    FAILED = "failed"
    """It gave up, or was interrupted: then it has no `ended_at`, and no files. `reason` says why."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file of an import, or one in an archive (`part_of`: the name of that).

    `size`, in bytes, `modified_at` and `sha256` are of the file as it lies on the disk, packed or not, and None for
    parts of archives and what was not opened. `reason`: why it was not read, or not whole.
    `records` = `new` + `changed` + `duplicates` + `quarantined` + `dead_lettered`, where the import ended. `first` and
    `last`: times of its records, of those that have one.
    """

    file: str
    status: FileStatus
    reason: str = ""
    part_of: str = ""
    size: int | None = None
    modified_at: datetime | None = None
    sha256: str | None = None
    encoding: str = ""
    records: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    empty: int = 0
    truncated: int = 0
    not_understood: int = 0
    undated: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportAccount:
    """One import. `id`: that of its slice in the ledger.

    `by`: who ran it; `host` and `directory`: where; `aoc`: with which version; `paths`: what was named to it, and
    `named` how many that were. `files`: how many files are on record, parts of archives included. `manifest`: the
    SHA-256 of their hashes and names (`manifest_of`). The counts are as of `ImportedFile`, of all files together.
    """

    id: str
    tenant: str
    began_at: datetime
    by: str
    host: str
    aoc: str
    directory: str
    paths: tuple[str, ...]
    named: int
    state: ImportState = ImportState.OPEN
    reason: str = ""
    ended_at: datetime | None = None
    files: int = 0
    manifest: str | None = None
    records: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    not_understood: int = 0
    undated: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """The account of an import with its files, in the order in which they were read; the first of them, if it has many.

    `account.files` says how many there are.
    """

    account: ImportAccount
    files: tuple[ImportedFile, ...]


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From the first to the last time of records, both inclusive."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """What was imported for a tenant: in how many imports, and of which time, if any record has one."""

    tenant: str
    imports: int
    span: TimeSpan | None


class ImportStore(Protocol):
    """Accounts of imports."""

    async def begin(self, account: ImportAccount) -> None:
        """An import begins. Idempotent."""
        ...

    async def end(self, account: ImportAccount, files: Iterable[ImportedFile]) -> None:
        """It has ended. `account.files` is set here. Once it is on record it stays: idempotent."""
        ...

    def records(self, tenant: str, most_files: int) -> AsyncIterator[ImportRecord]:
        """A tenant's imports, the oldest first, with at most so many files of all together."""
        ...

    async def cases(self, tenant: str | None = None) -> Sequence[Case]:
        """What was imported for this tenant, or for each, by name."""
        ...


def manifest_of(files: Sequence[ImportedFile]) -> str | None:
    """The SHA-256, in hex, of what `sha256sum` prints for the files that have a hash; None when none has.

    A line is the hash, two blanks, the name and a line feed. As coreutils do, a name that holds a backslash, a line
    feed or a carriage return is written with these escaped, after a backslash at the beginning of the line.
    """
    digest = hashlib.sha256()
    lines = [_line(file.sha256, file.file) for file in files if file.sha256 is not None]
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest() if lines else None


def _line(sha256: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else '\\'}{sha256}  {escaped}\n"

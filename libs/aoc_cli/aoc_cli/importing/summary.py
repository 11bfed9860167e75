"""What an import did, as it is shown and as `--json` prints it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aoc_common.store.mongo.imports import ImportedPage
    from aoc_common.store.page_ledger import PageFacts

#: What a reason begins with that tells of a file that it ends in something that is no record.
NO_END: Final = "it ends in what is no record: "
#: Parts, and files, that are named one by one.
REPORTED: Final = 1000
#: Names of a kind in the JSON.
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that did not become an event, or lost something on its way to one."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that did not go in, or not to its end. `harmless`: no evidence can be missing because of it."""

    file: str
    reason: str
    harmless: bool = False


@dataclass(slots=True)
class Occurrences:
    """What records tell together. Of each page of records the most frequent names are counted; the others are rare."""

    first: datetime | None = None
    last: datetime | None = None
    services: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)

    def add(self, facts: PageFacts) -> None:
        """Count a page."""
        times = [time for time in (self.first, self.last, facts.first, facts.last) if time is not None]
        self.first, self.last = min(times, default=None), max(times, default=None)
        for counter, names in (
            (self.services, facts.services),
            (self.operations, facts.operations),
            (self.actors, facts.actors),
        ):
            counter.update(dict(names))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            **{name: dict(getattr(self, name).most_common(_MOST)) for name in ("services", "operations", "actors")},
        }


@dataclass(slots=True)
class FileAccount:
    """What became of one file, or one file in an archive.

    `records` = `new` + `changed` + `duplicates` + `quarantined` + `dead_lettered`. `encoding`: what it was read as, and
    `undecodable` how many characters were none in that. For the others see `Summary`.
    """

    file: str
    size: int = 0
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
    undecodable: int = 0
    doubtful: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, page: ImportedPage) -> None:
        """Count a page of its records."""
        self.new += page.stored
        self.changed += page.changed
        self.duplicates += page.duplicate
        self.quarantined += page.quarantined
        self.dead_lettered += page.dead_lettered
        self.not_understood += page.facts.not_understood
        self.undated += page.facts.undated
        times = [time for time in (self.first, self.last, page.facts.first, page.facts.last) if time is not None]
        self.first, self.last = min(times, default=None), max(times, default=None)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        times = {"first": self.first and self.first.isoformat(), "last": self.last and self.last.isoformat()}
        return asdict(self) | times


@dataclass(slots=True)
class Summary:
    """What an import did.

    `records` = `new` + `changed` + `duplicates` + `quarantined` + `dead_lettered`, plus `empty` rows that hold no
    record. `changed`: new versions of events that were stored before.
    `dead_lettered`: in pages that the normalizer gave up (`aoc deadletters`).
    `skipped`: files that are no export; `refused`: those of them that were named, or may hold evidence all the same.
    `unread`: files and directories that cannot be read, or not to their end; what was read of them is in. `stopped`:
    packed files that hold more than they may; they were read to there. `refusals`: each of these files, and why.
    `hidden`: the first thousand of the `hidden_files` that were not read, since their names begin with a dot.
    `not_understood` had a shape that no mapper knows, and `undated` do not say when they happened, whether they were
    new or not; `examples`: one of each, by these names. `truncated` were cut on their way, and `undecodable` characters
    have no meaning in the encoding of their file. `doubtful`: tables with times whose day may be
    their month, texts with records in them, and files with times that cannot be. `earlier`: imports before that never
    ended, and now are accounted for. `unsettled`: what came to no rest. `accounts`: the same by file. `import_id`:
    under which the store has the account of this import; `refused_files`: what `refusals` has of all files.
    """

    tenant: str
    import_id: str = ""
    files: int = 0
    skipped: int = 0
    refused: int = 0
    unread: int = 0
    stopped: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    empty: int = 0
    truncated: int = 0
    undecodable: int = 0
    not_understood: int = 0
    undated: int = 0
    doubtful: int = 0
    unsettled: int = 0
    earlier: int = 0
    hidden_files: int = 0
    seconds: float = 0.0
    occurrences: Occurrences = field(default_factory=Occurrences)
    hidden: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    accounts: list[FileAccount] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)
    problems_by_reason: Counter[str] = field(default_factory=Counter)
    refused_files: list[tuple[str, str]] = field(default_factory=list)

    def note(self, file: str, line: int, reason: str) -> None:
        """Report a part that did not go in; the first thousand one by one, all by reason."""
        self.problems_by_reason[reason.split(":", maxsplit=1)[0]] += 1
        if len(self.problems) < REPORTED:
            self.problems.append(Problem(file, line, reason))

    def refuse(self, file: str, reason: str, *, harmless: bool = False) -> None:
        """Report a file that did not go in, or not to its end."""
        self.note(file, 0, reason)
        self.refused_files.append((file, reason))
        if len(self.refusals) < REPORTED:
            self.refusals.append(Refusal(file, reason, harmless))

    @property
    def clean(self) -> bool:
        """Whether all that was there is in, whole, and understood."""
        return not (
            self.refused or self.unread or self.stopped or self.quarantined or self.dead_lettered or self.truncated
            or self.undecodable or self.not_understood or self.undated or self.doubtful or self.unsettled
        )  # fmt: skip

    def files_with(self, kind: str) -> list[tuple[str, int]]:
        """Files that have most of a kind (`undated` ...), and how many."""
        counts = ((account.file, getattr(account, kind)) for account in self.accounts)
        return sorted((pair for pair in counts if pair[1]), key=lambda pair: -pair[1])

    def settle(self, pages: Iterable[tuple[ImportedPage, FileAccount | None]]) -> None:
        """Count what became of pages, each of one file."""
        for page, account in pages:
            self.not_understood += page.facts.not_understood
            self.undated += page.facts.undated
            self.occurrences.add(page.facts)
            if account is not None:
                account.add(page)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        parts = {
            "clean": self.clean,
            "occurrences": self.occurrences.as_dict(),
            "accounts": [account.as_dict() for account in self.accounts],
            "problems_by_reason": dict(self.problems_by_reason),
        }
        document = asdict(self) | parts
        del document["refused_files"]
        return document

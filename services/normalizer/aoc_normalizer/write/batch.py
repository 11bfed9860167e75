"""Pages in work, and what became of each of their records so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import copy
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from aoc_common.contracts.event import Version

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from uuid import UUID

    from aoc_common.contracts.event import PackedEvent
    from aoc_common.contracts.raw import RawPage
    from aoc_common.store.sightings import Sighting
    from aoc_common.store.versions import StoredVersion
    from aoc_normalizer.mapping import MappedPage


class Outcome(Enum):
    """What became of a record."""

    DUPLICATE = auto()
    """Its event is stored, and another record stands for it: of another page, or the same record on this one."""
    STORED = auto()
    """Its event was stored now."""
    CLAIMED = auto()
    """It stands for what its page has stored otherwise: at another delivery, or as a version."""
    REFUSED = auto()
    """Its event can never be stored."""


@dataclass(slots=True, eq=False)
class PageInWork:
    """A page of the batch. `settled`: by another delivery, so all of it is published.

    `published`: where in AOC_EVENTS its events stand. `added`: rows that the page does not hold (`lost_versions`).
    """

    mapped: MappedPage
    settled: bool = False
    published: tuple[tuple[int, int], ...] = ()
    added: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Its slice and its id: what the ledger knows it by."""
        return self.raw.slice_id, self.raw.id

    @property
    def raw(self) -> RawPage:
        """The page as it came."""
        return self.mapped.page

    @property
    def records(self) -> int:
        """How many records it answers for, whatever became of them."""
        return len(self.mapped.events) + self.added + len(self.mapped.rejected)


@dataclass(slots=True, eq=False)
class Row:
    """One record's event, the page that it stands in, and what became of it.

    `version`: which later version of its event it is, if one. `reason`: why it was refused. `origin`: the page, now
    gone or given up, that had stored it before, and under whose name it may have been published.
    """

    page: PageInWork
    event: PackedEvent
    outcome: Outcome = Outcome.DUPLICATE
    version: Version | None = None
    reason: str = ""
    origin: str | None = None

    @property
    def published_as(self) -> str:
        """The page under whose name it is published."""
        return self.origin or self.page.raw.id


class Batch:
    """Pages in work and their rows. A page may be there twice.

    `adoptions`: by page (slice id, page), how often it took on what lost pages had stored, as far as is known here.
    """

    def __init__(self, pages: Sequence[MappedPage], adoptions: Mapping[tuple[str, str], int]) -> None:
        self.pages = [PageInWork(page) for page in pages]
        self.adoptions = Counter(adoptions)
        self.rows = [Row(page, event) for page in self.pages for event in page.mapped.events]
        #: Events and versions by number that have a row which stands for them.
        self._claimed: set[tuple[UUID, int]] = set()

    def without(self, pages: Container[tuple[str, str]]) -> Batch:
        """The batch without these pages (slice id, page), once all is said of what became of its records."""
        left = copy(self)
        left.pages = [page for page in self.pages if page.key not in pages]
        left.rows = [row for row in self.rows if row.page.key not in pages]
        return left

    def page_ids(self) -> set[str]:
        """The ids of the pages."""
        return {page.raw.id for page in self.pages}

    def with_outcome(self, outcome: Outcome) -> list[Row]:
        """The rows of which this became."""
        return [row for row in self.rows if row.outcome is outcome]

    def mine(self) -> list[Row]:
        """The rows that this batch is to publish and to account for."""
        return [
            row
            for row in self.rows
            if row.outcome is Outcome.STORED or (row.outcome is Outcome.CLAIMED and not row.page.settled)
        ]

    def texts(self, rows: Iterable[Row]) -> dict[Row, str]:
        """Row -> its record's text; each page is cut once."""
        by_page: dict[PageInWork, list[Row]] = defaultdict(list)
        for row in rows:
            by_page[row.page].append(row)
        found: dict[Row, str] = {}
        for page, of_page in by_page.items():
            texts = page.mapped.texts
            found |= {row: texts[row.event.position] for row in of_page}
        return found

    def is_claimed(self, event: UUID, number: int) -> bool:
        """Whether a row stands for this version of an event."""
        return (event, number) in self._claimed

    def stored(self, rows: Iterable[Row]) -> None:
        """The events of these rows are stored now."""
        for row in rows:
            row.outcome = Outcome.STORED
            # The same record may stand on its page once more: that is a duplicate.
            self._claimed.add((row.event.id, 1))

    def add(self, page: PageInWork, event: PackedEvent, stored: StoredVersion) -> None:
        """A version that a page answers for and does not hold."""
        row = Row(page, event)
        self.rows.append(row)
        page.added += 1
        self.claim(row, stored)

    def claim(self, row: Row, stored: StoredVersion | Sighting) -> None:
        """Make a row the one that stands for a stored event or version, if its page stored it and no other row does."""
        number = getattr(stored, "number", 1)
        raw = row.page.raw
        if stored.page not in raw.all_names or self.is_claimed(row.event.id, number):
            return
        self._claimed.add((row.event.id, number))
        row.outcome = Outcome.CLAIMED
        # Where marks may name it: a page of before there were ids has none.
        under = stored.origin or stored.page
        if under != raw.id and not under.startswith("#"):
            row.origin = under
        if (digest := getattr(stored, "digest", None)) is not None:
            row.version = Version(number, digest)


def unique(rows: Iterable[Row]) -> list[Row]:
    """The first of these rows of each event: a batch can hold the same record twice."""
    found: dict[UUID, Row] = {}
    for row in rows:
        found.setdefault(row.event.id, row)
    return list(found.values())

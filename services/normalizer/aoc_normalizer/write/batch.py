"""Pages in work, and what became of their events so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aoc_common.contracts.event import Version
from aoc_normalizer.reading.split import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from aoc_common.contracts.event import PackedEvent
    from aoc_common.store.sightings import Sighting
    from aoc_common.store.versions import StoredVersion
    from aoc_normalizer.mapping import MappedPage


@dataclass(slots=True)
class Row:
    """One event of the batch and the page that it stands in."""

    page: int
    event: PackedEvent


@dataclass(slots=True)
class Batch:
    """Pages in work. What became of their rows is told by the rows' numbers, of pages by theirs.

    `first`: stored now. `before`: stored by this page, as a version or at another delivery. `versions`: which of them
    are later versions. `refused`: can never be stored, and why. `done`: pages that another delivery has settled, so
    published all of. `published`: where in AOC_EVENTS the events of each page stand. `origins`: the page, now gone or
    given up, that had stored a row before, and under whose name it may have been published. `added`: rows of each
    page that it does not hold (`lost_versions`).
    """

    pages: Sequence[MappedPage]
    rows: list[Row]
    first: set[int] = field(default_factory=set)
    before: set[int] = field(default_factory=set)
    versions: dict[int, Version] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    published: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    claimed: set[tuple[UUID, int]] = field(default_factory=set)
    origins: dict[int, str] = field(default_factory=dict)
    added: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, pages: Sequence[MappedPage]) -> Batch:
        """All events of these pages."""
        return cls(pages, [Row(number, event) for number, page in enumerate(pages) for event in page.events])

    def page(self, row: int) -> MappedPage:
        """The page of a row."""
        return self.pages[self.rows[row].page]

    def names(self) -> set[str]:
        """The ids of the pages."""
        return {page.page.id for page in self.pages}

    def mine(self) -> list[int]:
        """The rows that this batch is to publish and to account for."""
        again = {row for row in self.before if self.rows[row].page not in self.done}
        return sorted(self.first | again)

    def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """Row -> its record's text; each page is cut once."""
        by_page: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            by_page[self.rows[number].page].append(number)
        found: dict[int, str] = {}
        for page, rows in by_page.items():
            records, _ = split(self.pages[page].page.body)
            found |= {row: records[self.rows[row].event.position].decode("utf-8", "replace") for row in rows}
        return found

    def unique(self, numbers: Iterable[int]) -> list[int]:
        """The first of these rows of each event: a batch can hold the same record twice."""
        found: dict[UUID, int] = {}
        for number in numbers:
            found.setdefault(self.rows[number].event.id, number)
        return list(found.values())

    def add(self, page: int, event: PackedEvent, stored: StoredVersion) -> None:
        """A version that a page answers for and does not hold."""
        self.rows.append(Row(page, event))
        self.added[page] += 1
        self.claim(len(self.rows) - 1, stored)

    def claim(self, row: int, stored: StoredVersion | Sighting) -> None:
        """Make a row the one that stands for a stored event or version, if its page stored it and no other row does."""
        number = getattr(stored, "number", 1)
        key = (self.rows[row].event.id, number)
        if stored.page in self.page(row).page.known_as and key not in self.claimed:
            self.claimed.add(key)
            self.before.add(row)
            # Where marks may name it: a page of before there were ids has none.
            under = stored.origin or stored.page
            if under != self.page(row).page.id and not under.startswith("#"):
                self.origins[row] = under
            if (digest := getattr(stored, "digest", None)) is not None:
                self.versions[row] = Version(number, digest)

"""What became of raw pages: the normalizer's part of the ledger.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.store.pages import PublishedPage


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What all records of a page tell together, whether they were new or not.

    `first`, `last`: when they happened, of those that say so. `services`, `operations`, `actors`: which occur, the most
    frequent first, with how often. `not_understood`, `undated`, `examples`: as of `PageOutcome`, but of all.
    """

    first: datetime | None = None
    last: datetime | None = None
    services: tuple[tuple[str, int], ...] = ()
    operations: tuple[tuple[str, int], ...] = ()
    actors: tuple[tuple[str, int], ...] = ()
    not_understood: int = 0
    undated: int = 0
    examples: Mapping[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What the normalizer made of one raw page.

    `stored`: new events; `changed`: new versions of events that were stored before.
    `dead_lettered`: its records, when the page was given up; when it is tried again, its new outcome takes this place.
    Of the stored, `not_understood` were read by the generic mapper (see `PackedEvent.understood`), and `undated` do not
    say when they happened. `examples`: the first event of either kind, by these names.

    `published`: the ranges of AOC_EVENTS (first and last sequence) in which its events stand. `facts`: of pages of
    imports, whose summary is made of them. `adoptions`: how often it took on what lost pages had stored (`taking_on`),
    as far as whoever made this knows. `added`: what it has beside its own records; a record of which it took on what a
    lost page had stored, and which it changed itself, has two outcomes.
    """

    page: str
    tenant: str
    source: str
    slice_id: str
    stored: int
    duplicate: int
    quarantined: int
    at: datetime
    changed: int = 0
    published: tuple[tuple[int, int], ...] = ()
    dead_lettered: int = 0
    not_understood: int = 0
    undated: int = 0
    examples: Mapping[str, UUID] = field(default_factory=dict)
    facts: PageFacts | None = None
    adoptions: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class SliceTotals:
    """What became of a slice so far, summed over its settled pages; `not_understood` and `undated`: of the stored."""

    pages: int = 0
    stored: int = 0
    changed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    not_understood: int = 0
    undated: int = 0


class PageLedger(Protocol):
    """The account of pages from when they are in work until they are settled. All writes are idempotent."""

    async def pages_received(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are in work: what they store is theirs from now on, also if nobody has noted them before."""
        ...

    async def pages_settled(self, outcomes: Sequence[PageOutcome]) -> Mapping[tuple[str, str], int]:
        """The normalizer is done with these pages; what was settled before stays as it was.

        The account of a slice that was settled already is made again. Those (slice id, page) that took on more than
        their outcome knows of are not settled; how often they did: look again at what is theirs.
        """
        ...

"""What services ask of storage. `store.mongo` implements it; `tests/contract` holds any implementation to it.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.event import Event


class EventStore(Protocol):
    """Writes and dedupes events."""

    def encoded(self, event: Event, page: str) -> bytes:
        """The event as it will be stored. `page`: the raw page that it came from (`RawPage.id`).

        Raises `Permanent` for one that can never be stored.
        """
        ...

    async def insert_encoded(self, documents: Sequence[bytes]) -> set[int]:
        """Store those of these encoded events that are not stored yet; the indices of the new ones.

        Idempotent: an id that exists is left as it is.
        """
        ...

    async def insert(self, events: Sequence[Event], pages: Sequence[str]) -> set[int]:
        """Encode and insert: for few events."""
        ...

    def under_id(self, document: bytes, identity: UUID) -> bytes:
        """An encoded event under another id."""
        ...

    async def revive(self, documents: Sequence[bytes]) -> None:
        """Store these encoded events, of which retention has left the id."""
        ...


class SliceState(StrEnum):
    """Where a slice of a source stands."""

    OPEN = "open"
    FETCHED = "fetched"
    SETTLED = "settled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SliceFetched:
    """What fetching a slice gave: every page is acknowledged by JetStream, and noted by `note_pages`."""

    slice_id: str
    pages: int
    records: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """A page that JetStream has acknowledged: where it lies on AOC_RAW, since when."""

    page: str
    tenant: str
    source: str
    slice_id: str
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class EmptySlice:
    """A slice that was read to its end and gave nothing, not even a loss.

    `since`: until where its source, or its stretch, was collected before. `again`: all of it was collected before.
    """

    tenant: str
    source: str
    since: datetime
    end: datetime
    at: datetime
    again: bool = False


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What the normalizer made of one raw page.

    `stored`: new events; `changed`: new versions of events that were stored before.
    `dead_lettered`: its records, when the page was given up; when it is tried again, its new outcome takes this place.
    Of the stored, `not_understood` were read by the generic mapper (see `PackedEvent.understood`), and `undated` do not
    say when they happened. `examples`: the first event of either kind, by these names.

    `published`: the ranges of AOC_EVENTS (first and last sequence) in which its events stand.
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


@dataclass(frozen=True, slots=True)
class ContentBlob:
    """One content blob of the Management Activity API, as listed."""

    content_id: str
    uri: str
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class LostWindow:
    """Something between `start` and `end` that can never be collected, and why."""

    start: datetime
    end: datetime
    reason: str


class LedgerStore(Protocol):
    """The account of every slice, page and content blob. All writes are idempotent."""

    async def open_slice(
        self, slice_id: str, tenant: str, source: str, start: datetime, end: datetime, *, again: bool = False
    ) -> None:
        """A slice is about to be fetched. `again`: all of it was collected before."""
        ...

    async def note_pages(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are on the bus. A slice is not settled before every page that was ever noted for it is."""
        ...

    async def pages_received(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are in work: what they store is theirs from now on, also if nobody has noted them before."""
        ...

    async def slice_fetched(self, fetched: SliceFetched) -> None:
        """All pages of a slice are on the bus."""
        ...

    async def slice_empty(self, slice_id: str, empty: EmptySlice) -> None:
        """Instead of `open_slice` and `slice_fetched`: a slice gave nothing. It needs no settling."""
        ...

    async def slice_abandoned(self, slice_id: str, at: datetime) -> None:
        """A slice is given up for shorter ones; what it published counts."""
        ...

    async def slice_failed(self, slice_id: str, reason: str, at: datetime) -> None:
        """A slice could not be fetched this time. One that is fetched stays so."""
        ...

    async def note_loss(self, tenant: str, source: str, lost: LostWindow, at: datetime) -> None:
        """A permanent gap. Noted once, however often it is found."""
        ...

    async def pages_settled(self, outcomes: Sequence[PageOutcome]) -> None:
        """The normalizer is done with these pages; what was settled before stays as it was.

        The account of a slice that was settled already is made again.
        """
        ...

    async def page_given_up(self, outcome: PageOutcome) -> bool:
        """The normalizer gave this page up; False, and nothing is changed, when it is settled already."""
        ...

    async def settled(self, pages: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these pages (slice id, page) that the normalizer is done with; not those that it gave up."""
        ...

    async def gone(self, pages: Collection[str]) -> set[str]:
        """Those of these pages that were lost on the bus before they were settled."""
        ...

    async def back(self, pages: Sequence[PublishedPage]) -> None:
        """These pages were lost on the bus, and are there again (`sequence`: 0 where that is not known)."""
        ...

    async def totals(self, tenant: str, slice_id: str) -> SliceTotals:
        """What became of a slice's pages so far."""
        ...

    async def examples(self, tenant: str, slice_id: str) -> dict[str, UUID]:
        """An event of the slice that was `not_understood`, and one that is `undated`, where there are any."""
        ...


class BlobLedger(Protocol):
    """Which content blobs of the Management Activity API are already on the bus."""

    async def fetched(self, tenant: str, source: str, content_ids: Sequence[str]) -> set[str]:
        """Those of `content_ids` that were fetched before, and held records."""
        ...

    async def listed(self, tenant: str, source: str, blobs: Sequence[ContentBlob], at: datetime) -> None:
        """The API offered these blobs."""
        ...

    async def mark_fetched(
        self, tenant: str, source: str, records: Mapping[str, int], slice_id: str, at: datetime
    ) -> None:
        """Blobs (content id -> number of records) whose every page is acknowledged by JetStream, in this slice."""
        ...

    async def mark_expired(self, tenant: str, source: str, content_id: str, at: datetime) -> bool:
        """A blob died at Microsoft: a permanent gap; False, and nothing is changed, when it was fetched before."""
        ...


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source of a tenant has been collected.

    `watermark`: everything before it is on the bus. `position`: where the live slices are; later than the watermark
    while an outage is caught up (see `store.backlog`). `started_at`: when it was first collected. `trouble`: the class
    of the last error (`contracts.troubles`), and its code. `subscribed_at`: its subscription's last start;
    `unsubscribed_since`: it does not run, and was seen to until then. `throttled`: share of the last hour's answers
    that asked for fewer requests. `reread`: age in seconds -> all before this moment was read again when that old.
    `asked`: (start, end) of what was collected because somebody asked for it; apart from each other, oldest first.
    """

    tenant: str
    source: str
    watermark: datetime | None = None
    position: datetime | None = None
    started_at: datetime | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    trouble: str | None = None
    code: str = ""
    subscribed_at: datetime | None = None
    unsubscribed_since: datetime | None = None
    throttled: float | None = None
    reread: Mapping[int, datetime] = field(default_factory=dict)
    asked: Sequence[tuple[datetime, datetime]] = ()


class SourceStore(Protocol):
    """Watermarks and health of sources."""

    async def state(self, tenant: str, source: str) -> SourceState:
        """The state of a source; an empty one when it has never run."""
        ...

    async def advance(self, tenant: str, source: str, position: datetime, at: datetime) -> None:
        """Move the position forward (never back) and note the success."""
        ...

    async def skip(self, tenant: str, source: str, before: datetime | None, position: datetime, at: datetime) -> None:
        """Move the position forward if it still is `before`; what is between has been added to the backlog."""
        ...

    async def reread(self, tenant: str, source: str, age_s: int, before: datetime | None, until: datetime) -> None:
        """Everything before `until` is in the backlog to be read again at this age, if it still was `before` so far."""
        ...

    async def note_asked(self, tenant: str, source: str, start: datetime, end: datetime) -> None:
        """All of this time is on the bus, since somebody asked for it."""
        ...

    async def note_error(
        self, tenant: str, source: str, error: str, at: datetime, *, trouble: str = "other", code: str = ""
    ) -> None:
        """Note why the source could not be collected, the class of it, and Microsoft's own code."""
        ...

    async def note_subscribed(self, tenant: str, source: str, at: datetime) -> None:
        """Its subscription was started: the first content can take 12 hours."""
        ...

    async def note_unsubscribed(self, tenant: str, source: str, since: datetime | None) -> None:
        """Its subscription does not run, and was seen to until `since`; None when that is accounted for."""
        ...

    async def note_watched(self, tenant: str, throttled: Mapping[str, float | None]) -> None:
        """A collector looks after these sources, be they collected yet or not.

        Source -> share of the last hour's answers that asked for fewer requests; None without any answer.
        """
        ...

    async def all_states(self, tenant: str | None) -> list[SourceState]:
        """Every known source, of one tenant or (None: for operators only) of all."""
        ...

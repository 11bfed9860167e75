"""Slices in the ledger: the spans of time of one source that are collected at once.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class SliceState(StrEnum):
    """Where a slice of a source stands."""

    OPEN = "open"
    FETCHED = "fetched"
    SETTLED = "settled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SliceFetched:
    """What fetching a slice gave: every page is acknowledged by JetStream, and noted by `PublishedPages.note_pages`."""

    slice_id: str
    pages: int
    records: int
    at: datetime


@dataclass(frozen=True, slots=True)
class EmptySlice:
    """A slice that was read to its end and gave nothing, not even a loss.

    `since`: until where its source, or its stretch, was collected before. `rereading`: all of it was collected before.
    """

    tenant: str
    source: str
    since: datetime
    end: datetime
    at: datetime
    rereading: bool = False


class SliceLedger(Protocol):
    """The account of slices, kept by whoever fetches them. All writes are idempotent."""

    async def open_slice(
        self, slice_id: str, tenant: str, source: str, start: datetime, end: datetime, *, rereading: bool = False
    ) -> None:
        """A slice is about to be fetched. `rereading`: all of it was collected before."""
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

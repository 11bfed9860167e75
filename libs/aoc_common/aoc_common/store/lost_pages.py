"""Pages that were lost on the bus before they were settled.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.store.pages import PublishedPage


@dataclass(frozen=True, slots=True)
class LostSlice:
    """A slice of which pages are gone.

    `recollect`: Microsoft is asked for its time again; else it is a gap for good, or, of what a person had tried again,
    still the dead letter or the quarantined record that it was.
    """

    slice_id: str
    tenant: str
    source: str
    pages: int
    recollect: bool


class LostPages(Protocol):
    """Finds pages that wait, and notes those that are gone."""

    async def waiting(self, before: datetime | None, after: datetime | None, limit: int) -> list[PublishedPage]:
        """Pages that have waited since before a moment (and since `after` or later), the longest first."""
        ...

    async def of_slices(self, slice_ids: Sequence[str]) -> list[PublishedPage]:
        """All pages of these slices that wait, however short."""
        ...

    async def incomplete(self, before: datetime, after: datetime, limit: int) -> list[str]:
        """Slices fetched before a moment, or after another one, that wait for no page and are not settled."""
        ...

    async def mark_lost(self, slice_id: str, pages: Sequence[str], at: datetime) -> LostSlice | None:
        """These pages of a slice will never be settled. Idempotent."""
        ...

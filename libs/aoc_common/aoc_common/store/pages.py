"""Pages that are on the bus, as the ledger knows them before they are settled.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """A page that JetStream has acknowledged: where it lies on AOC_RAW, since when."""

    page: str
    tenant: str
    source: str
    slice_id: str
    sequence: int
    at: datetime


class PublishedPages(Protocol):
    """What is on the bus, noted by whoever published it. Idempotent."""

    async def note_pages(self, pages: Sequence[PublishedPage]) -> None:
        """These pages are on the bus. A slice is not settled before every page that was ever noted for it is."""
        ...

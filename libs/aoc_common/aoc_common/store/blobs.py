"""Content blobs of the Management Activity API.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContentBlob:
    """One content blob of the Management Activity API, as listed."""

    content_id: str
    uri: str
    created: datetime
    expires: datetime


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

"""What running a slice tells of its source.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aoc_common.store.sources import SourceStates

if TYPE_CHECKING:
    from datetime import datetime


class SourceRuns(SourceStates, Protocol):
    """Notes what was collected of a source, or why it was not."""

    async def advance(self, tenant: str, source: str, position: datetime, at: datetime) -> None:
        """Move the position forward (never back) and note the success."""
        ...

    async def note_requested(self, tenant: str, source: str, start: datetime, end: datetime) -> None:
        """All of this time is on the bus, since somebody asked for it."""
        ...

    async def note_error(
        self, tenant: str, source: str, error: str, at: datetime, *, trouble: str = "other", code: str = ""
    ) -> None:
        """Note why the source could not be collected, the class of it, and Microsoft's own code."""
        ...

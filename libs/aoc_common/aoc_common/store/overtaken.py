"""Slices that were begun and never ended, and whose time others have collected since.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A slice that is open, or failed, although all of its time is collected. `attempts`: how often it was tried."""

    slice_id: str
    attempts: int


class OvertakenStore(Protocol):
    """Finds and closes slices that were overtaken."""

    async def overtaken(self, after: str, limit: int) -> tuple[list[Overtaken], str]:
        """Of the next unfinished slices behind `after`, those whose time is collected; and where to go on."""
        ...

    async def close(self, slices: Sequence[Overtaken], at: datetime) -> int:
        """Close those that nobody has tried again since; how many."""
        ...

"""Permanent gaps: spans of time of which something can never be collected.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LostWindow:
    """Something between `start` and `end` that can never be collected, and why."""

    start: datetime
    end: datetime
    reason: str


class LossLedger(Protocol):
    """The account of permanent gaps."""

    async def note_loss(self, tenant: str, source: str, lost: LostWindow, at: datetime) -> None:
        """A permanent gap. Noted once, however often it is found."""
        ...

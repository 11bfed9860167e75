"""How far sources are collected, as whoever plans their slices moves it.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aoc_common.store.sources import SourceStates

if TYPE_CHECKING:
    from datetime import datetime


class SourceSchedule(SourceStates, Protocol):
    """Moves sources past what has been added to the backlog."""

    async def skip(self, tenant: str, source: str, before: datetime | None, position: datetime, at: datetime) -> None:
        """Move the position forward if it still is `before`; what is between has been added to the backlog."""
        ...

    async def reread(self, tenant: str, source: str, age_s: int, before: datetime | None, until: datetime) -> None:
        """Everything before `until` is in the backlog to be read again at this age, if it still was `before` so far."""
        ...

"""Windows of correlations that are decided when they are over: the timers of what did not happen.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """When to look at windows of a correlation and a group whose hits are from `first` to `last`, both included.

    `key`: of all that makes it the same as another. `group`: what events have in common.
    `asked`: how often it was noted.
    """

    key: str
    tenant: str
    correlation: str
    group: tuple[str, ...]
    first: datetime
    last: datetime
    due_at: datetime
    asked: int = 0


class WindowEndStore(Protocol):
    """Keeps them until they were looked at."""

    async def add(self, ends: Sequence[WindowEnd]) -> None:
        """Note them. Idempotent: one with the same key stays as it was."""
        ...

    async def take(self, now: datetime, most: int) -> Sequence[WindowEnd]:
        """Some that are due, for the caller alone for a minute: then others may take them."""
        ...

    async def done(self, ends: Sequence[WindowEnd]) -> None:
        """They were looked at: those that were not noted again meanwhile are forgotten. Idempotent."""
        ...

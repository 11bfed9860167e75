"""Tags and comments on events, beside the events: they stay when an event gets another version, or is mapped again.

Whether an event is there, and who may see it, is known by `EventSearch`: who asks here has asked there before. Every
method may raise `Transient` when the store is away, or when too many change the notes of one event at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.notes import Comment, Notes


class TooManyNotes(AocError):  # noqa: N818  # named after what it reports
    """An event has as many tags, or comments, as it may."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """What becomes of an event's tags: these are removed, then these added. `replace`: all others are removed, too."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    replace: bool = False

    def of(self, tags: Collection[str]) -> tuple[str, ...]:
        """The tags of an event that had these."""
        kept = frozenset() if self.replace else frozenset(tags) - self.remove
        return tuple(sorted(kept | self.add))


@dataclass(frozen=True, slots=True)
class Tagged:
    """What became of it: how many events changed, and those that would have had more tags than they may."""

    changed: int
    full: tuple[UUID, ...] = ()


class EventNotes(Protocol):
    """Notes on events."""

    async def get(self, tenant: str, event_id: UUID) -> Notes:
        """All of one event."""
        ...

    async def tag(self, tenant: str, event_ids: Sequence[UUID], change: TagChange) -> Tagged:
        """Change the tags of events. Idempotent."""
        ...

    async def comment(self, tenant: str, event_id: UUID, comment: Comment) -> None:
        """Add a comment. Raises `TooManyNotes`."""
        ...

    async def edit(self, tenant: str, event_id: UUID, comment_id: str, text: str, at: datetime) -> Comment:
        """Give a comment another text. Raises `NotFound`."""
        ...

    async def remove(self, tenant: str, event_id: UUID, comment_id: str) -> None:
        """Remove a comment. Raises `NotFound`."""
        ...

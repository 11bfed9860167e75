"""Where events are stored, once each.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from aoc_common.contracts.event import Event


class EventStore(Protocol):
    """Writes and dedupes events."""

    def encoded(self, event: Event, page: str) -> bytes:
        """The event as it will be stored. `page`: the raw page that it came from (`RawPage.id`).

        Raises `Permanent` for one that can never be stored.
        """
        ...

    async def insert_encoded(self, documents: Sequence[bytes]) -> set[int]:
        """Store those of these encoded events that are not stored yet; the indices of the new ones.

        Idempotent: an id that exists is left as it is.
        """
        ...

    async def insert(self, events: Sequence[Event], pages: Sequence[str]) -> set[int]:
        """Encode and insert: for few events."""
        ...

    def under_id(self, document: bytes, identity: UUID) -> bytes:
        """An encoded event under another id."""
        ...

    async def revive(self, documents: Sequence[bytes]) -> None:
        """Store these encoded events, of which retention has left the id."""
        ...

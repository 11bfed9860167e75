"""Items that wait for a decision, as a reader of one tenant sees them. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aoc_common.store.review_queues import Item, Selection, StateCount


class ReviewReading(Protocol):
    """Items as a reader of one tenant sees them."""

    async def find(self, selection: Selection) -> list[Item]:
        """The newest of these items."""
        ...

    async def counts(self, tenant: str) -> list[StateCount]:
        """How many items of each of a tenant's sources are in each state."""
        ...

    async def content(self, key: str, tenant: str | None = None) -> bytes | None:
        """An item's content; None when it is not kept here. `tenant`: whose it must be, for who is no operator."""
        ...

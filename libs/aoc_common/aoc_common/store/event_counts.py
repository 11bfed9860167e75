"""What is counted of stored events. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery, FacetCounts, FieldValues


class EventCounts(Protocol):
    """Counts the events of a search. The work of each is bounded, and it says when there may be more."""

    async def facets(self, query: EventQuery, fields: Sequence[str], top: int, pace: Pace | None = None) -> FacetCounts:
        """For each field the `top` most frequent values among the events that match."""
        ...

    async def field_values(
        self, query: EventQuery, fields: Sequence[str], most: int, pace: Pace | None = None
    ) -> FieldValues:
        """Times and values of these of `FIELDS`, of the newest `most` events that match."""
        ...

    async def count(self, query: EventQuery, most: int, pace: Pace | None = None) -> tuple[int, bool]:
        """How many events match, at most `most`, and whether these are all."""
        ...

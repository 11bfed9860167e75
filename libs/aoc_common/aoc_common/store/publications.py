"""The log of what was published where on AOC_EVENTS, and the events themselves in that order.

The normalizer notes every batch; a reader of AOC_EVENTS finds by it what the stream has dropped. Every method may raise
`Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.publications import Position, PublishedSpan
    from aoc_common.contracts.reading import EventFilter, Portion


class Publications(Protocol):
    """What was published, for 90 days."""

    async def note(self, spans: Sequence[PublishedSpan], at: datetime) -> None:
        """These stand on the stream. Idempotent."""
        ...

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[EventMessage]:
        """The next events behind `after`, at most `limit` and about 8 MiB, as they were published, in that order."""
        ...

    async def since(self, moment: datetime) -> Position | None:
        """Before the first that was noted at `moment` or later; None when there is none."""
        ...

    async def unsettled(self, before: datetime) -> bool:
        """Whether a page that is in work since before then may still note what it has published."""
        ...

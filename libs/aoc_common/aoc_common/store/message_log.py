"""The log of what was published on AOC_ALERTS, or on AOC_AUDIT: all of it, for longer than the stream has it.

Whoever publishes there notes it (`bus.noted`); a reader finds in it what the stream has dropped. Every method may raise
`Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.publications import Position, PublishedMessage
    from aoc_common.contracts.reading import EventFilter, Portion


class MessageLog(Protocol):
    """What was published on one stream, for 90 days."""

    async def note(self, messages: Sequence[PublishedMessage]) -> None:
        """These stand on the stream. Idempotent."""
        ...

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[PublishedMessage]:
        """The next of the filter's tenants behind `after`, at most `limit` and about 8 MiB, in their order."""
        ...

    async def since(self, moment: datetime) -> Position | None:
        """Before the first that was published at `moment` or later; None when there is none."""
        ...

    async def unsettled(self, before: datetime) -> bool:
        """Whether somebody may still note what was published before then."""
        ...

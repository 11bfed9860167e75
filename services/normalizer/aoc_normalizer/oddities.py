"""Events that are stored and still tell less than they should: not understood, or without a date. Counted by page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aoc_common.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from aoc_common.contracts.event import PackedEvent


@dataclass(slots=True)
class Oddities:
    """Those of one page, and the first event of each kind."""

    not_understood: int = 0
    undated: int = 0
    examples: dict[str, UUID] = field(default_factory=dict)

    def add(self, event: PackedEvent) -> None:
        """Look at one stored event."""
        if not event.understood:
            self.not_understood += 1
            self.examples.setdefault("not_understood", event.id)
        if event.undated:
            self.undated += 1
            self.examples.setdefault("undated", event.id)


def by_page(stored: Iterable[tuple[int, PackedEvent]]) -> Mapping[int, Oddities]:
    """Number of the page -> its oddities."""
    found: defaultdict[int, Oddities] = defaultdict(Oddities)
    for page, event in stored:
        if event.undated or not event.understood:
            found[page].add(event)
    return found


def measure(new: Iterable[PackedEvent]) -> None:
    """Count those of events that were stored for the first time."""
    for event in new:
        if not event.understood:
            metrics.EVENTS_NOT_UNDERSTOOD.labels(event.source).inc()
        if event.undated:
            metrics.EVENTS_UNDATED.labels(event.source).inc()

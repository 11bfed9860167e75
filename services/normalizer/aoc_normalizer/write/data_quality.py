"""Events that are stored and still tell less than they should: not understood, or without a date. Counted by page.

And those whose records have something about them that a person should know (`store.remarks`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aoc_common.store.remarks import NOT_UNDERSTOOD, Remark
from aoc_normalizer import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.event import PackedEvent


@dataclass(slots=True)
class DataQuality:
    """How many of them a page has, and the first event of each kind."""

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


def by_page[Page](stored: Iterable[tuple[Page, PackedEvent]]) -> Mapping[Page, DataQuality]:
    """Page -> how many of its stored events are not understood or undated."""
    found: defaultdict[Page, DataQuality] = defaultdict(DataQuality)
    for page, event in stored:
        if event.undated or not event.understood:
            found[page].add(event)
    return found


def remarks(stored: Iterable[tuple[PackedEvent, bool]], now: datetime) -> list[Remark]:
    """What to remember of events of this batch; of each, whether it was stored for the first time."""
    found: dict[tuple[str, str, str], Remark] = {}
    for event, first in stored:
        for kind in _kinds(event):
            key = (event.tenant, event.source, kind)
            one = found.get(key) or Remark(*key, 0, now, now, event.id)
            found[key] = replace(one, count=one.count + first)
    return list(found.values())


def _kinds(event: PackedEvent) -> tuple[str, ...]:
    return event.remarks if event.understood else (*event.remarks, NOT_UNDERSTOOD)


def measure(new: Iterable[PackedEvent]) -> None:
    """Count those of events that were stored for the first time."""
    for event in new:
        if not event.understood:
            metrics.EVENTS_NOT_UNDERSTOOD.labels(event.source).inc()
        if event.undated:
            metrics.EVENTS_UNDATED.labels(event.source).inc()
        for kind in event.remarks:
            metrics.REMARKS.labels(event.source, kind).inc()

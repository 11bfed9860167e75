"""What the records of a page tell together: when, where, what and who. For the summary of an import."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids
from aoc_common.store.page_ledger import PageFacts
from aoc_normalizer.write.data_quality import DataQuality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.event import PackedEvent

#: Names of a kind that are counted; what is rarer on a page than these is rare.
_MOST: Final = 20
#: Characters of a name.
_LONGEST: Final = 200


def of_events(events: Sequence[PackedEvent]) -> PageFacts:
    """The facts of a page's events."""
    quality = DataQuality()
    services, operations, actors = Counter[str](), Counter[str](), Counter[str]()
    times = [event.time_ms for event in events if not event.undated]
    for event in events:
        quality.add(event)
        services[event.service] += 1
        operations[event.operation[:_LONGEST]] += 1
        if event.actor is not None:
            actors[event.actor[:_LONGEST]] += 1
    return PageFacts(
        first=ids.from_ms(min(times)) if times else None,
        last=ids.from_ms(max(times)) if times else None,
        services=tuple(services.most_common(_MOST)),
        operations=tuple(operations.most_common(_MOST)),
        actors=tuple(actors.most_common(_MOST)),
        not_understood=quality.not_understood,
        undated=quality.undated,
        examples=quality.examples,
    )

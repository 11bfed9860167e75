"""What new records tell of their source: how many came of each hour, and how late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts import subjects
from aoc_common.contracts.ids import from_ms
from aoc_common.store.arrivals import Arrivals, lateness_step
from aoc_normalizer import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from aoc_common.contracts.event import PackedEvent
    from aoc_common.contracts.raw import RawPage


def arrived(new: Iterable[tuple[PackedEvent, RawPage]]) -> list[Arrivals]:
    """New records, summed up by source and day. What was imported, or has no time, tells nothing of a source."""
    found: dict[tuple[str, str, date], Arrivals] = {}
    for event, page in new:
        if event.time_ms == 0 or event.source == subjects.IMPORT_SOURCE:
            continue
        at = from_ms(event.time_ms)
        key = (event.tenant, event.source, at.date())
        one = found.get(key)
        if one is None:
            one = found[key] = Arrivals(*key, at)
        one.newest = max(one.newest, at)
        one.hours[at.hour] += 1
        if not page.behind:
            late_s = max(0.0, (page.fetched_at - at).total_seconds())
            one.late[lateness_step(late_s)] += 1
            metrics.LATENESS_SECONDS.labels(event.source).observe(late_s)
    return list(found.values())

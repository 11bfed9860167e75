"""When windows of a correlation are over that are decided only then. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.ids import EPOCH, to_ms
from aoc_common.store.window_ends import WindowEnd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aoc_common.store.counted_hits import CountedHit
    from aoc_rules.correlation.groups import Group
    from aoc_rules.correlation.plan import Correlation

#: A timespan has so many stretches, each looked at once: an alert is raised so much later at most.
_STRETCHES: Final = 10
_SHORTEST_MS: Final = 1_000
#: What is over already is decided a little later, when what comes along with it is there too.
_GRACE: Final = timedelta(minutes=1)


def ends_of(group: Group, hits: Iterable[CountedHit], now: datetime, lateness: timedelta) -> list[WindowEnd]:
    """When to look at the windows that hits are part of. `lateness`: how late events may be.

    Each hit that a window can be anchored at asks for the stretch in which it is; one that comes when windows around it
    may have been decided, for these.
    """
    plan = group.plan
    width = stretch_ms(plan)
    grace = now + min(lateness, _GRACE)
    wanted: dict[str, WindowEnd] = {}
    for hit in hits:
        own = to_ms(hit.at) // width
        first, last = own * width, (own + 1) * width - 1
        if plan.slot_of[hit.rule] in plan.anchors:
            over = last + (plan.span_ms if plan.ahead else 0)
            end = _end(group, f"{width}/{own}", first, last, max(_at(over) + lateness, grace))
            wanted[end.key] = end
        if _at(first - plan.span_ms) + lateness <= now:
            around = first - plan.span_ms, last + plan.span_ms
            end = _end(group, f"{width}/around/{own}", *around, grace)
            wanted[end.key] = end
    return list(wanted.values())


def crowded_ends(
    group: Group, hits: Iterable[CountedHit], latest: datetime, now: datetime, lateness: timedelta
) -> list[WindowEnd]:
    """When to look at windows that were not seen whole when these hits came: once for each stretch, when it is over.

    `latest`: of the hits that are known. Windows that end with later ones are asked for when these come.
    """
    plan = group.plan
    width, grace = stretch_ms(plan), min(lateness, _GRACE)
    wanted: dict[str, WindowEnd] = {}
    for hit in hits:
        begins, ends = to_ms(hit.at), min(to_ms(hit.at) + plan.span_ms, to_ms(latest))
        for own in range(begins // width, ends // width + 1):
            first, last = own * width, (own + 1) * width - 1
            end = _end(group, f"{width}/{own}", first, last, max(_at(last), now) + grace)
            wanted[end.key] = end
    return list(wanted.values())


def is_of_hits(end: WindowEnd, plan: Correlation) -> bool:
    """Whether it is the stretch in which hits are, and not what lies around one that came late."""
    return end.last - end.first < plan.span


def stretch_ms(plan: Correlation) -> int:
    """How long a stretch is whose windows are decided together."""
    return max(plan.span_ms // _STRETCHES, _SHORTEST_MS)


def _at(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _end(group: Group, name: str, first: int, last: int, due_at: datetime) -> WindowEnd:
    plan = group.plan
    key = f"{plan.id}/{group.keys[0]}/{name}"
    return WindowEnd(key, group.tenant, plan.id, group.values, _at(first), _at(last), due_at)

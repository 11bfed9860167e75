"""Windows that are decided when they are over: what did not happen, or happened seldom."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aoc_common.contracts.ids import to_ms
from aoc_rules.correlation.groups import Group
from aoc_rules.correlation.reading import MOST_HITS
from aoc_rules.correlation.windows import holding
from aoc_rules.evaluation.completing import seen_by, windows_as_hits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.counted_hits import CountedHit
    from aoc_common.store.window_ends import WindowEnd
    from aoc_rules.correlation.windows import Seen, Window
    from aoc_rules.correlations import Correlations
    from aoc_rules.evaluation.completing import Completed, Correlator


@dataclass(frozen=True, slots=True)
class Around:
    """The hits around a stretch, and the windows of it that hold. `waiting`: how many more hold, and are not over."""

    seen: Mapping[Seen, CountedHit]
    windows: Sequence[Window]
    waiting: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What windows of a stretch complete, and how many hold so far and are not over."""

    completed: Sequence[Completed]
    waiting: int


def group_of(end: WindowEnd, correlations: Correlations) -> Group | None:
    """Whose windows are to be decided. None: of what is no more at work, or is another now, nothing is."""
    plan = correlations.plans.get(end.correlation)
    if plan is None or len(plan.group_by) != len(end.group):
        return None
    return Group(plan, end.tenant, end.group)


class Decider:
    """Decides windows by the hits that are known."""

    def __init__(self, correlator: Correlator) -> None:
        self._correlator = correlator

    async def around(self, group: Group, first: datetime, last: datetime, until: datetime) -> Around:
        """The windows that hold, of a stretch. `until`: what ends later is not over. Raises `Transient`."""
        plan = group.plan
        start, end = (first - plan.span if plan.back else first), (last + plan.span if plan.ahead else last)
        seen = seen_by(plan, await self._correlator.look(group, start, end))
        find = partial(holding, plan, list(seen), to_ms(first), to_ms(last))
        # Of a crowded group that takes long: events must not wait for it.
        windows = await asyncio.to_thread(find) if len(seen) > MOST_HITS else find()
        over = [one for one in windows if one.end <= to_ms(until)] if plan.settled else windows
        return Around(seen, over, len(windows) - len(over))

    async def decided(self, group: Group, end: WindowEnd, correlations: Correlations, until: datetime) -> Decision:
        """What is to be alerts, of a stretch, that of correlations included that name this one. Raises `Transient`."""
        found = await self.around(group, end.first, end.last, until)
        completed = self._correlator.alerts(group, found.windows, found.seen, frozenset())
        hits = windows_as_hits(group, found.windows, found.seen, correlations)
        return Decision([*completed, *await self._correlator.correlate(correlations, hits)], found.waiting)

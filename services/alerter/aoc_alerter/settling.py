"""Windows that are decided when they are over, and what comes late for them: what did not happen, or happened seldom.

For each stretch of time in which such windows begin or end there is a timer in the store, which one replica takes. Who
dies with it leaves it to another, a minute later. What comes after that asks for the stretch to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_alerter.closing import close
from aoc_alerter.counting import look, seen_by, windows_as_hits
from aoc_common.contracts.alert import group_key
from aoc_common.contracts.ids import to_ms
from aoc_rules.correlation.groups import Group
from aoc_rules.correlation.windows import holding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from aoc_alerter.counting import Correlator
    from aoc_common.clock import Clock
    from aoc_common.store.alert_groups import AlertGroupStore
    from aoc_common.store.alerts import AlertStore
    from aoc_common.store.counted_hits import CountedHit, CountedHitStore
    from aoc_common.store.window_ends import WindowEnd, WindowEndStore
    from aoc_rules.correlation.windows import Seen, Window
    from aoc_rules.correlations import Correlations
    from aoc_rules.grouping import Found

#: Timers that are taken at once.
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class SettlingStores:
    """What it reads and writes."""

    hits: CountedHitStore
    ends: WindowEndStore
    groups: AlertGroupStore
    alerts: AlertStore


class Settler:
    """Decides windows that are over. `lateness`: how late events may be. `home`: has the alerts across tenants."""

    def __init__(  # what deciding is made of
        self,
        stores: SettlingStores,
        correlator: Correlator,
        raise_alerts: Callable[[Sequence[Found]], Awaitable[None]],
        clock: Clock,
        lateness: timedelta,
        home: str | None,
    ) -> None:
        self._stores = stores
        self._correlator = correlator
        self._raise = raise_alerts
        self._clock = clock
        self._lateness = lateness
        self._home = home

    async def run(self, correlations: Correlations) -> None:
        """Decide all that is due. Repeatable. Raises `Transient`."""
        while ends := await self._stores.ends.take(self._clock.now(), _MOST):
            for end in ends:
                plan = correlations.plans.get(end.correlation)
                # What is no more at work, or is another now, decides nothing.
                if plan is not None and plan.settled and len(plan.group_by) == len(end.group):
                    await self._decide(Group(plan, end.tenant, end.group), end, correlations)
            await self._stores.ends.done(ends)
            metrics.WINDOWS.inc(len(ends))

    async def _decide(self, group: Group, end: WindowEnd, correlations: Correlations) -> None:
        seen, windows = await self._over(group, end.first, end.last)
        found = self._correlator.alerts(group, windows, seen, frozenset())
        found += await self._correlator.correlate(correlations, windows_as_hits(group, windows, seen, correlations))
        if found:
            await self._raise(found)
        await self._take_back(group, end)

    async def _over(
        self, group: Group, first: datetime, last: datetime
    ) -> tuple[Mapping[Seen, CountedHit], list[Window]]:
        """The windows that hold and are over, of a stretch, and the hits around it."""
        plan = group.plan
        seen = seen_by(plan, await look(self._stores.hits, group, first - plan.span, last + plan.span))
        until = to_ms(self._clock.now() - self._lateness)
        windows = holding(plan, list(seen), to_ms(first), to_ms(last))
        return seen, [one for one in windows if one.end <= until]

    async def _take_back(self, group: Group, end: WindowEnd) -> None:
        """Close the alerts of a stretch of which no window holds any more."""
        plan = group.plan
        tenant = self._home if plan.across and self._home is not None else group.tenant
        key = group_key(tenant, plan.id, group.told)
        spans = held.spans if (held := (await self._stores.groups.read([key])).get(key)) is not None else ()
        gone: list[UUID] = []
        for span in spans:
            if span.first <= end.last + plan.span and end.first - plan.span <= span.last:
                _, windows = await self._over(group, span.first - plan.span, span.last + plan.span)
                if not any(_touches(window, span.first, span.last) for window in windows):
                    gone.append(span.alert)
        if gone:
            await close(self._stores.alerts, gone, self._clock)


def _touches(window: Window, first: datetime, last: datetime) -> bool:
    return any(to_ms(first) <= hit.at <= to_ms(last) for hit in window.hits)

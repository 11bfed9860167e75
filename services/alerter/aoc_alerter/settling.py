"""Windows that are decided when they are over, and what comes late for them: what did not happen, or happened seldom.

For each stretch of time in which such windows begin or end there is a timer in the store, which one replica takes. Who
dies with it leaves it to another, a minute later. What comes after that asks for the stretch to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_alerter.closing import close
from aoc_common.contracts.alert import group_key
from aoc_common.contracts.ids import to_ms
from aoc_rules.correlation.ends import is_of_hits
from aoc_rules.evaluation.deciding import group_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.store.alert_groups import AlertGroupStore
    from aoc_common.store.alerts import AlertStore
    from aoc_common.store.window_ends import WindowEnd, WindowEndStore
    from aoc_rules.correlation.groups import Group
    from aoc_rules.correlation.windows import Window
    from aoc_rules.correlations import Correlations
    from aoc_rules.evaluation.deciding import Decider
    from aoc_rules.grouping import Found

#: Timers that are taken at once.
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class SettlingStores:
    """What it reads and writes."""

    ends: WindowEndStore
    groups: AlertGroupStore
    alerts: AlertStore


class WindowDecider:
    """Decides windows that are over. `lateness`: how late events may be. `home`: has the alerts across tenants."""

    def __init__(  # what deciding is made of
        self,
        stores: SettlingStores,
        decider: Decider,
        raise_alerts: Callable[[Sequence[Found]], Awaitable[None]],
        clock: Clock,
        lateness: timedelta,
        home: str | None,
    ) -> None:
        self._stores = stores
        self._decider = decider
        self._raise = raise_alerts
        self._clock = clock
        self._lateness = lateness
        self._home = home

    async def run(self, correlations: Correlations) -> None:
        """Decide all that is due. Repeatable. Raises `Transient`."""
        while ends := await self._stores.ends.take(self._clock.now(), _MOST):
            for end in ends:
                group = group_of(end, correlations)
                if group is not None:
                    await self._decide(group, end, correlations)
            await self._stores.ends.done(ends)
            metrics.WINDOWS.inc(len(ends))

    async def _decide(self, group: Group, end: WindowEnd, correlations: Correlations) -> None:
        decision = await self._decider.decided(group, end, correlations, self._over_before())
        if found := [event for one in decision.completed for event in one.found]:
            await self._raise(found)
        if decision.waiting and is_of_hits(end, group.plan):
            # Looked at too early, by a clock that was ahead: it stays, and is due again in a minute.
            await self._stores.ends.add([end])
        if group.plan.settled:
            await self._take_back(group, end)

    def _over_before(self) -> datetime:
        return self._clock.now() - self._lateness

    async def _take_back(self, group: Group, end: WindowEnd) -> None:
        """Close the alerts of a stretch of which no window holds any more."""
        plan = group.plan
        tenant = self._home if plan.across and self._home is not None else group.tenant
        key = group_key(tenant, plan.id, group.field_values)
        alerts = (await self._stores.groups.read([key])).get(key)
        spans = alerts.spans if alerts is not None else ()
        gone: list[UUID] = []
        for span in spans:
            if span.first <= end.last + plan.span and end.first - plan.span <= span.last:
                around = span.first - plan.span, span.last + plan.span
                held = await self._decider.around(group, *around, self._over_before())
                if not any(_touches(window, span.first, span.last) for window in held.windows):
                    gone.append(span.alert)
        if gone:
            await close(self._stores.alerts, gone, self._clock)


def _touches(window: Window, first: datetime, last: datetime) -> bool:
    return any(to_ms(first) <= hit.at <= to_ms(last) for hit in window.fresh)

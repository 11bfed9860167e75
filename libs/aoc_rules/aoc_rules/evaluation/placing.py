"""Which alerts events would be of, as `placed` says it to the alerter, kept in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aoc_common.contracts.alert import group_key
from aoc_common.store.alert_groups import MOST_SPANS, AlertGroup
from aoc_rules.backtest import hour_of
from aoc_rules.grouping import placed

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.alert import AlertEvent, FieldValue
    from aoc_common.store.alert_hits import HitKey
    from aoc_rules.evaluation.completing import Completed
    from aoc_rules.grouping import Found


@dataclass(slots=True)
class PotentialAlert:
    """An alert that would have been raised.

    `group`: by which it is told apart. `at`: when what made it was complete. `events`: that was this, and `common` what
    they have in common; `count`: of these and all that joined them.
    """

    rule: str
    group: tuple[FieldValue, ...]
    at: datetime
    common: tuple[FieldValue, ...]
    first_at: datetime
    last_at: datetime
    events: tuple[AlertEvent, ...]
    count: int = 0


@dataclass
class Placing:
    """Gives each event of a rule to an alert once. Nothing is known of what people make of alerts.

    `hours`: rule -> hour -> events that were given.
    """

    alerts: dict[UUID, PotentialAlert] = field(default_factory=dict)
    hours: defaultdict[str, Counter[datetime]] = field(default_factory=lambda: defaultdict(Counter))
    _noted: set[HitKey] = field(default_factory=set)
    _groups: dict[str, AlertGroup] = field(default_factory=dict)

    def add(self, completed: Completed) -> None:
        """What was found, and was complete at a time."""
        fresh: defaultdict[str, dict[UUID, Found]] = defaultdict(dict)
        for one in completed.found:
            hit = one.placed.rule, one.placed.event
            if hit not in self._noted:
                self._noted.add(hit)
                self.hours[one.placed.rule][hour_of(one.placed.at)] += 1
                fresh[group_key(one.placed.tenant, one.placed.rule, one.placed.group)][one.placed.event] = one
        for key, events in fresh.items():
            self._place(key, completed, events)

    def of(self, rule: str) -> list[PotentialAlert]:
        """Alerts of a rule."""
        return [one for one in self.alerts.values() if one.rule == rule]

    def _place(self, key: str, completed: Completed, events: dict[UUID, Found]) -> None:
        first = next(iter(events.values())).placed
        group = self._groups.get(key) or AlertGroup(key, first.tenant)
        changed, of_events = placed(group, [one.placed for one in events.values()], {})
        self._groups[key] = replace(changed, spans=changed.spans[-MOST_SPANS:])
        made: defaultdict[UUID, list[AlertEvent]] = defaultdict(list)
        for event, alert in of_events.items():
            made[alert].append(events[event].event)
        for alert, several in made.items():
            several.sort(key=lambda event: (event.at, event.id))
            earliest, latest = several[0].at, several[-1].at
            known = self.alerts.setdefault(
                alert,
                PotentialAlert(
                    first.rule, first.group, completed.at, completed.common, earliest, latest, tuple(several)
                ),
            )
            known.first_at, known.last_at = min(known.first_at, earliest), max(known.last_at, latest)
            known.count += len(several)

"""Alerts are made of what rules have found, and extended: each event once, whatever is delivered again, or killed.

In this order, each step repeatable: an event is given to an alert (`alert_groups`), that is noted (`hits`), the alert
is written with what is to be published of it (`alerts`). Who dies between two of them does the rest when the event
comes again, and finds what was decided before.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_common.contracts.alert import MOST_COUNTED, MOST_EVENTS, SEVERITIES, group_key
from aoc_common.contracts.alert_changes import joined, raised
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import Unreachable
from aoc_common.store.alert_groups import AlertGroup
from aoc_common.store.alert_hits import Hit
from aoc_common.store.alerts import AlertWrite, StoredAlert
from aoc_rules.grouping import Resolved, asks_for, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.alert import Alert, Severity
    from aoc_common.store.alert_groups import AlertGroupStore
    from aoc_common.store.alert_hits import HitKey, HitStore
    from aoc_common.store.alerts import AlertStore
    from aoc_rules.grouping import Found

#: Times that a change is tried while others change the same.
_TRIES: Final = 20


class Raiser:
    """Raises alerts."""

    def __init__(self, hits: HitStore, groups: AlertGroupStore, alerts: AlertStore, clock: Clock) -> None:
        self._hits = hits
        self._groups = groups
        self._alerts = alerts
        self._clock = clock

    async def raise_alerts(self, found: Sequence[Found]) -> None:
        """Make or extend the alerts of what was found. Idempotent. Raises `Transient`."""
        by_key: dict[HitKey, Found] = {}
        for one in found:  # as it was found first, as when events come one by one
            by_key.setdefault(_key(one), one)
        of_hits = dict(await self._hits.known(by_key))
        fresh = [one for key, one in by_key.items() if key not in of_hits]
        if fresh:
            assigned = await self._assigned(fresh)
            hits = [_hit(one, assigned[_key(one)]) for one in fresh]
            of_hits |= await self._hits.add(hits)
            metrics.HITS.inc(len(hits))
        of_alerts: defaultdict[UUID, list[Found]] = defaultdict(list)
        for key, alert in of_hits.items():
            of_alerts[alert].append(by_key[key])
        await self._write(of_alerts)

    async def _assigned(self, found: Sequence[Found]) -> dict[HitKey, UUID]:
        """The alert of each, agreed on with all other replicas."""
        waiting: defaultdict[str, list[Found]] = defaultdict(list)
        for one in found:
            waiting[_group_key(one)].append(one)
        assigned: dict[HitKey, UUID] = {}
        for _ in range(_TRIES):
            groups = await self._groups.read(waiting)
            resolved = await self._resolved(groups, waiting)
            after: list[AlertGroup] = []
            alerts: dict[str, dict[UUID, UUID]] = {}
            for key, events in waiting.items():
                group = groups.get(key) or AlertGroup(key, events[0].placed.tenant)
                changed, alerts[key] = placed(group, [one.placed for one in events], resolved)
                after.append(changed)
            for key in await self._groups.write(after):
                assigned |= {_key(one): alerts[key][one.placed.event] for one in waiting.pop(key)}
            if not waiting:
                return assigned
        raise Unreachable("alert groups: others change the same groups all the time")

    async def _resolved(
        self, groups: Mapping[str, AlertGroup], found: Mapping[str, Sequence[Found]]
    ) -> Mapping[UUID, Resolved]:
        """Those alerts that the events could belong to and that are resolved."""
        near = {alert for key, group in groups.items() for alert in asks_for(group, [one.placed for one in found[key]])}
        stored = (await self._alerts.of(near)).values() if near else ()
        return {
            one.alert.id: Resolved(one.alert.resolved_at, one.alert.verdict == "false_positive")
            for one in stored
            if one.alert.resolved_at is not None
        }

    async def _write(self, found: Mapping[UUID, Sequence[Found]]) -> None:
        """Bring alerts up to what is known of them."""
        waiting = set(found)
        for _ in range(_TRIES):
            stored = await self._alerts.of(waiting)
            writes: list[AlertWrite] = []
            for identity in sorted(waiting):
                before = stored.get(identity)
                after = await self._after(identity, before, found[identity])
                if before is not None and after == before.alert:
                    waiting.discard(identity)  # nothing is new
                else:
                    writes.append(self._write_of(before, after))
            waiting -= await self._alerts.write(writes)
            if not waiting:
                return
        raise Unreachable("alerts: others change the same alerts all the time")

    async def _after(self, identity: UUID, before: StoredAlert | None, found: Sequence[Found]) -> Alert:
        now, first = self._clock.now(), found[0]
        events = [one.event for one in sorted(found, key=lambda one: (one.event.at, one.event.id))]
        severity = _gravest(found)
        if before is None:
            rule, place = first.rule, first.placed
            return raised(identity, place.tenant, rule.alert_rule, place.group, severity or rule.severity, events, now)
        return joined(before.alert, events, await self._count(before.alert, events), now, severity)

    async def _count(self, alert: Alert, events: Collection[object]) -> int:
        """How many events an alert has: of those beyond the listed ones only the hits know."""
        if alert.count >= MOST_COUNTED:
            return alert.count
        if len(alert.events) + len(events) <= MOST_EVENTS:
            return alert.count
        return await self._hits.count(alert.tenant, alert.id, MOST_COUNTED)

    def _write_of(self, before: StoredAlert | None, after: Alert) -> AlertWrite:
        told = before is None or after.revision > before.alert.revision
        if before is None:
            metrics.ALERTS.labels(after.severity, "retrospective" if after.retrospective else "live").inc()
        return AlertWrite(after, before, AlertMessage.of(after) if told else None)


def _gravest(found: Sequence[Found]) -> Severity | None:
    """Of events by which a rule's severity differs; None where it does not."""
    own = [one.severity for one in found if one.severity is not None]
    return max(own, key=SEVERITIES.index, default=None)


def _key(found: Found) -> HitKey:
    return found.placed.rule, found.placed.event


def _group_key(found: Found) -> str:
    return group_key(found.placed.tenant, found.placed.rule, found.placed.group)


def _hit(found: Found, alert: UUID) -> Hit:
    place = found.placed
    return Hit(place.tenant, place.rule, place.event, place.at, _group_key(found), alert)

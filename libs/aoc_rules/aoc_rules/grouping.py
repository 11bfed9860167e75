"""One incident, one alert: which alert an event belongs to. Pure.

Events of one rule that have the same in common are of one alert as long as each is at most a window away from the
others, in the time of the events, whatever the order in which they come. What comes after an alert was resolved makes
another one; what had happened before, and comes late, belongs to it. A rule may say that for a while after an alert was
resolved as a false positive all of its group belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.contracts.alert import FieldValue, alert_id
from aoc_common.store.alert_groups import Span
from aoc_rules.sigma.log_sources import LOG_SOURCES
from aoc_rules.sigma.networks import same_address
from aoc_rules.sigma.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.alert import AlertEvent, AlertRule, Severity
    from aoc_common.contracts.rows import Row
    from aoc_common.store.alert_groups import AlertGroup
    from aoc_rules.sigma.rule import Match

#: The longest stretch of time of one alert, where the window is not longer: what goes on is told once a day.
LONGEST_SPAN: Final = timedelta(days=1)
#: Alerts of one group that are looked at for whether they suppress others: those that were extended last.
MOST_SUPPRESSING: Final = 20
_MOST_VALUES: Final = 3
_LONGEST_VALUE: Final = 256


@dataclass(frozen=True, slots=True)
class Placed:
    """An event that is to be placed: what makes an alert's id, and when it happened.

    `suppress`: for so long after an alert was a false positive, the event belongs to it.
    """

    tenant: str
    rule: str
    group: tuple[FieldValue, ...]
    event: UUID
    at: datetime
    window: timedelta
    suppress: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Resolved:
    """Since when an alert is resolved, and whether it was a false positive."""

    at: datetime
    false_positive: bool = False


class Raises(Protocol):
    """A rule as its alerts tell it."""

    @property
    def alert_rule(self) -> AlertRule:
        """As alerts tell it."""
        ...

    @property
    def severity(self) -> Severity:
        """Of its alerts."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A rule, or a correlation, that has found an event. `placed`: by what its alert is found.

    `severity`: of this event, for a rule whose severity depends on it; None: the rule's.
    """

    rule: Raises
    placed: Placed
    event: AlertEvent
    severity: Severity | None = None


class Fields:
    """What an event has in fields.

    `actor`, `ip`, `service`, `operation`, `source`, `tenant` are the event's own; any other is a field of the log
    source as which it matched.
    """

    def __init__(self, match: Match, row: Row) -> None:
        self._own = {
            "actor": row.actor,
            "ip": row.ip,
            "service": row.service,
            "operation": row.operation,
            "source": row.source,
            "tenant": row.tenant,
        }
        self._record, self._table = Record(row.ocsf), LOG_SOURCES[match.log_source].fields

    def values(self, name: str) -> tuple[str, ...]:
        """The values of a field; addresses in one spelling."""
        if name in self._own:
            own = self._own[name]
            return (own,) if own else ()
        return tuple(map(same_address, self._record.values(self._table.field(name)).plain))


def group_of(fields: Sequence[str], match: Match, row: Row) -> tuple[FieldValue, ...]:
    """What an event has of the fields by which a rule groups. One that has nothing in any is alone, by its id."""
    held = Fields(match, row)
    found = [FieldValue(field, joined(held.values(field))) for field in fields]
    if found and not any(one.value for one in found):
        return (FieldValue("event", str(row.id)),)
    return tuple(found)


def joined(values: Sequence[str]) -> str:
    """Several values of a field as one."""
    return ", ".join(sorted(set(values))[:_MOST_VALUES])[:_LONGEST_VALUE]


def placed(
    group: AlertGroup, events: Sequence[Placed], resolved: Mapping[UUID, Resolved]
) -> tuple[AlertGroup, dict[UUID, UUID]]:
    """The group with these events in it, and the alert of each, by the event's id. `resolved`: alerts that are.

    In the order of their time, so that of a batch always the same comes.
    """
    alerts: dict[UUID, UUID] = {}
    spans = list(group.spans)
    for event in sorted(events, key=lambda one: (one.at, one.event)):
        near = [span for span in spans if _joins(span, event, resolved.get(span.alert))]
        if not near and event.suppress:
            near = _suppressing(spans, event, resolved)
        if near:
            span = min(near, key=lambda one: (_distance(one, event.at), one.first, one.alert))
            spans.remove(span)
            span = replace(span, first=min(span.first, event.at), last=max(span.last, event.at))
        else:
            identity = alert_id(event.tenant, event.rule, event.group, event.event, event.at)
            span = Span(identity, event.at, event.at)
        spans.append(span)
        alerts[event.event] = span.alert
    return replace(group, spans=tuple(spans)), alerts


def asks_for(group: AlertGroup, events: Sequence[Placed]) -> set[UUID]:
    """The alerts of a group of which `placed` has to know whether they are resolved."""
    near = {
        span.alert
        for one in events
        for span in group.spans
        if span.first - one.window <= one.at <= span.last + one.window
    }
    if any(one.suppress for one in events):
        near |= {span.alert for span in group.spans[-MOST_SUPPRESSING:]}
    return near


def _suppressing(spans: Sequence[Span], event: Placed, resolved: Mapping[UUID, Resolved]) -> list[Span]:
    """The alert that an event belongs to for a while, since it was a false positive: if that is the latest verdict."""
    judged = [span for span in spans if span.alert in resolved]
    last = max(judged, key=lambda span: (resolved[span.alert].at, span.alert), default=None)
    if last is None or not (verdict := resolved[last.alert]).false_positive:
        return []
    return [last] if last.first <= event.at <= verdict.at + event.suppress else []


def _joins(span: Span, event: Placed, resolved: Resolved | None) -> bool:
    if resolved is not None and event.at > resolved.at:
        return False
    length = max(span.last, event.at) - min(span.first, event.at)
    return _distance(span, event.at) <= event.window and length <= max(LONGEST_SPAN, event.window)


def _distance(span: Span, at: datetime) -> timedelta:
    return max(span.first - at, at - span.last, timedelta())

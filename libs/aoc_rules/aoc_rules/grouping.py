"""One incident, one alert: which alert an event belongs to. Pure.

Events of one rule that have the same in common are of one alert as long as each is at most a window away from the
others, in the time of the events, whatever the order in which they come. What comes after an alert was resolved makes
another one; what had happened before, and comes late, belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.contracts.alert import FieldValue, alert_id
from aoc_common.store.alert_groups import Span
from aoc_rules.sigma.log_sources import LOG_SOURCES
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
_MOST_VALUES: Final = 3
_LONGEST_VALUE: Final = 256


@dataclass(frozen=True, slots=True)
class Placed:
    """An event that is to be placed: what makes an alert's id, and when it happened."""

    tenant: str
    rule: str
    group: tuple[FieldValue, ...]
    event: UUID
    at: datetime
    window: timedelta


class Raises(Protocol):
    """A rule as its alerts tell it."""

    @property
    def told(self) -> AlertRule:
        """As alerts tell it."""
        ...

    @property
    def severity(self) -> Severity:
        """Of its alerts."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A rule, or a correlation, that has found an event. `placed`: by what its alert is found."""

    rule: Raises
    placed: Placed
    event: AlertEvent


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
        """The values of a field."""
        if name in self._own:
            own = self._own[name]
            return (own,) if own else ()
        return tuple(self._record.values(self._table.field(name)).plain)


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
    group: AlertGroup, events: Sequence[Placed], resolved: Mapping[UUID, datetime]
) -> tuple[AlertGroup, dict[UUID, UUID]]:
    """The group with these events in it, and the alert of each, by the event's id. `resolved`: alerts, and since when.

    In the order of their time, so that of a batch always the same comes.
    """
    alerts: dict[UUID, UUID] = {}
    spans = list(group.spans)
    for event in sorted(events, key=lambda one: (one.at, one.event)):
        near = [span for span in spans if _joins(span, event, resolved.get(span.alert))]
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


def _joins(span: Span, event: Placed, resolved: datetime | None) -> bool:
    if resolved is not None and event.at > resolved:
        return False
    length = max(span.last, event.at) - min(span.first, event.at)
    return _distance(span, event.at) <= event.window and length <= max(LONGEST_SPAN, event.window)


def _distance(span: Span, at: datetime) -> timedelta:
    return max(span.first - at, at - span.last, timedelta())

"""What becomes of an alert: it is raised, gets more events, and people work on it. Pure: each makes a new revision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.alert import (
    ALERTER,
    MOST_CHANGES,
    MOST_COUNTED,
    MOST_EVENTS,
    MOST_EVIDENCES,
    MOST_MATCHED,
    MOST_NOTES,
    SEVERITIES,
    Alert,
    AlertNote,
    Change,
    FieldChange,
    Person,
)
from aoc_common.contracts.tickets import HEARD_FOR, MOST_HEARD, TicketMessage
from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.alert import AlertEvent, AlertRule, FieldValue, Severity, Status, Verdict
    from aoc_common.contracts.tickets import Ticket

_MACHINE: Final = Person(ALERTER, "AOC")


class NotesFull(AocError):  # noqa: N818  # named after what it reports
    """An alert has as many notes as it may."""


class TooManyTicketMessages(AocError):  # noqa: N818  # as above
    """An alert was told more by its ticket, in a quarter of an hour, than it can tell apart."""


@dataclass(frozen=True, slots=True)
class Unset:
    """Nothing is said of it."""


UNSET: Final = Unset()


@dataclass(frozen=True, slots=True)
class AlertChange:
    """What somebody wants of an alert. `assignee`, `verdict`, `ticket`: None takes it away. `note`: is added."""

    status: Status | None = None
    severity: Severity | None = None
    verdict: Verdict | Unset | None = UNSET
    assignee: Person | Unset | None = UNSET
    note: AlertNote | None = None
    ticket: Ticket | Unset | None = UNSET


def raised(  # what an alert is made of
    identity: UUID,
    tenant: str,
    rule: AlertRule,
    group: Sequence[FieldValue],
    severity: Severity,
    events: Sequence[AlertEvent],
    now: datetime,
) -> Alert:
    """A new alert of events, of which there is one at least. `identity`: as `alert_id` makes it."""
    made = Alert(
        id=identity,
        tenant=tenant,
        rule=rule,
        group=tuple(group),
        severity=severity,
        events=(),
        count=0,
        first_at=events[0].at,
        last_at=events[0].at,
        created_at=now,
        changed_at=now,
        services=frozenset(),
        operations=frozenset(),
        retrospective=True,
        revision=1,
        history=(Change(1, now, _MACHINE, (FieldChange("status", None, "new"),)),),
    )
    return _with_events(made, events, min(len(events), MOST_COUNTED))


def joined(
    alert: Alert, events: Iterable[AlertEvent], count: int, now: datetime, severity: Severity | None = None
) -> Alert:
    """The alert with more events; those that it has already change nothing. `count`: of all that are known of it.

    `severity`: of the gravest of them, where the rule's depends on the event: the alert's at least, unless somebody
    has said another one.

    It is the same revision where that is nothing to tell anybody: beyond the events that an alert lists, only each
    doubling of their number is.
    """
    known = {event.id for event in alert.events}
    fresh = [event for event in {event.id: event for event in events}.values() if event.id not in known]
    counted = min(max(count, alert.count), MOST_COUNTED)
    after = _with_events(alert, fresh, counted)
    if severity is not None and _graver(alert, severity):
        after = replace(after, severity=severity)
    if len(after.events) > len(alert.events) or _doubled(alert.count, counted) or _tells(alert, after):
        return replace(after, revision=alert.revision + 1, changed_at=now)
    return after


def changed(alert: Alert, change: AlertChange, by: Person, now: datetime) -> Alert:
    """The alert after what somebody wants of it; the same revision where that is as it was. Raises `NotesFull`."""
    after = replace(
        alert,
        status=change.status or alert.status,
        severity=change.severity or alert.severity,
        verdict=alert.verdict if isinstance(change.verdict, Unset) else change.verdict,
        assignee=alert.assignee if isinstance(change.assignee, Unset) else change.assignee,
        ticket=alert.ticket if isinstance(change.ticket, Unset) else change.ticket,
    )
    fields = tuple(_differences(alert, after))
    noted = change.note is not None and all(note.id != change.note.id for note in alert.notes)
    if not fields and not noted:
        return alert
    revision = alert.revision + 1
    if noted and change.note is not None:
        if len(alert.notes) >= MOST_NOTES:
            raise NotesFull(f"the alert has {MOST_NOTES} notes")
        fields = (*fields, FieldChange("note", None, change.note.id))
        after = replace(after, notes=(*after.notes, change.note))
    history = (*alert.history, Change(revision, now, by, fields))
    return replace(
        after,
        revision=revision,
        changed_at=now,
        acknowledged_at=alert.acknowledged_at or (None if after.status == "new" else now),
        resolved_at=None if after.open else alert.resolved_at or now,
        history=(*history[:1], *history[1:][-MOST_CHANGES + 1 :]),
    )


def changed_by_ticket(alert: Alert, message: str, change: AlertChange, by: Person, now: datetime) -> Alert:
    """The alert after what its ticket has told by a message; as it is where it knows that message already.

    Raises `NotesFull`, and `TooManyTicketMessages`.
    """
    heard = tuple(one for one in alert.heard if now - one.at < HEARD_FOR)
    if any(one.message == message for one in heard):
        return alert
    if len(heard) >= MOST_HEARD:
        raise TooManyTicketMessages(f"its ticket has told the alert {MOST_HEARD} things within {HEARD_FOR}")
    return replace(changed(alert, change, by, now), heard=(*heard, TicketMessage(message, now)))


def _differences(before: Alert, after: Alert) -> Iterable[FieldChange]:
    for name in ("status", "severity", "verdict", "assignee"):
        old, new = _written(getattr(before, name)), _written(getattr(after, name))
        if old != new:
            yield FieldChange(name, old, new)
    if before.ticket != after.ticket:
        old, new = (one.words if one else None for one in (before.ticket, after.ticket))
        yield FieldChange("ticket", old, new)


def _written(value: Any) -> str | None:
    return value.id if isinstance(value, Person) else value


def _with_events(alert: Alert, events: Sequence[AlertEvent], count: int) -> Alert:
    listed = list(alert.events)
    for event in events[: MOST_EVENTS - len(listed)]:
        place = len(listed)
        listed.append(
            replace(
                event,
                matched=event.matched if place < MOST_MATCHED else (),
                evidence=event.evidence if place < MOST_EVIDENCES else None,
            )
        )
    return replace(
        alert,
        events=tuple(listed),
        count=max(count, len(listed)),
        first_at=min([alert.first_at, *(event.at for event in events)]),
        last_at=max([alert.last_at, *(event.at for event in events)]),
        services=alert.services.union(event.service.lower() for event in events),
        operations=alert.operations.union(spelling.operation(event.operation).lower() for event in events),
        retrospective=alert.retrospective and all(event.old for event in events),
    )


def _doubled(before: int, after: int) -> bool:
    return after.bit_length() > before.bit_length()


def _graver(alert: Alert, severity: Severity) -> bool:
    said = any(field.field == "severity" for change in alert.history for field in change.fields)
    return not said and SEVERITIES.index(severity) > SEVERITIES.index(alert.severity)


def _tells(before: Alert, after: Alert) -> bool:
    """Whether it is to be told although no event is listed: somebody is to be notified of it, or it is graver now."""
    return before.severity != after.severity or (before.retrospective and not after.retrospective)

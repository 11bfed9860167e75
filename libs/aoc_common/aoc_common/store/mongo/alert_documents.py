"""Alerts as documents. What an event says of itself is kept as JSON text: its keys are not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.contracts.alert import (
    Alert,
    AlertEvent,
    AlertNote,
    AlertRule,
    Change,
    FieldChange,
    FieldValue,
    Person,
)
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.tickets import Ticket, TicketMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.store.mongo.client import Document


def document_of(alert: Alert) -> Document:
    """All of it but its id and tenant."""
    rule = alert.rule
    return {
        "revision": alert.revision,
        "rule": {
            "id": rule.id,
            "title": rule.title,
            "description": rule.description,
            "tags": list(rule.tags),
            "references": list(rule.references),
        },
        "group": [[one.field, one.value] for one in alert.group],
        "severity": alert.severity,
        "status": alert.status,
        "verdict": alert.verdict,
        "assignee": None if alert.assignee is None else _person(alert.assignee),
        "ticket": None if alert.ticket is None else _ticket(alert.ticket),
        "events": [event_document(event) for event in alert.events],
        "count": alert.count,
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "created_at": alert.created_at,
        "changed_at": alert.changed_at,
        "services": sorted(alert.services),
        "operations": sorted(alert.operations),
        "retrospective": alert.retrospective,
        "acknowledged_at": alert.acknowledged_at,
        "resolved_at": alert.resolved_at,
        "history": [_change(change) for change in alert.history],
        "notes": [{"id": one.id, "at": one.at, "by": _person(one.by), "text": one.text} for one in alert.notes],
        "heard": [[one.message, one.at] for one in alert.heard],
    }


def alert_of(document: Mapping[str, Any]) -> Alert:
    """The alert of a document."""
    rule, assignee, ticket = document["rule"], document["assignee"], document.get("ticket")
    return Alert(
        id=document["_id"],
        tenant=document["tenant"],
        rule=AlertRule(rule["id"], rule["title"], rule["description"], tuple(rule["tags"]), tuple(rule["references"])),
        group=tuple(FieldValue(*pair) for pair in document["group"]),
        severity=document["severity"],
        events=tuple(event_of(event) for event in document["events"]),
        count=document["count"],
        first_at=document["first_at"],
        last_at=document["last_at"],
        created_at=document["created_at"],
        changed_at=document["changed_at"],
        services=frozenset(document["services"]),
        operations=frozenset(document["operations"]),
        retrospective=document["retrospective"],
        revision=document["revision"],
        status=document["status"],
        verdict=document["verdict"],
        assignee=None if assignee is None else Person(**assignee),
        ticket=None if ticket is None else Ticket(**ticket),
        acknowledged_at=document["acknowledged_at"],
        resolved_at=document["resolved_at"],
        history=tuple(_change_of(change) for change in document["history"]),
        notes=tuple(AlertNote(one["id"], one["at"], Person(**one["by"]), one["text"]) for one in document["notes"]),
        heard=tuple(TicketMessage(*pair) for pair in document.get("heard", ())),
    )


def waiting_of(message: AlertMessage) -> Document:
    """A message that is to be published."""
    return {
        "revision": message.revision,
        "subject": message.subject,
        "headers": [[name, value] for name, value in message.headers.items()],
        "body": message.body,
    }


def message_of(document: Mapping[str, Any]) -> AlertMessage:
    """The message of a document."""
    headers = dict(document["headers"])
    return AlertMessage(document["revision"], document["subject"], headers, bytes(document["body"]))


def _person(person: Person) -> Document:
    return {"id": person.id, "name": person.name}


def _ticket(ticket: Ticket) -> Document:
    return {"id": ticket.id, "url": ticket.url, "system": ticket.system}


def event_document(event: AlertEvent) -> Document:
    """An event that a rule has matched."""
    made: Document = {
        "id": event.id,
        "at": event.at,
        "source": event.source,
        "class_uid": event.class_uid,
        "service": event.service,
        "operation": event.operation,
        "actor": event.actor,
    }
    if event.matched:
        made["matched"] = [[one.field, one.value] for one in event.matched]
    if event.evidence is not None:
        made["evidence"] = orjson.dumps(event.evidence).decode()
    if event.old:
        made["old"] = True
    return made


def event_of(document: Mapping[str, Any]) -> AlertEvent:
    """The event of a document."""
    return AlertEvent(
        id=document["id"],
        at=document["at"],
        source=document["source"],
        class_uid=document["class_uid"],
        service=document["service"],
        operation=document["operation"],
        actor=document["actor"],
        matched=tuple(FieldValue(*pair) for pair in document.get("matched", ())),
        evidence=orjson.loads(document["evidence"]) if "evidence" in document else None,
        old=document.get("old", False),
    )


def _change(change: Change) -> Document:
    return {
        "revision": change.revision,
        "at": change.at,
        "by": _person(change.by),
        "fields": [[one.field, one.old, one.new] for one in change.fields],
    }


def _change_of(document: Mapping[str, Any]) -> Change:
    fields = tuple(FieldChange(*one) for one in document["fields"])
    return Change(document["revision"], document["at"], Person(**document["by"]), fields)

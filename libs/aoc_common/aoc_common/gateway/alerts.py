"""Alerts as they are asked for and answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aoc_common.contracts.alert import LONGEST_NAME, LONGEST_NOTE, Severity, Status, Verdict
from aoc_common.contracts.alert_finding import attacks, message
from aoc_common.gateway.notes import check_plain
from aoc_common.gateway.tickets import TICKET, TicketView

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Alert, AlertEvent, AlertNote, Change, FieldValue, Person

_PERSON: Final = {"id": "directory/dana", "name": "Dana Reyes"}
_ITEM: Final[dict[str, Any]] = {
    "id": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3",
    "tenant": "contoso",
    "title": "Inbox rule forwards mail",
    "message": "Inbox rule forwards mail: 2 events of kim@contoso.example",
    "rule": "0b1c5e0f-7a4d-4c4c-9c1c-5d1f7e6a3b21",
    "severity": "high",
    "status": "resolved",
    "verdict": "suspicious",
    "assignee": _PERSON,
    "ticket": TICKET,
    "count": 2,
    "first_at": "2026-11-23T08:00:00Z",
    "last_at": "2026-11-23T08:05:00Z",
    "created_at": "2026-11-23T08:05:02Z",
    "changed_at": "2026-11-23T08:05:02Z",
    "acknowledged_s": 300.0,
    "resolved_s": 2400.0,
    "retrospective": False,
    "revision": 2,
}
_CHANGE: Final[dict[str, Any]] = {"status": "in_progress", "assignee": _PERSON, "note": "Asked her by phone."}
_MATCHED: Final = {"field": "Parameters.ForwardTo|exists", "value": "mallory@evil.example"}
_EVENT: Final[dict[str, Any]] = {
    "id": "019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c4",
    "at": "2026-11-23T08:00:00Z",
    "source": "o365-exchange",
    "service": "Exchange",
    "operation": "New-InboxRule",
    "actor": "kim@contoso.example",
    "matched": [_MATCHED],
    "evidence": {"actor": {"user": {"name": "kim@contoso.example"}}},
}
_HISTORY: Final[dict[str, Any]] = {
    "revision": 1,
    "at": "2026-11-23T08:05:02Z",
    "by": _PERSON,
    "fields": [{"field": "status", "old": "new", "new": "acknowledged"}],
}
_NOTE: Final[dict[str, Any]] = {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "at": "2026-11-23T08:10:00Z",
    "by": _PERSON,
    "text": "Asked her by phone.",
}
_DETAIL: Final[dict[str, Any]] = _ITEM | {
    "description": "A rule sends mail out of the organisation.",
    "references": ["https://attack.mitre.org/techniques/T1114/003/"],
    "tags": ["attack.t1114.003"],
    "attacks": [{"technique": {"uid": "T1114"}, "sub_technique": {"uid": "T1114.003"}}],
    "group": [{"field": "actor", "value": "kim@contoso.example"}],
    "events": [_EVENT],
    "history": [_HISTORY],
    "notes": [_NOTE],
}
_COUNT: Final[dict[str, Any]] = {"rule": _ITEM["rule"], "title": _ITEM["title"], "alerts": 3, "open": 1}
_TIMES: Final[dict[str, Any]] = {"alerts": 3, "mean_s": 840.0, "median_s": 600.0, "longest_s": 1500.0}
_SUMMARY: Final[dict[str, Any]] = {
    "alerts": 12,
    "complete": True,
    "open": 4,
    "by_status": {"new": 3, "acknowledged": 0, "in_progress": 1, "suppressed": 0, "resolved": 8},
    "open_by_severity": {"informational": 0, "low": 1, "medium": 2, "high": 1, "critical": 0},
    "rules": [_COUNT],
    "oldest_open_at": "2026-11-22T17:00:00Z",
    "acknowledged": _TIMES,
    "resolved": _TIMES,
}


def _example(example: dict[str, Any], *, extra: Literal["allow", "forbid", "ignore"] = "ignore") -> ConfigDict:
    return ConfigDict(extra=extra, json_schema_extra={"examples": [example]})


class PersonView(BaseModel):
    """Somebody, or a program."""

    model_config = _example(_PERSON, extra="forbid")

    id: str = Field(min_length=1, max_length=LONGEST_NAME, description="Id of the principal, as `/api/me` has it.")
    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="As people call it.")

    @classmethod
    def of(cls, person: Person) -> PersonView:
        """As it is answered."""
        return cls.model_construct(id=person.id, name=person.name)


class AlertItem(BaseModel):
    """An alert in a list."""

    model_config = _example(_ITEM)

    id: UUID
    tenant: str
    title: str = Field(description="The rule's.")
    message: str = Field(description="The alert in one line.")
    rule: str = Field(description="Id of the rule.")
    severity: Severity
    status: Status
    verdict: Verdict | None = Field(description="What it was; null: nobody has said.")
    assignee: PersonView | None
    ticket: TicketView | None = Field(description="What stands for it in somebody else's system.")
    count: int = Field(description="Its events, of which 100 are listed; at most 10,000 are counted.")
    first_at: datetime = Field(description="When the earliest of its events happened.")
    last_at: datetime = Field(description="When the latest of them happened.")
    created_at: datetime = Field(description="When the alert was raised.")
    changed_at: datetime
    acknowledged_s: float | None = Field(description="Seconds until somebody took notice; null: nobody has yet.")
    resolved_s: float | None = Field(description="Seconds until it was resolved; null while it is open.")
    retrospective: bool = Field(description="It is about what had happened long before it was looked at.")
    revision: int = Field(description="Counts its changes.")

    @classmethod
    def of(cls, alert: Alert) -> AlertItem:
        """As it is answered."""
        return cls.model_construct(**_item(alert))


class FieldValueView(BaseModel):
    """A field, and a value of it."""

    model_config = _example(_MATCHED)

    field: str = Field(description="As the rule spells it.")
    value: str

    @classmethod
    def of(cls, one: FieldValue) -> FieldValueView:
        """As it is answered."""
        return cls.model_construct(field=one.field, value=one.value)


class AlertEventView(BaseModel):
    """An event of an alert: `/api/events/{id}` has all of it."""

    model_config = _example(_EVENT)

    id: UUID
    at: datetime
    source: str
    service: str
    operation: str
    actor: str | None
    matched: list[FieldValueView] = Field(description="By what the rule matched it, of the first 20 events.")
    evidence: dict[str, Any] | None = Field(description="Who did it, with what and from where (OCSF), of the first 5.")

    @classmethod
    def of(cls, event: AlertEvent) -> AlertEventView:
        """As it is answered."""
        return cls.model_construct(
            id=event.id,
            at=event.at,
            source=event.source,
            service=event.service,
            operation=event.operation,
            actor=event.actor,
            matched=[FieldValueView.of(one) for one in event.matched],
            evidence=None if event.evidence is None else dict(event.evidence),
        )


class FieldChangeView(BaseModel):
    """A field before and after."""

    model_config = _example(_HISTORY["fields"][0])

    field: str
    old: str | None
    new: str | None


class ChangeView(BaseModel):
    """What somebody did with an alert."""

    model_config = _example(_HISTORY)

    revision: int = Field(description="The one that it made.")
    at: datetime
    by: PersonView
    fields: list[FieldChangeView]

    @classmethod
    def of(cls, change: Change) -> ChangeView:
        """As it is answered."""
        fields = [FieldChangeView.model_construct(field=one.field, old=one.old, new=one.new) for one in change.fields]
        return cls.model_construct(revision=change.revision, at=change.at, by=PersonView.of(change.by), fields=fields)


class NoteView(BaseModel):
    """What somebody wrote on an alert."""

    model_config = _example(_NOTE)

    id: str
    at: datetime
    by: PersonView
    text: str = Field(description="Plain text; hidden as a whole from whom any values of events are.")

    @classmethod
    def of(cls, note: AlertNote) -> NoteView:
        """As it is answered."""
        return cls.model_construct(id=note.id, at=note.at, by=PersonView.of(note.by), text=note.text)


class AlertDetail(AlertItem):
    """An alert with its events, what people did and what they wrote."""

    model_config = _example(_DETAIL)

    description: str = Field(description="What the rule looks for.")
    references: list[str] = Field(description="Where to read about it. Written by the rule's author: not verified.")
    tags: list[str] = Field(description="The rule's tags.")
    attacks: list[dict[str, Any]] = Field(description="MITRE ATT&CK, in the form of OCSF.")
    group: list[FieldValueView] = Field(description="What its events have in common.")
    events: list[AlertEventView] = Field(description="The first 100 that were found.")
    history: list[ChangeView] = Field(description="What was done with it, the first first.")
    notes: list[NoteView] = Field(description="What people wrote, the first first.")

    @classmethod
    def of(cls, alert: Alert) -> AlertDetail:
        """As it is answered."""
        return cls.model_construct(
            **_item(alert),
            description=alert.rule.description,
            references=list(alert.rule.references),
            tags=list(alert.rule.tags),
            attacks=attacks(alert.rule.tags),
            group=[FieldValueView.of(one) for one in alert.group],
            events=[AlertEventView.of(event) for event in alert.events],
            history=[ChangeView.of(change) for change in alert.history],
            notes=[NoteView.of(note) for note in alert.notes],
        )


class AlertPage(BaseModel):
    """Alerts, newest first by when their events happened."""

    model_config = _example({"items": [_ITEM], "next_cursor": "AZqwxC9AihucXn4k3sB1pQ2rVt5wYz8A.5k2mQ9xTn4b7vR1s"})

    items: list[AlertItem]
    next_cursor: str | None = Field(description="Of the page after; null: there is none.")


NoteText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE), AfterValidator(check_plain)
]


class AlertStatusRequest(BaseModel):
    """How far one is with an alert."""

    model_config = _example(
        {"status": "resolved", "verdict": "false_positive", "note": "Her own rule."}, extra="forbid"
    )

    status: Status
    verdict: Verdict | None = Field(None, description="What it was; what is not named stays.")
    note: NoteText | None = Field(None, description="Is added to what people wrote.")
    revision: int | None = Field(None, ge=1, description="Only if the alert still has this revision.")


class AlertChangeRequest(BaseModel):
    """What to change of an alert; what is not named stays. `null` takes a verdict, an assignee or a ticket away."""

    model_config = _example(_CHANGE, extra="forbid")

    status: Status | None = None
    severity: Severity | None = None
    verdict: Verdict | None = None
    assignee: PersonView | None = Field(None, description="Who looks after it.")
    ticket: TicketView | None = Field(None, description="What stands for it in somebody else's system.")
    note: NoteText | None = Field(None, description="Is added to what people wrote.")
    revision: int | None = Field(None, ge=1, description="Only if the alert still has this revision.")

    @model_validator(mode="after")
    def _says_something(self) -> AlertChangeRequest:
        if not self.model_fields_set - {"revision"}:
            raise ValueError("names nothing to change")
        if any(getattr(self, name) is None for name in self.model_fields_set & {"status", "severity"}):
            raise ValueError("an alert always has a status and a severity")
        return self


class BulkAlertsRequest(AlertChangeRequest):
    """What to change of all alerts that match."""

    model_config = _example({"status": "resolved", "verdict": "benign"}, extra="forbid")

    token: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        None, description="Of the answer with the count. Without it nothing changes, and the alerts are counted."
    )

    @model_validator(mode="after")
    def _of_many(self) -> BulkAlertsRequest:
        if self.revision is not None:
            raise ValueError("many alerts do not have one revision")
        if not self.model_fields_set - {"revision", "token"}:
            raise ValueError("names nothing to change")
        return self


class BulkAlerts(BaseModel):
    """How many alerts are meant, and what became of them."""

    model_config = _example({"count": 12, "token": "WzEyLCAi", "changed": 0, "full": []})

    count: int = Field(description="Alerts that match.")
    token: str | None = Field(description="Send the same request with it, within ten minutes, and they are changed.")
    changed: int | None = Field(description="Alerts that are others now; null: they were only counted.")
    full: list[UUID] = Field(description="Of those that have as many notes as they may: nothing was changed there.")


class RuleCount(BaseModel):
    """Alerts of a rule."""

    model_config = _example(_COUNT)

    rule: str
    title: str
    alerts: int
    open: int


class AlertTimes(BaseModel):
    """How long something took, in seconds; null: it never happened."""

    model_config = _example(_TIMES)

    alerts: int = Field(description="Alerts of which it is known.")
    mean_s: float | None
    median_s: float | None
    longest_s: float | None


class AlertSummary(BaseModel):
    """Alerts in numbers."""

    model_config = _example(_SUMMARY)

    alerts: int = Field(description="Alerts that match.")
    complete: bool = Field(description="False: only the newest 10,000 were looked at.")
    open: int = Field(description="Those that are not resolved.")
    by_status: dict[Status, int]
    open_by_severity: dict[Severity, int]
    rules: list[RuleCount] = Field(description="The 20 rules with most alerts.")
    oldest_open_at: datetime | None = Field(description="When the oldest open one was raised.")
    acknowledged: AlertTimes = Field(description="Until somebody took notice.")
    resolved: AlertTimes = Field(description="Until they were resolved.")


def _item(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "tenant": alert.tenant,
        "title": alert.rule.title,
        "message": message(alert),
        "rule": alert.rule.id,
        "severity": alert.severity,
        "status": alert.status,
        "verdict": alert.verdict,
        "assignee": None if alert.assignee is None else PersonView.of(alert.assignee),
        "ticket": None if alert.ticket is None else TicketView.of(alert.ticket),
        "count": alert.count,
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "created_at": alert.created_at,
        "changed_at": alert.changed_at,
        "acknowledged_s": alert.acknowledged_s,
        "resolved_s": alert.resolved_s,
        "retrospective": alert.retrospective,
        "revision": alert.revision,
    }

"""An alert: what a rule found in one or more events, and what people have done about it. Pure.

`alert_finding` makes the OCSF detection finding of it that leaves the system, `alert_changes` what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from aoc_common.contracts.ids import event_id, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.tickets import Ticket, TicketMessage

type Severity = Literal["informational", "low", "medium", "high", "critical"]
"""How grave an alert is, in the order of OCSF's `severity_id` from 1 on. The same words are the levels of Sigma."""

type Status = Literal["new", "acknowledged", "in_progress", "suppressed", "resolved"]
"""How far people are with it. All but `resolved` are open."""

type Verdict = Literal[
    "false_positive", "true_positive", "disregard", "suspicious", "benign", "test", "insufficient_data",
    "security_risk", "managed_externally", "duplicate",
]  # fmt: skip
"""What it was, in the order of OCSF's `verdict_id` from 1 on."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity.__value__)
STATUSES: Final[tuple[Status, ...]] = get_args(Status.__value__)
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict.__value__)
#: Of a rule that says nothing.
DEFAULT_SEVERITY: Final[Severity] = "medium"

#: Events of which an alert knows more than that they are counted; of the first so many it knows what matched, and of
#: the first few it shows who did it, from where, and to what.
MOST_EVENTS: Final = 100
MOST_MATCHED: Final = 20
MOST_EVIDENCES: Final = 5
#: So many are counted. A rule that finds more within one alert is too broad.
MOST_COUNTED: Final = 10_000
#: What is kept of what people did and wrote.
MOST_CHANGES: Final = 200
MOST_NOTES: Final = 100
LONGEST_NOTE: Final = 4_000
LONGEST_NAME: Final = 320

#: Who makes and extends alerts.
ALERTER: Final = "alerter"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """The rule, as it was when it fired first. `tags`: Sigma's, e.g. `attack.t1098`."""

    id: str
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field, as the rule spells it, and a value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An event that a rule has matched.

    `matched`: the values by which it did. `evidence`: parts of the OCSF event that an OCSF evidence can have.
    `old`: it had happened long before it was looked at.
    """

    id: UUID
    at: datetime
    source: str
    class_uid: int
    service: str
    operation: str
    actor: str | None = None
    matched: tuple[FieldValue, ...] = ()
    evidence: Mapping[str, Any] | None = None
    old: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or a program, by the id of the principal and as people call it."""

    id: str
    name: str


def ticket_author(system: str) -> Person:
    """Who changes an alert because its ticket says so. No principal of the gateway has such an id."""
    return Person(f"ticket:{system}", system)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of an alert before and after; None: it had, or has, none."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did with an alert. `revision`: the one that it made."""

    revision: int
    at: datetime
    by: Person
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class AlertNote:
    """What somebody wrote on an alert, in plain text."""

    id: str
    at: datetime
    by: Person
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One revision of an alert.

    - `id`: see `alert_id`. `group`: what its events have in common, beside the rule.
    - `events`: the first `MOST_EVENTS` in the order in which they were found; `count`: of all, up to `MOST_COUNTED`.
    - `first_at`, `last_at`: when the earliest and the latest happened.
    - `retrospective`: all had happened long before they were looked at. Nobody is notified.
    - `services`, `operations`: of all its events, in lower case: of whom one is hidden, the alert is.
    - `created_at`, `changed_at`: of the first revision, and of this one.
    - `ticket`: what stands for it in somebody else's system. `heard`: what that has told lately, the first first.
    - `acknowledged_at`: when its status was no longer `new`, the first time. `resolved_at`: None while it is open.
    """

    id: UUID
    tenant: str
    rule: AlertRule
    group: tuple[FieldValue, ...]
    severity: Severity
    events: tuple[AlertEvent, ...]
    count: int
    first_at: datetime
    last_at: datetime
    created_at: datetime
    changed_at: datetime
    services: frozenset[str]
    operations: frozenset[str]
    retrospective: bool = False
    revision: int = 1
    status: Status = "new"
    verdict: Verdict | None = None
    assignee: Person | None = None
    ticket: Ticket | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    history: tuple[Change, ...] = field(default=())
    notes: tuple[AlertNote, ...] = field(default=())
    heard: tuple[TicketMessage, ...] = field(default=())

    @property
    def open(self) -> bool:
        """Whether somebody has still to look after it."""
        return self.status != "resolved"

    @property
    def message_id(self) -> str:
        """`Nats-Msg-Id` of this revision: `id:revision`."""
        return f"{self.id}:{self.revision}"

    @property
    def acknowledged_s(self) -> float | None:
        """Seconds from when it was raised until somebody took notice; None while nobody has."""
        return None if self.acknowledged_at is None else (self.acknowledged_at - self.created_at).total_seconds()

    @property
    def resolved_s(self) -> float | None:
        """Seconds from when it was raised until it was resolved; None while it is open."""
        return None if self.resolved_at is None else (self.resolved_at - self.created_at).total_seconds()


def alert_id(tenant: str, rule: str, group: Sequence[FieldValue], anchor: UUID, at: datetime) -> UUID:
    """The id of the alert that an event makes by a rule: the same, whoever makes it and whenever.

    `at`: when the event happened. So ids sort by the time of what has happened, as those of events do.
    """
    key = group_key(tenant, rule, group)
    return event_id(tenant, "alert", f"{key}\x1f{anchor}", to_ms(at))


def group_key(tenant: str, rule: str, group: Sequence[FieldValue]) -> str:
    """A hash of a rule, and of what events have in common, without case: 32 hexadecimal digits."""
    parts = [tenant, rule]
    for one in group:
        parts += [one.field, one.value]
    text = "".join(f"{len(part)}:{part}" for part in map(str.casefold, parts))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

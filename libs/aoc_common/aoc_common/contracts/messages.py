"""Every kind of message on the bus, in one table: where it is published, what its body is, and its headers.

`docs/reference/subjects.md` and the AsyncAPI document (`docs/reference/asyncapi.json`) are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import alert_message, dead_letters, raw, subjects, twins
from aoc_common.contracts.beats import Beat
from aoc_common.contracts.event import OCSF_VERSION, VERSION_HEADER
from aoc_common.contracts.event_message import (
    ID_HEADER,
    OPERATION_HEADER,
    SERVICE_HEADER,
    TRUNCATED_HEADER,
    UNDERSTOOD_HEADER,
)
from aoc_common.contracts.jobs import (
    BackfillJob,
    CheckJob,
    CollectJob,
    DecisionJob,
    DirectoryJob,
    ExportJob,
    NotificationJob,
    NotifyJob,
    PollJob,
    SinkJob,
    SubscriptionJob,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

type Body = type[BaseModel] | Mapping[str, Any]
"""A model, or a JSON schema where the body is not ours to define."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """A kind of message.

    - `address`: its subject, with `{placeholders}`. `stream`: the JetStream stream that takes it; None: it is for who
      listens just then.
    - `summary`: what one message is. `headers`: NATS header -> what it says; `maybe`: those that not every one has.
    """

    name: str
    stream: str | None
    address: str
    summary: str
    body: Body
    headers: Mapping[str, str] = field(default=_NONE)
    maybe: Mapping[str, str] = field(default=_NONE)


#: What stands for what in an address: placeholder -> what may stand there.
PLACEHOLDERS: Final = {
    "partition": f"part of AOC_RAW, 0 to {subjects.PARTITIONS - 1}: a hash of the tenant",
    "tenant": "short name of a tenant, `[a-z0-9-]{1,40}`",
    "source": "source of records, e.g. `graph-signins`",
    "class_uid": "OCSF class, e.g. 3002 for authentication",
    "page": "id of a raw page, 32 hexadecimal digits",
    "number": "number of a batch of a page's events, from 0",
    "severity": "`informational`, `low`, `medium`, `high` or `critical`",
    "what": "`all`, or the id of one subscription",
    "items": "digest of what was decided about which items",
    "span": "name of the span of time",
    "service": "name of a service",
    "instance": "name of a running instance",
    "sink": "name of a sink",
    "route": "name of a route of notifications",
    "alert": "id of an alert",
    "entry": "id and version of an event, `{id}-{version}`",
    "ticket": "what the answer is stored under",
    "about": "short name of a tenant, or `_installation` for what concerns none",
}

_OWNER: Final = {"Aoc-Tenant": "the tenant's short name", "Aoc-Source": "the source"}
_TRACE: Final = {"traceparent": "W3C trace context of whoever published it"}
_JOB: Final = {"Aoc-Tenant": "the tenant's short name"}

RAW_PAGE: Final = MessageType(
    name="raw page",
    stream=subjects.RAW_STREAM,
    address="aoc.raw.{partition}.{tenant}.{source}",
    summary="A page of records, byte for byte as Microsoft sent them.",
    body={"type": "array", "items": {"type": "object"}, "description": "Records of one slice, at most 512 KiB."},
    headers=_OWNER
    | {
        "Nats-Msg-Id": "the page's id: the same page of the same slice is one message",
        "Aoc-Slice": "id of the slice in the ledger",
        "Aoc-Fetched-At": "when it was fetched, ISO 8601",
    },
    maybe=_TRACE
    | {
        "Aoc-Behind": "1: of a stretch that was never collected before",
        raw.ASIDE: "1: it lay aside between Microsoft and the bus",
        raw.SEQUENCE_BEFORE: "the sequence that it had on the stream from which it was migrated",
        dead_letters.LETTER: "key of the dead letter that it was",
        dead_letters.PAGE_BEFORE: "id that it had before it was tried again in another slice",
    },
)
EVENT: Final = MessageType(
    name="event",
    stream=subjects.EVENTS_STREAM,
    address="aoc.events.{tenant}.{source}.{class_uid}",
    summary="One version of a normalised event.",
    body={
        "type": "object",
        "required": ["metadata", "class_uid", "time"],
        "description": f"An OCSF {OCSF_VERSION} event of the subject's class; `raw_data` is the record's own text.",
        "externalDocs": {"url": f"https://schema.ocsf.io/{OCSF_VERSION}/"},
    },
    headers=_OWNER
    | {
        ID_HEADER: "the event's id; of a later version `id:digest`",
        VERSION_HEADER: "number of the version, from 1",
        OPERATION_HEADER: "the operation, in printable ASCII",
    },
    maybe=_TRACE
    | {
        twins.HEADER: "id of the event that was published before and is the same action",
        twins.ADDS: "`version` or `risk`: what this one says beyond that event",
        TRUNCATED_HEADER: "1: a shorter form of an event that is larger than the server takes",
        SERVICE_HEADER: "the service, percent-encoded",
        UNDERSTOOD_HEADER: "no: no mapper knew the shape of the record",
    },
)
MARK: Final = MessageType(
    name="mark",
    stream=subjects.EVENTS_STREAM,
    address="aoc.marks.{page}.{number}",
    summary="Proves that a batch of a page's events is on the stream. Of no use to others.",
    body={"description": "Empty."},
    headers={"Nats-Msg-Id": "the page's id and the number of the batch"},
)
AUDIT_ENTRY: Final = MessageType(
    name="audit entry",
    stream=subjects.AUDIT_STREAM,
    address="aoc.audit.{about}",
    summary="An entry of AOC's own audit trail: who did what at the gateway.",
    body={
        "type": "object",
        "required": ["metadata", "class_uid", "time", "unmapped"],
        "description": f"An OCSF {OCSF_VERSION} event: sign-in 3002, change 3004, read 6005. Its SHA-256 is `previous` "
        "in the entry that follows it in its chain (`unmapped.writer` and the tenant).",
        "externalDocs": {"url": f"https://schema.ocsf.io/{OCSF_VERSION}/"},
    },
    headers={"Nats-Msg-Id": "the entry's id, `{tenant}/{writer}/{sequence}`"},
)
ALERT: Final = MessageType(
    name="alert",
    stream=subjects.ALERTS_STREAM,
    address="aoc.alerts.{tenant}.{severity}",
    summary="One revision of an alert: it was raised, has more events, or somebody worked on it.",
    body={
        "type": "object",
        "required": ["metadata", "class_uid", "time", "finding_info", "unmapped"],
        "description": f"An OCSF {OCSF_VERSION} detection finding (2004). `finding_info.uid` is the alert's id, "
        "`finding_info.related_events` has the ids of its events, and `unmapped` its revision, history and notes.",
        "externalDocs": {"url": f"https://schema.ocsf.io/{OCSF_VERSION}/classes/detection_finding"},
    },
    headers={
        ID_HEADER: "`id:revision`: each revision is one message",
        alert_message.REVISION_HEADER: "number of the revision, from 1",
        "Aoc-Tenant": "the tenant's short name",
        alert_message.RULE_HEADER: "the rule's id, in printable ASCII",
        alert_message.STATUS_HEADER: "`new`, `acknowledged`, `in_progress`, `suppressed` or `resolved`",
    },
    maybe={
        alert_message.RETROSPECTIVE_HEADER: "1: about what had happened long before it was looked at; "
        "nobody is to be notified",
    },
)
DEAD_LETTER: Final = MessageType(
    name="dead letter",
    stream=subjects.DLQ_STREAM,
    address="aoc.dlq.{service}.{tenant}",
    summary="The copy of a message that a service gave up, with the reason.",
    body={"description": "The message's own body."},
    headers={
        "Nats-Msg-Id": "the letter's key, of a message that had an id with that id",
        "Aoc-Reason": "why it was given up",
        "Aoc-Subject": "the message's own subject",
        dead_letters.LETTER: "the letter's key, by which `aoc deadletters` knows it",
    },
    maybe=_OWNER
    | {
        "Aoc-Sequence": "its sequence on its own stream",
        "Aoc-Msg-Id": "its own `Nats-Msg-Id`",
        "Aoc-Slice": "id of the slice in the ledger",
    },
)

TENANT_CHANGE: Final = MessageType(
    name="tenant change",
    stream=None,
    address="aoc.changes.tenants.{tenant}",
    summary="A tenant's settings have changed: services look at the registry now, instead of within seconds.",
    body={"description": "Empty."},
)


def _job(name: str, address: str, summary: str, body: Body) -> MessageType:
    return MessageType(
        name=f"{name} job",
        stream=subjects.JOBS_STREAM,
        address=f"aoc.jobs.{address}",
        summary=summary,
        body=body,
        headers=_JOB,
        maybe=_TRACE,
    )


#: In the order in which data passes them.
MESSAGES: Final = (
    _job("collect", "collect.{tenant}.{source}", "Fetch the live slice of a source; one waits.", CollectJob),
    _job("backlog", "backlog.{tenant}.{source}", "Fetch a slice of a source's backlog; one waits.", CollectJob),
    _job("poll", "poll.{tenant}.{source}", "Look at a source now: there is news; one waits.", PollJob),
    _job("backfill", "backfill.{tenant}.{source}.{span}", "Collect a span of time (again).", BackfillJob),
    _job("directory", "directory.{tenant}", "Bring a tenant's directory up to date; one waits.", DirectoryJob),
    _job("subscription", "subscriptions.{tenant}.{what}", "Bring a tenant's subscriptions in order.", SubscriptionJob),
    _job("decision", "decide.{tenant}.{items}", "Retry or discard what waits for a decision.", DecisionJob),
    _job("check", "check.{tenant}", "Check settings of a tenant before they are saved; one waits.", CheckJob),
    _job("sink", "sinks._installation.{ticket}", "Check, test, preview or replay a sink; it is answered.", SinkJob),
    _job("export", "export.{tenant}.{sink}.{entry}", "Send an event to a sink once more.", ExportJob),
    _job(
        "notification",
        "notifications._installation.{ticket}",
        "Test a route of notifications, or show what it would say; it is answered.",
        NotificationJob,
    ),
    _job("notify", "notify.{tenant}.{route}.{alert}", "Tell an alert by a route once more.", NotifyJob),
    TENANT_CHANGE,
    RAW_PAGE,
    EVENT,
    MARK,
    ALERT,
    AUDIT_ENTRY,
    DEAD_LETTER,
    MessageType(
        name="heartbeat",
        stream=subjects.BEATS_STREAM,
        address="aoc.beats.{service}.{instance}",
        summary="The last sign of life of one running instance of a service.",
        body=Beat,
    ),
)

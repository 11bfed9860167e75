"""An alert as an OCSF 1.8 detection finding (class 2004), as it leaves the system. Pure.

What has no home in OCSF is in `unmapped`: history, notes, what the events have in common, which values matched.
Source of the numbers: schema.ocsf.io, version 1.8.0, class detection_finding with the profile incident.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts.alert import MOST_COUNTED, SEVERITIES, VERDICTS
from aoc_common.contracts.event import OCSF_VERSION
from aoc_common.contracts.ids import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_common.contracts.alert import Alert, AlertEvent, Change, FieldValue, Person, Status
    from aoc_common.contracts.tickets import Ticket

CLASS_UID: Final = 2004
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_ACTIVITIES: Final = {_CREATE: "Create", _UPDATE: "Update", _CLOSE: "Close"}
#: OCSF has no number for acknowledged: its 99 is for what is called otherwise.
STATUS_IDS: Final[Mapping[Status, int]] = {
    "new": 1, "in_progress": 2, "suppressed": 3, "resolved": 4, "acknowledged": 99,
}  # fmt: skip
_RULE: Final = 1
#: Of a ticket: in somebody else's system.
_EXTERNAL: Final = 2
#: Sigma's names of MITRE ATT&CK's tactics -> ids (attack.mitre.org, Enterprise).
TACTICS: Final[Mapping[str, str]] = {
    "reconnaissance": "TA0043", "resource-development": "TA0042", "initial-access": "TA0001", "execution": "TA0002",
    "persistence": "TA0003", "privilege-escalation": "TA0004", "defense-evasion": "TA0005", "stealth": "TA0005",
    "credential-access": "TA0006", "discovery": "TA0007", "lateral-movement": "TA0008", "collection": "TA0009",
    "command-and-control": "TA0011", "exfiltration": "TA0010", "impact": "TA0040",
}  # fmt: skip
_TECHNIQUE: Final = re.compile(r"t\d{4}(\.\d{3})?")
#: Members of an event that an evidence can have; the schema asks for one of them at least.
_EVIDENCES: Final = ("actor", "api", "src_endpoint", "device", "file", "user")
#: Bytes of one evidence.
_LONGEST_EVIDENCE: Final = 8 * 1024


def evidence_of(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an OCSF event has of who did it, with what and from where; None where it has nothing, or too much."""
    found = {name: event[name] for name in _EVIDENCES if isinstance(event.get(name), dict) and event[name]}
    if isinstance(resources := event.get("resources"), list) and found:
        found["resources"] = resources
    for name in ("resources", "file", "user", "device", "api"):
        if len(orjson.dumps(found)) <= _LONGEST_EVIDENCE:
            break
        found.pop(name, None)
    return found if found and len(orjson.dumps(found)) <= _LONGEST_EVIDENCE else None


def finding(alert: Alert) -> dict[str, Any]:
    """The OCSF event of an alert's revision."""
    activity = _CREATE if alert.revision == 1 else _UPDATE if alert.open else _CLOSE
    evidences = [dict(event.evidence) for event in alert.events if event.evidence]
    made: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Detection Finding",
        "type_uid": CLASS_UID * 100 + activity,
        "severity_id": SEVERITIES.index(alert.severity) + 1,
        "severity": alert.severity.capitalize(),
        "status_id": STATUS_IDS[alert.status],
        "status": alert.status.replace("_", " ").title(),
        "time": to_ms(alert.changed_at),
        "start_time": to_ms(alert.first_at),
        "end_time": to_ms(alert.last_at),
        "count": alert.count,
        "is_alert": True,
        "message": message(alert),
        "metadata": _metadata(alert),
        "finding_info": _info(alert),
        "unmapped": _unmapped(alert),
    }
    if evidences:
        made["evidences"] = evidences
    if alert.verdict is not None:
        made |= {
            "verdict_id": VERDICTS.index(alert.verdict) + 1,
            "verdict": alert.verdict.replace("_", " ").title(),
        }
    if alert.assignee is not None:
        made["assignee"] = {"uid": alert.assignee.id, "name": alert.assignee.name}
    if alert.ticket is not None:
        made["tickets"] = [_ticket(alert.ticket)]
    return made


def message(alert: Alert) -> str:
    """An alert in one line."""
    number = f"{alert.count:,}{' or more' if alert.count >= MOST_COUNTED else ''}"
    events = "1 event" if alert.count == 1 else f"{number} events"
    actors = list(dict.fromkeys(event.actor for event in alert.events if event.actor))
    who = f" of {actors[0]}" + (f" and {len(actors) - 1} more" if len(actors) > 1 else "") if actors else ""
    return f"{alert.rule.title}: {events}{who}"


def attacks(tags: tuple[str, ...]) -> list[dict[str, Any]]:
    """OCSF's `attacks` of the tags of a Sigma rule: techniques, or tactics where no technique is named."""
    names = [tag.lower().removeprefix("attack.") for tag in tags if tag.lower().startswith("attack.")]
    tactics = [
        {"name": name.replace("_", "-").replace("-", " ").title(), "uid": TACTICS[name.replace("_", "-")]}
        for name in names
        if name.replace("_", "-") in TACTICS
    ]
    made: list[dict[str, Any]] = []
    for name in names:
        if _TECHNIQUE.fullmatch(name):
            parent, _, part = name.upper().partition(".")
            attack: dict[str, Any] = {"technique": {"uid": parent}}
            if part:
                attack["sub_technique"] = {"uid": name.upper()}
            made.append(attack)
    if made and tactics:
        made = [{**attack, "tactics": tactics} for attack in made]
    return made or [{"tactic": tactic} for tactic in tactics]


def _metadata(alert: Alert) -> dict[str, Any]:
    return {
        "version": OCSF_VERSION,
        "profiles": ["incident"],
        "product": {"name": "AOC", "vendor_name": "AOC"},
        "uid": alert.message_id,
        "tenant_uid": alert.tenant,
        "event_code": alert.rule.id,
        "logged_time": to_ms(alert.created_at),
        "modified_time": to_ms(alert.changed_at),
        "labels": list(_labels(alert)),
    }


def _labels(alert: Alert) -> Iterator[str]:
    yield f"revision:{alert.revision}"
    if alert.retrospective:
        yield "retrospective"


def _info(alert: Alert) -> dict[str, Any]:
    rule = alert.rule
    info: dict[str, Any] = {
        "uid": str(alert.id),
        "title": rule.title,
        "types": ["Sigma rule"],
        "analytic": {"type_id": _RULE, "type": "Rule", "uid": rule.id, "name": rule.title},
        "created_time": to_ms(alert.created_at),
        "modified_time": to_ms(alert.changed_at),
        "first_seen_time": to_ms(alert.first_at),
        "last_seen_time": to_ms(alert.last_at),
        "data_sources": sorted({event.source for event in alert.events}),
        "related_events": [_related(event) for event in alert.events],
        "related_events_count": alert.count,
    }
    if rule.description:
        info["desc"] = rule.description
    if found := attacks(rule.tags):
        info["attacks"] = found
    return info


def _related(event: AlertEvent) -> dict[str, Any]:
    made: dict[str, Any] = {"uid": str(event.id), "first_seen_time": to_ms(event.at), "type": event.operation}
    if event.matched:
        made["observables"] = [
            {"name": one.field, "value": one.value, "type_id": 99, "type": "Matched value"} for one in event.matched
        ]
    return made


def _unmapped(alert: Alert) -> dict[str, Any]:
    return {
        "revision": alert.revision,
        "retrospective": alert.retrospective,
        "rule": {"id": alert.rule.id, "tags": list(alert.rule.tags), "references": list(alert.rule.references)},
        "group": [_field_value(one) for one in alert.group],
        "history": [_change(one) for one in alert.history],
        "notes": [
            {"id": note.id, "at": note.at.isoformat(), "by": _person(note.by), "text": note.text}
            for note in alert.notes
        ],
        "ticket_system": alert.ticket and alert.ticket.system,
        "acknowledged_s": alert.acknowledged_s,
        "resolved_s": alert.resolved_s,
    }


def _field_value(one: FieldValue) -> dict[str, str]:
    return {"field": one.field, "value": one.value}


def _person(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    made: dict[str, Any] = {"uid": ticket.id, "type_id": _EXTERNAL, "type": "External"}
    return made if ticket.url is None else {**made, "src_url": ticket.url}


def _change(change: Change) -> dict[str, Any]:
    return {
        "revision": change.revision,
        "at": change.at.isoformat(),
        "by": _person(change.by),
        "fields": [{"field": one.field, "old": one.old, "new": one.new} for one in change.fields],
    }

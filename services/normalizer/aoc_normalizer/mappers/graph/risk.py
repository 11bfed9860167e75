"""Identity Protection: risk detections of users and service principals, and who is at risk.

A detection is one event, and its changes are versions of it. Who is at risk has one state at a time: each is an event.
Sources: graph-docs, resources/riskdetection.md, riskyuser.md, serviceprincipalriskdetection.md,
riskyserviceprincipal.md.
"""

from __future__ import annotations

import re
from typing import Any, Final

from aoc_normalizer.draft import MEDIUM, SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.shared import location, severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

_SERVICE: Final = "service principal"
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: OCSF: create, update, close.
_CREATED: Final = 1
_UPDATED: Final = 2
_CLOSED: Final = 3
_OVER: Final = frozenset({"remediated", "dismissed", "confirmedsafe"})
#: Details that say nothing.
_NO_DETAIL: Final = frozenset({"none", "hidden", "unknownfuturevalue"})


def recognises(record: Record) -> bool:
    """Risk has a level and a state."""
    return "riskLevel" in record and "riskState" in record


def fill(record: Record, draft: Draft) -> None:
    """A detection, or somebody's risk as it stands at its last update."""
    draft.used |= {"id", "riskLevel", "riskState", "riskEventType", "userId", "userPrincipalName", "userDisplayName"}
    draft.used |= {"servicePrincipalId", "servicePrincipalDisplayName", "ipAddress", "correlationId"}
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID Protection", "entra", "Risk"
    draft.record_id = values.text(record.get("id"))
    draft.original_time = values.first(
        record, "activityDateTime", "detectedDateTime", "riskLastUpdatedDateTime", "lastUpdatedDateTime"
    )
    draft.time_ms = times.parse_ms(draft.original_time)
    updated = values.first(record, "riskLastUpdatedDateTime", "lastUpdatedDateTime")
    kind = values.first(record, "riskEventType", "riskType")
    draft.family = "risk"
    if updated and draft.record_id:
        draft.former.append((f"risk@{updated}", draft.record_id))
    draft.operation = kind or ("Risky user" if "servicePrincipalType" not in record else "Risky service principal")
    level = _word(record.get("riskLevel"))
    draft.severity = severity_of(level, MEDIUM)
    state = _word(record.get("riskState"))
    over = (state or "").casefold() in _OVER
    draft.class_uid, draft.activity_id = DETECTION_FINDING, _CLOSED if over else _CREATED if kind else _UPDATED
    draft.result = "success"
    draft.actor = _who(record, detected=kind is not None)
    draft.correlation_id = values.text(record.get("correlationId"))
    draft.user_agent = values.pair(record.get("additionalInfo"), "useragent")
    if request := values.text(record.get("requestId")):
        draft.search.append(request)
    draft.app = Party(uid=values.text(record.get("appId")), kind="application")
    draft.address = addresses.parse(record.get("ipAddress"))
    draft.location = location(record.get("location"))
    draft.targets = [Party(draft.operation, kind="alert"), draft.actor]
    standing = f"level {level or 'unknown'}, {_standing(state)}{_detail(record)}"
    what = f"{_words(kind)}{_place(draft)}, " if kind else ""
    draft.search += [text for text in (kind, state) if text]
    who = "a service principal" if draft.actor.kind == _SERVICE else "a user"
    draft.sentence = lambda done: f"Risk of {done.actor.spoken if done.actor.known else who}: {what}{standing}"


def _words(value: str) -> str:
    """`atRisk` as `at risk`, `anonymizedIPAddress` as `anonymized IP address`."""
    words = _CAMEL.sub(" ", value).split()
    return " ".join(word if word.isupper() else word.lower() for word in words)


def _standing(state: str | None) -> str:
    return _words(state) if state and state != "none" else f"state {state or 'unknown'}"


def _place(draft: Draft) -> str:
    """` from 203.0.113.9 (Lagos)`."""
    if draft.address is None:
        return ""
    city = (draft.location or {}).get("city") or (draft.location or {}).get("country")
    return f" from {draft.address.ip}" + (f" ({city})" if city else "")


def _detail(record: Record) -> str:
    """How a state came about, e.g. ` (user performed secured password reset)`."""
    detail = values.text(record.get("riskDetail"))
    return f" ({_words(detail)})" if detail and detail.casefold() not in _NO_DETAIL else ""


def _who(record: Record, *, detected: bool) -> Party:
    """The user or the service principal at risk; without a detection, the record's own id is theirs."""
    name = values.first(record, "servicePrincipalDisplayName", "servicePrincipalName")
    uid = values.text(record.get("servicePrincipalId"))
    if name or uid:
        return Party(name, uid=uid, kind=_SERVICE, user_type=SERVICE)
    if "servicePrincipalType" in record:  # a risky service principal: the record's id is its own
        return Party(values.text(record.get("displayName")), None, values.text(record.get("id")), _SERVICE, SERVICE)
    upn = values.text(record.get("userPrincipalName"))
    return Party(
        values.text(record.get("userDisplayName")),
        upn.lower() if upn else None,
        values.text(record.get("userId")) or (None if detected else values.text(record.get("id"))),
        "user",
    )


def _word(value: Any) -> str | None:
    """A level or state; here `none` says something."""
    return "none" if value == "none" else values.text(value)


MAPPER: Final = Mapper("risk", 5, recognises, fill)

"""Defender alerts (`alerts_v2`, and the older `alerts`) and incidents."""

from __future__ import annotations

from functools import partial
from typing import Final

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

_MAX_EVIDENCE: Final = 100
_STATES: Final = {"new": 1, "newalert": 1, "active": 1, "inprogress": 2, "resolved": 3, "closed": 3, "dismissed": 3}

#: A verdict or a person that nobody has given yet, without blanks and case.
_UNDECIDED: Final = frozenset({"unknown", "unknownfuturevalue", "notset", "unassigned", "none", "notavailable"})


def recognises(record: Record) -> bool:
    """An alert or incident has a severity and a title or name, and a life of its own."""
    return (
        "severity" in record
        and ("title" in record or "displayName" in record)
        and ("createdDateTime" in record or "lastUpdateDateTime" in record)
    )


def fill(record: Record, draft: Draft) -> None:
    """Title, severity, state, and who and what is in the evidence. An update of an alert is a version of its event."""
    draft.used |= {"id", "title", "displayName", "severity", "status", "createdDateTime", "lastUpdateDateTime"}
    draft.product = values.first(record, "productName", "serviceSource") or "Microsoft Defender XDR"
    draft.service, draft.log_name = "defender", "Security alerts"
    draft.record_id = values.text(record.get("id"))
    updated = values.first(record, "lastUpdateDateTime", "lastModifiedDateTime")
    draft.family = "alert"
    if updated and draft.record_id:
        draft.former.append((f"alert@{updated}", draft.record_id))
    draft.original_time = values.first(record, "createdDateTime", "eventDateTime", "lastUpdateDateTime")
    draft.time_ms = times.parse_ms(draft.original_time)
    status = (values.text(record.get("status")) or "").casefold()
    title = values.first(record, "title", "displayName") or "Untitled alert"
    incident = "incidentWebUrl" in record or "incident" in str(record.get("@odata.type")).casefold()
    draft.operation = "Incident" if incident else "Alert"
    draft.class_uid, draft.activity_id = DETECTION_FINDING, _STATES.get(status, 1)
    draft.severity = severity_of(values.text(record.get("severity")), MEDIUM)
    draft.result = "success"
    draft.correlation_id = values.text(record.get("incidentId"))
    draft.targets = [Party(title, uid=draft.record_id, kind="alert")]
    _evidence(record, draft)
    draft.remark = _standing(record, status)
    draft.sentence = partial(_sentence, title)


def _standing(record: Record, status: str) -> str:
    """`active, assigned to kim@..., truePositive (multiStagedAttack)`."""
    assigned, verdict, finding = (_given(record, name) for name in ("assignedTo", "classification", "determination"))
    parts = (
        status if _is_given(status) else None,
        f"assigned to {assigned}" if assigned else None,
        f"{verdict} ({finding})" if verdict and finding else verdict,
    )
    return ", ".join(part for part in parts if part)


def _given(record: Record, name: str) -> str | None:
    text = values.text(record.get(name))
    return text if text and _is_given(text) else None


def _is_given(text: str) -> bool:
    return text.replace(" ", "").casefold() not in _UNDECIDED


def _sentence(title: str, draft: Draft) -> str:
    about = next((target.spoken for target in draft.targets[1:] if target.known), None)
    return (
        f"{draft.operation}: {title}" + (f" ({about})" if about else "") + (f", {draft.remark}" if draft.remark else "")
    )


def _evidence(record: Record, draft: Draft) -> None:
    listed = values.objects(record.get("evidence"))
    for alert in values.objects(record.get("alerts")):
        draft.targets.append(Party(values.text(alert.get("title")), uid=values.text(alert.get("id")), kind="alert"))
        listed += values.objects(alert.get("evidence"))
    states = values.objects(record.get("userStates"))
    if max(len(listed), len(states)) > _MAX_EVIDENCE:
        draft.tags.append("truncated")
    for item in listed[:_MAX_EVIDENCE]:
        account = values.mapping(item.get("userAccount"))
        if who := values.first(account, "userPrincipalName", "accountName") or values.text(item.get("primaryAddress")):
            found = named_party(who)
            draft.targets.append(found)
            draft.actor = draft.actor if draft.actor.known else found
        if draft.address is None:
            draft.address = addresses.parse(item.get("ipAddress"))
        if name := values.first(item, "deviceDnsName", "displayName", "fileName", "url", "subject"):
            draft.targets.append(Party(name, kind="evidence"))
    for state in states[:_MAX_EVIDENCE]:
        if who := values.first(state, "userPrincipalName", "accountName"):
            draft.targets.append(named_party(who))


MAPPER: Final = Mapper("alerts", 4, recognises, fill)

"""Purview and Defender in the unified log: data loss prevention, alerts, threats in mail and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import addresses, values
from aoc_normalizer.mappers.base import named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_TYPES: Final = 10
_CREATED: Final = 1
#: Who "acts" in a record that a system wrote about a person.
_AGENTS: Final = frozenset({"dlpagent", "securitycompliancealerts", "securitycomplianceinsights"})


def fill(record: Record, draft: Draft) -> None:
    """The rule, alert, mail or search that the record is about."""
    if draft.class_uid == DETECTION_FINDING or "AlertId" in record or "PolicyDetails" in record:
        _finding(record, draft)
        return
    for name, uid, kind in (
        ("Subject", "InternetMessageId", "message"),
        ("FileName", "SHA256", "file"),
        ("Url", "", "url"),
        ("InvestigationName", "InvestigationId", "investigation"),
        ("Case", "CaseId", "case"),
        ("SearchName", "ObjectId", "search"),
        ("Name", "ObjectId", "object"),
    ):
        if (text := values.text(record.get(name))) is not None:
            draft.targets = [Party(text, uid=values.text(record.get(uid)), kind=kind)]
            draft.used |= {name, uid}
            break
    draft.targets += [named_party(to, "mailbox") for to in _texts(record.get("Recipients"))]
    draft.search += _texts(record.get("NetworkMessageId"))
    if sender := values.text(record.get("P2Sender")):
        draft.targets.append(named_party(sender, "sender"))
    draft.address = draft.address or addresses.parse(record.get("SenderIp") or record.get("UserIp"))


def _finding(record: Record, draft: Draft) -> None:
    if draft.class_uid != DETECTION_FINDING:
        draft.class_uid, draft.activity_id = DETECTION_FINDING, 2
    draft.used |= {"AlertId", "Name", "Severity", "EntityId", "AlertEntityId"}
    policy = next(iter(values.objects(record.get("PolicyDetails"))), {})
    rule = next(iter(values.objects(policy.get("Rules"))), {})
    title = (
        values.first(rule, "RuleName")
        or values.first(record, "Name", "AlertName", "Title")
        or values.first(policy, "PolicyName")
    )
    draft.severity = severity_of(values.first(record, "Severity") or values.first(rule, "Severity"), MEDIUM)
    found = draft.targets
    if title:
        draft.targets = [Party(name=title, uid=values.first(record, "AlertId", "IncidentId"), kind="alert"), *found]
    _item(record, draft)
    _entity(record, draft)
    if draft.activity_id == _CREATED:
        _matched(rule, draft)
    if policy:
        draft.search += [text for text in (values.text(policy.get("PolicyName")),) if text]


def _item(record: Record, draft: Draft) -> None:
    """The mail or file, and its owner: an agent only reports."""
    mail, file = values.mapping(record.get("ExchangeMetaData")), values.mapping(record.get("SharePointMetaData"))
    endpoint = values.mapping(record.get("EndpointMetaData"))
    if subject := values.first(file, "FileName") or values.first(mail, "Subject"):
        uid = values.first(file, "FilePathUrl") or values.first(mail, "MessageID")
        draft.targets.append(Party(name=subject, uid=uid, kind="file"))
    draft.targets += [named_party(to, "mailbox") for to in _texts(mail.get("To"))[:20]]
    owner = values.first(mail, "From") or values.first(file, "From", "FileOwner") or values.first(endpoint, "User")
    if owner and (draft.actor.label or "").casefold() in _AGENTS:
        draft.actor = named_party(owner)


def _entity(record: Record, draft: Draft) -> None:
    entity = values.first(record, "EntityId", "AlertEntityId")
    if entity:
        draft.targets.append(named_party(entity, "entity"))
    data = values.mapping(record.get("Data"))
    who = values.first(data, "f3u", "tsd", "trc")
    if who and who != entity:
        draft.targets.append(named_party(who))
    about = who or entity
    if record.get("AlertId") is None or about is None:
        return
    draft.remark = f"about {about}"
    if (draft.actor.label or "").casefold() in _AGENTS and values.is_email(about):
        # Whoever looks for what a person was part of must find the alerts about them; the agent only reports.
        title = draft.targets[0].spoken if draft.targets else "an alert"
        text = _CAMEL.sub(" ", draft.operation).capitalize()
        draft.actor = named_party(about)
        draft.sentence = lambda done: f"{text}: {title}, about {done.actor.spoken}"


def _matched(rule: Record, draft: Draft) -> None:
    """`12 x Credit Card Number; blocked access`: what a rule found, and what it did."""
    conditions = values.mapping(rule.get("ConditionsMatched"))
    types = [
        f"{values.text(item.get('Count')) or '?'} x {name}"
        for item in values.objects(conditions.get("SensitiveInformation"))[:_MAX_TYPES]
        if (name := values.text(item.get("SensitiveInformationTypeName")))
    ]
    actions = _texts(rule.get("Actions"))
    text = ", ".join(types) + (f"; did {', '.join(actions)}" if actions else "")
    if text:
        draft.remark = f"found {text}" if types else text.removeprefix("; ")


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for item in listed if (text := values.text(item)) is not None]

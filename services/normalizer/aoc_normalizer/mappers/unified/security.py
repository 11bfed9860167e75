"""Purview and Defender in the unified log: data loss prevention, alerts, threats in mail and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import addresses, evidence, values
from aoc_normalizer.mappers.base import named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_normalizer.mappers.base import Record

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_TYPES: Final = 10
_CREATED: Final = 1
#: Short names in an alert's `Data` (seen in public records): person, entity, user, recipients, sender.
_WHO: Final = ("f3u", "eid", "suid", "trc", "to", "tsd", "mfrm")
#: ... by how likely it is that the alert is about them: a person of the tenant before the sender of a mail.
_ABOUT: Final = ("f3u", "suid", "trc", "eid", "to", "tsd", "mfrm")
#: ... and subject, address of the sender, detection, link, rule, policy, file.
_SEARCHED: Final = ("ms", "sip", "ecip", "op", "zu", "dm", "drn", "dpn", "ofph", "imsgid")
#: Who "acts" in a record that a system wrote about a person.
_AGENTS: Final = ("dlpagent", "dlppolicy", "securitycompliancealerts", "securitycomplianceinsights")


def fill(record: Record, draft: Draft) -> None:
    """The rule, alert, mail or search that the record is about."""
    if "AlertDisplayName" in record:
        _cloud_app_alert(record, draft)
        return
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
    _search(record, draft)
    if device := values.first(record, "DeviceName", "MachineName"):
        draft.targets.append(Party(device, uid=values.first(record, "DeviceId", "MachineId"), kind="device"))
        draft.used |= {"DeviceName", "DeviceId", "MachineName", "MachineId"}
    if said := values.text(record.get("ActionComment")):
        draft.remark = f"\N{LEFT DOUBLE QUOTATION MARK}{said}\N{RIGHT DOUBLE QUOTATION MARK}"
    released = _texts(record.get("ReleaseTo"))
    if released:
        draft.remark = f"to {listed_few(released)}"
        draft.used.add("ReleaseTo")
    recipients = _texts(record.get("Recipients"))
    draft.targets += [named_party(to, "mailbox") for to in (*recipients, *released)]
    _threat(values.mapping(record.get("FileData")), draft)
    draft.search += _texts(record.get("NetworkMessageId"))
    if sender := values.text(record.get("P2Sender")):
        draft.targets.append(named_party(sender, "sender"))
        if draft.remark is None:
            draft.remark = f"from {sender}" + (f" to {listed_few(recipients)}" if recipients else "")
    draft.address = draft.address or addresses.parse(record.get("SenderIp") or record.get("UserIp"))


def _search(record: Record, draft: Draft) -> None:
    """A content search before the case that it is of: `exported content search HR, of case 12`."""
    name, case = values.first(record, "SearchName", "ObjectId"), values.first(record, "Case", "CaseName")
    if not draft.operation.casefold().startswith(("search", "viewedsearch")) or name is None or case is None:
        return
    # Some name it `case\search`.
    party = Party(name.rpartition("\\")[2] or name, uid=values.text(record.get("ObjectId")), kind="search")
    draft.targets = [party, *(target for target in draft.targets if target.kind == "case")]
    draft.remark = f"of case {case}"


def _threat(file: Mapping[str, Any], draft: Draft) -> None:
    """A file in which a threat was found. Its record calls the file's last editor its user, who found nothing."""
    name = values.first(file, "FileName")
    if name is None:
        return
    draft.targets.insert(0, Party(name, uid=values.first(file, "SHA256", "FilePath"), kind="file"))
    draft.search += [text for key in ("SHA256", "FilePath") if (text := values.text(file.get(key)))]
    family = values.first(file, "MalwareFamily")
    draft.search += [family] if family else []
    editor = f", last changed by {draft.actor.spoken}" if draft.actor.known else ""
    draft.sentence = lambda _done: f"Threat found in file {name}{editor}" + (f": {family}" if family else "")


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
        draft.words["item"] = f"file {subject}" if "FileName" in file else f"mail {subject}"
    draft.targets += [named_party(to, "mailbox") for to in _texts(mail.get("To"))[:20]]
    owner = values.first(mail, "From") or values.first(file, "From", "FileOwner") or values.first(endpoint, "User")
    if owner and _is_agent(draft):
        draft.actor = named_party(owner)


def _cloud_app_alert(record: Record, draft: Draft) -> None:
    """An alert of Defender for Cloud Apps (record type 98): about one person and several addresses."""
    draft.class_uid, draft.activity_id = DETECTION_FINDING, _CREATED
    draft.used |= {"AlertDisplayName", "AlertDescription", "AlertSeverity", "AlertUri", "ClientIPs", "Applications"}
    title = values.text(record.get("AlertDisplayName")) or draft.operation
    draft.severity = severity_of(values.text(record.get("AlertSeverity")), MEDIUM)
    draft.targets = [Party(title, uid=values.text(record.get("ObjectId")), kind="alert")]
    apps = [
        name for app in values.objects(record.get("Applications"))[:_MAX_TYPES] if (name := values.first(app, "Name"))
    ]
    draft.targets += [Party(name, kind="service") for name in apps]
    draft.parameters = [
        (name, text)
        for name in ("AlertCategory", "AlertDescription", "AlertUri")
        if (text := values.text(record.get(name))) is not None
    ]
    draft.search += [one.ip for one in evidence.several(record)]
    draft.search += [text for _, text in draft.parameters]
    about = f" ({draft.actor.spoken})" if draft.actor.known else ""
    draft.sentence = lambda _done: f"Alert: {title}{about}"


def _entity(record: Record, draft: Draft) -> None:
    """Whom an alert is about: its entity, and who sent what to whom from where (`Data`, JSON of short names)."""
    entity = values.first(record, "EntityId", "AlertEntityId")
    about = [named_party(entity, "entity")] if entity else []
    data = values.mapping(record.get("Data"))
    people = {name: found for name in _WHO for found in _people(data, name)}
    about += people.values()
    for party in about:
        if all(party[:3] != one[:3] and not (party.upn and party.upn == one.upn) for one in draft.targets):
            draft.targets.append(party)
    draft.search += [text for name in _SEARCHED if (text := values.text(data.get(name)))]
    draft.address = draft.address or addresses.parse(data.get("sip")) or addresses.parse(data.get("ecip"))
    if record.get("AlertId") is None or not about:
        return
    # A person of the tenant before the sender of a mail, and either before what has no address.
    first = next((people[name] for name in _ABOUT if name in people and people[name].upn), None)
    first = first or next((party for party in about if party.upn), about[0])
    draft.remark = f"about {first.spoken}"
    if _is_agent(draft) and first.upn:
        # Whoever looks for what a person was part of must find the alerts about them; the agent only reports.
        title = draft.targets[0].spoken if draft.targets else "an alert"
        text = _CAMEL.sub(" ", draft.operation).capitalize()
        draft.actor = first._replace(kind="user")
        subject = values.text(data.get("ms"))
        mail = f", \N{LEFT DOUBLE QUOTATION MARK}{subject}\N{RIGHT DOUBLE QUOTATION MARK}" if subject else ""
        draft.sentence = lambda done: f"{text}: {title}, about {done.actor.spoken}{mail}"


def _is_agent(draft: Draft) -> bool:
    """Whether whoever the record names only reported it."""
    return (draft.actor.label or "").casefold().startswith(_AGENTS)


def _people(data: Mapping[str, Any], name: str) -> list[Party]:
    """The first of the people whom a field of `Data` names; an entity is one where the record says so."""
    text = values.text(data.get(name))
    if text is None or (name == "eid" and data.get("etype") != "User"):
        return []
    return [named_party(text.partition(";")[0].strip())]


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

"""Advanced hunting: what Defender XDR streams (`AdvancedHunting-DeviceNetworkEvents`, ...), and its portal's exports.

Source: defender-docs, advanced-hunting-schema-tables.md: a ReportId is unique only together with device and time.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_normalizer.draft import MEDIUM, Address, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.canonical import instant
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import hunting_tables
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.shared import location, severity_of
from aoc_normalizer.ocsf_classes import API_ACTIVITY, AUTHENTICATION, DETECTION_FINDING, OTHER

if TYPE_CHECKING:
    from aoc_common.contracts.results import Result

_PREFIX: Final = "AdvancedHunting-"
_USED: Final = frozenset({"category", "operationName", "properties", "time"})
_INNER: Final = frozenset(
    {"ActionType", "Timestamp", "ReportId", "AccountUpn", "AccountName", "AccountObjectId", "DeviceName", "DeviceId"}
)
#: Where a row says who acted; what started a process acts for somebody.
_ACTORS: Final = (
    ("AccountUpn", "AccountName", "AccountObjectId"),
    ("InitiatingProcessAccountUpn", "InitiatingProcessAccountName", "InitiatingProcessAccountObjectId"),
    ("SenderFromAddress", "SenderDisplayName", "SenderObjectId"),
    ("AccountDisplayName", "Account", "AccountId"),
)
_ADDRESSES: Final = (
    ("LocalIP", "LocalPort"),
    ("IPAddress", "Port"),
    ("PublicIP", ""),
    ("SenderIPv4", ""),
    ("SenderIPv6", ""),
    ("RequestSourceIP", "RequestSourcePort"),
    ("RemoteIP", "RemotePort"),
)
#: As the stream, the portal's export and Kusto's CSV have it.
_YES: Final = frozenset({"True", "true", "1"})
_THREATS: Final = ("ThreatTypes", "ThreatNames", "DetectionMethods")
_REMOTE: Final = ("RemoteIP", "RemotePort")
#: Kinds of targets that a sentence names, each after a word for it.
_NAMED: Final = (
    ("file", "file"), ("registry key", "key"), ("message", "message"), ("resource", "resource"), ("url", "URL"),
    ("account", "account"), ("object", "object"),
)  # fmt: skip
_OF_A_ROW: Final = frozenset({"DeviceId", "ApplicationId", "ReportId", "ReportId_long"})
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_AUTHENTICATIONS: Final = frozenset({"IdentityLogonEvents", "DeviceLogonEvents"})
_ALERTS: Final = frozenset({"AlertInfo", "AlertEvidence"})
_MAILS: Final = frozenset({"EmailEvents", "EmailPostDeliveryEvents", "EmailAttachmentInfo"})
#: The table of changes in a directory, where what was reached is a domain controller.
_DIRECTORY: Final = "IdentityDirectoryEvents"
#: What `AdditionalFields` name of a change of a group.
_OF_GROUPS: Final = (("TO.GROUP", "to group"), ("FROM.GROUP", "from group"))


def recognises(record: Record) -> bool:
    """An envelope whose category names a table, or a bare row as a query of the portal exports it."""
    category = record.get("category")
    if isinstance(category, str) and category.startswith(_PREFIX) and "properties" in record:
        return True
    if "Timestamp" not in record or "properties" in record:
        return False
    if "ActionType" in record and not _OF_A_ROW.isdisjoint(record):
        return True
    return hunting_tables.table_of(record) is not None


def _unwrapped(record: Record) -> tuple[Record, str, str]:
    """The row, the table that it is from, and what older versions of AOC took that for.

    A bare row does not say; its columns do.
    """
    category = values.text(record.get("category")) or ""
    if category.startswith(_PREFIX):
        table = category.removeprefix(_PREFIX)
        return dict(values.mapping(record.get("properties"))), table, table
    bare = renamed(record, {name: name.removesuffix("_long").removesuffix("_string") for name in record})
    before = "CloudAppEvents" if "ApplicationId" in bare else "DeviceEvents" if "DeviceId" in bare else "Events"
    return bare, hunting_tables.table_of(bare) or before, before


def fill(record: Record, draft: Draft) -> None:
    """One row: who, what, on which device, with what."""
    row, table, before = _unwrapped(record)
    draft.used |= _USED | _INNER
    if "properties" in record:
        draft.rest = {name: value for name, value in row.items() if name not in _INNER}
    draft.content = {**row, "category": table}
    draft.product, draft.service, draft.log_name = "Microsoft Defender XDR", "defender", table
    draft.organisation = values.text(record.get("tenantId"))
    draft.original_time = values.text(row.get("Timestamp")) or values.text(record.get("time"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.family = f"hunting-{table.casefold()}"
    draft.record_id = _identity(row, draft.original_time and instant(draft.original_time))
    if (as_spelt := _identity(row, draft.original_time)) is not None and as_spelt != draft.record_id:
        draft.former.append((draft.family, as_spelt))
    if before != table and draft.record_id is not None:
        draft.former.append((f"hunting-{before.casefold()}", draft.record_id))
    delivery = values.text(row.get("DeliveryAction"))
    operation = values.first(row, "ActionType", "OperationName") or (f"Email {delivery}" if delivery else table)
    draft.operation = spelling.folded(operation)
    draft.spelt = operation if operation != draft.operation else None
    draft.result = _result(row, draft.operation)
    draft.class_uid, draft.activity_id = API_ACTIVITY, OTHER
    if table in _AUTHENTICATIONS and "logon" in draft.operation.casefold():
        draft.class_uid, draft.activity_id = AUTHENTICATION, 1
    elif table in _ALERTS:
        draft.class_uid, draft.activity_id = DETECTION_FINDING, 1
        draft.severity = severity_of(values.text(row.get("Severity")), MEDIUM)
    if values.text(row.get("ThreatTypes")):
        draft.severity = max(draft.severity, MEDIUM)
        draft.search += [text for name in _THREATS if (text := values.text(row.get(name)))]
    draft.actor = _actor(row)
    draft.address = _address(row, remote=table in _AUTHENTICATIONS or draft.operation.casefold().startswith("inbound"))
    draft.status_detail = values.text(row.get("FailureReason"))
    city, country = values.text(row.get("City")), values.first(row, "CountryCode", "Location")
    draft.location = location({"city": city, "countryOrRegion": country}) if draft.address else None
    draft.user_agent = values.text(row.get("UserAgent"))
    draft.app = Party(values.first(row, "Application", "InitiatingProcessFileName"), kind="application")
    draft.targets = _targets(row)
    draft.search += [
        found for fact, _ in _OF_GROUPS if (found := values.text(values.mapping(row.get("AdditionalFields")).get(fact)))
    ]
    draft.search += [found for name in ("SHA256", "SHA1", "MD5", "AlertId") if (found := values.text(row.get(name)))]
    draft.sentence = partial(_sentence, row, table)


def _identity(row: Record, time: str | None) -> str | None:
    report, device = values.text(row.get("ReportId")), values.first(row, "DeviceId", "DeviceName")
    return "|".join(part for part in (device, report, time) if part) if report else None


def _result(row: Record, operation: str) -> Result:
    folded = operation.casefold()
    if folded.endswith(("failed", "blocked")):
        return "failure"
    if folded.endswith(("success", "accepted", "succeeded")):
        return "success"
    return of_word(values.first(row, "DeliveryAction", "ActionResult"))


def _actor(row: Record) -> Party:
    for address, name, uid in _ACTORS:
        who = values.first(row, address, name)
        if who is not None:
            party = named_party(who)
            upn = party.upn or named_party(values.text(row.get(uid))).upn
            own = values.first(row, uid, "AccountObjectId")
            return Party(values.text(row.get(name)) or party.name, upn, None if own == upn else own, "user")
    logged_on = next(iter(values.objects(row.get("LoggedOnUsers"))), {})
    return Party(name=values.text(logged_on.get("UserName")), uid=values.text(logged_on.get("Sid")), kind="user")


def _address(row: Record, *, remote: bool) -> Address | None:
    """Where it came from: of what was done to this device that is the other side."""
    for name, port_name in (_REMOTE, *_ADDRESSES) if remote else _ADDRESSES:
        found = addresses.parse((values.text(row.get(name)) or "").split(",")[0])
        if found is not None:
            port = values.text(row.get(port_name)) if port_name else None
            number = int(port) if port and port.isascii() and port.isdigit() and len(port) <= 5 else None  # noqa: PLR2004
            return Address(found.ip, found.port or number)
    return None


def _targets(row: Record) -> list[Party]:
    found = [
        Party(values.text(row.get("Title")), uid=values.text(row.get("AlertId")), kind="alert"),
        Party(values.text(row.get("DeviceName")), uid=values.text(row.get("DeviceId")), kind="device"),
        Party(
            values.first(row, "FileName", "ProcessCommandLine"), uid=values.first(row, "SHA256", "SHA1"), kind="file"
        ),
        Party(_endpoint(row), kind="endpoint"),
        Party(values.first(row, "Url"), kind="url"),
        named_party(values.first(row, "TargetAccountUpn", "TargetAccountDisplayName"), "account"),
        Party(values.text(row.get("ObjectName")), uid=values.text(row.get("ObjectId")), kind="object"),
        Party(values.text(row.get("RegistryKey")), kind="registry key"),
        Party(values.text(row.get("AzureResourceId")), kind="resource"),
        named_party(values.text(row.get("RecipientEmailAddress")), "mailbox"),
        Party(values.text(row.get("Subject")), uid=values.text(row.get("NetworkMessageId")), kind="message"),
    ]
    return [party for party in found if party.known]


def _endpoint(row: Record) -> str | None:
    """What was reached. Of a logon the remote address is where it came from."""
    if "LogonType" in row:
        return values.first(row, "DestinationDeviceName", "TargetDeviceName")
    return values.first(row, "RemoteUrl", "RemoteIP", "DestinationDeviceName", "QueryTarget", "TargetDeviceName")


def _logon(draft: Draft) -> str:
    """`Logon of kim from 203.0.113.9 failed on pc-7: InvalidUserNameOrPassword`."""
    by = {party.kind: party.spoken for party in reversed(draft.targets)}
    text = f"Logon of {draft.actor.spoken}" + (f" from {draft.address.ip}" if draft.address else "")
    text += {"success": " succeeded", "failure": " failed"}.get(draft.result, " was tried")
    text += f" on {by['device']}" if "device" in by else ""
    text += f" to {by['endpoint']}" if "endpoint" in by else ""
    return text + (f": {draft.status_detail}" if draft.status_detail else "")


def _click(row: Record, draft: Draft) -> str:
    """`Kim clicked https://..., allowed: Phish, and went on to it`."""
    fate = _WORDS.sub(" ", draft.operation.removeprefix("Click")).lower().strip()
    who = draft.actor.spoken if draft.actor.known else "Somebody"
    text = f"{who} clicked {values.text(row.get('Url')) or 'a link'}"
    text += f", {fate}" if fate else ""
    text += f": {threats}" if (threats := values.text(row.get("ThreatTypes"))) else ""
    return text + (", and went on to it" if values.text(row.get("IsClickedThrough")) in _YES else "")


def _who(draft: Draft, table: str) -> str:
    """Who acted; of a mail's sender the address, since anybody can write any name beside it."""
    upn, name = draft.actor.upn, draft.actor.name
    if table in _MAILS and upn and name and name.casefold() != upn:
        return f"{upn} ({name})"
    return draft.actor.spoken


def _sentence(row: Record, table: str, draft: Draft) -> str:
    if draft.class_uid == AUTHENTICATION:
        return _logon(draft)
    if draft.class_uid == DETECTION_FINDING:
        title = values.first(row, "Title") or f"alert {values.text(row.get('AlertId')) or ''}".strip()
        about = values.text(row.get("EntityType"))
        who = f" ({draft.actor.spoken})" if draft.actor.known else ""
        return f"{title}: evidence {about.lower()}{who}" if about else f"Defender raised: {title}"
    if table == "UrlClickEvents":
        return _click(row, draft)
    what = _WORDS.sub(" ", draft.operation if draft.operation != table else f"{table} reported").lower().rstrip(". ")
    by = {party.kind: party.spoken for party in reversed(draft.targets)}
    text = f"{_who(draft, table)}: {what}" if draft.actor.known else what[:1].upper() + what[1:]
    for kind, word in _NAMED:
        if kind in by:
            text += f", {word} {by[kind]}"
    for fact, words in _OF_GROUPS:
        if group := values.text(values.mapping(row.get("AdditionalFields")).get(fact)):
            text += f", {words} {group}"
    text += f" {'on' if table == _DIRECTORY else 'to'} {by['endpoint']}" if "endpoint" in by else ""
    text += f" to {by['mailbox']}" if "mailbox" in by else ""
    text += f" on {by['device']}" if "device" in by else ""
    return text + (f": {threats}" if (threats := values.text(row.get("ThreatTypes"))) else "")


MAPPER: Final = Mapper("hunting", 6, recognises, fill)

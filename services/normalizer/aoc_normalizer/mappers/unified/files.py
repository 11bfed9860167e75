"""SharePoint and OneDrive in the unified log."""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from urllib.parse import unquote, urlsplit

from defusedxml import DefusedXmlException, ElementTree

from aoc_normalizer.draft import Device, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.mappers.base import Record, named_party
from aoc_normalizer.ocsf_classes import FILE_HOSTING, GROUP_MANAGEMENT

_MAX_XML: Final = 8192
#: Where `EventData` says what was granted.
_RIGHTS: Final = frozenset({"Type", "Permissions granted", "PermissionsGranted", "Access", "LinkKind"})
#: What else it names -> how a phrase calls it.
_NAMED: Final = {"Group": "group", "PermissionLevel": "level", "Permission level": "level"}
#: An element that holds nothing but text.
_PLAIN_ELEMENT: Final = re.compile(r"<([A-Za-z][\w .-]{0,60})>([^<]*)</")


def fill(record: Record, draft: Draft) -> None:
    """The file or site, and who it was shared with."""
    draft.used |= {"SourceFileName", "SiteUrl", "SourceRelativeUrl", "TargetUserOrGroupName"}
    url = values.text(record.get("ObjectId")) or values.text(record.get("SiteUrl"))
    name = values.text(record.get("SourceFileName")) or _leaf(url)
    shared_with = values.text(record.get("TargetUserOrGroupName"))
    targets = [Party(name=name, uid=url, kind="file")] if name or url else []
    if shared_with:
        kind = (values.text(record.get("TargetUserOrGroupType")) or "user").casefold()
        other = named_party(shared_with, "group" if "group" in kind else "user")
        targets = [other, *targets] if draft.class_uid == GROUP_MANAGEMENT else [*targets, other]
    draft.targets = targets or draft.targets
    if shared_with:
        # A phrase that has no place for whom it was shared with has it after its words.
        draft.words["user"] = draft.targets[0].spoken if draft.class_uid == GROUP_MANAGEMENT else other.spoken
        named = any("{user}" in phrase for phrase in (draft.phrase, draft.otherwise) if phrase)
        told = named or draft.class_uid != FILE_HOSTING or (other.label or "").casefold() == draft.actor.label
        draft.remark = None if told else f"with {other.spoken}"
    elif admin := values.pair(record.get("ModifiedProperties"), "siteadmin"):
        draft.words["user"] = admin
        draft.targets.append(named_party(admin, "user"))
    if device := values.first(record, "DeviceDisplayName", "MachineDomainInfo"):
        draft.device = Device(
            name=device, uid=values.text(record.get("MachineId")), os=values.text(record.get("Platform"))
        )
        draft.used |= {"DeviceDisplayName", "MachineId", "Platform"}
    draft.changes = changes(record.get("ModifiedProperties"))
    if draft.operation.casefold() == "groupadded" and (group := values.pair(record.get("ModifiedProperties"), "name")):
        draft.words["group"] = group
    moved_to = values.first(record, "DestinationFileName", "DestinationRelativeUrl")
    if moved_to and moved_to != name:
        draft.remark = f"to {moved_to}"
        draft.search.append(moved_to)
    if asked := values.first(record, "SearchQueryText", "QueryText"):
        draft.remark = f"for \N{LEFT DOUBLE QUOTATION MARK}{asked}\N{RIGHT DOUBLE QUOTATION MARK}"
    _event_data(record, draft)


def _event_data(record: Record, draft: Draft) -> None:
    """What a link allows, or which group it is about: `EventData` is XML without a root, e.g. `<Type>Edit</Type>`."""
    text = record.get("EventData")
    if not isinstance(text, str) or "<" not in text:
        return
    children = [(tag, value) for tag, inner in _elements(text[:_MAX_XML]) if (value := values.text(inner)) is not None]
    if not children:
        return
    draft.used.add("EventData")
    draft.parameters = children
    rights = next((value for tag, value in children if tag in _RIGHTS), None)
    if rights:
        draft.privileges = [rights]
        draft.remark = ", ".join(part for part in (draft.remark, f"allowing {rights.lower()}") if part)
    for tag, value in children:
        if (word := _NAMED.get(tag)) is not None:
            draft.words.setdefault(word, value)
    if group := draft.words.get("group"):
        draft.targets.append(Party(group, kind="group"))


def _elements(text: str) -> list[tuple[str, str | None]]:
    """The elements of a piece of XML. Some have a blank in their names, which no parser takes."""
    try:
        root = ElementTree.fromstring(f"<data>{text}</data>")
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        # The parser's frame holds the error, and the error the frames of all its callers: a whole batch of events.
        error.__traceback__ = None
        return [(found[1], unescape(found[2])) for found in _PLAIN_ELEMENT.finditer(text)]
    return [(child.tag, child.text) for child in root]


def _leaf(url: str | None) -> str | None:
    if not url:
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return url
    return unquote(path.rstrip("/").rpartition("/")[2]) or url

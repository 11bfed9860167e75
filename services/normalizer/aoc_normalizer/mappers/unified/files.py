"""SharePoint and OneDrive in the unified log."""

from __future__ import annotations

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
        draft.words["user"] = shared_with
        draft.remark = f"with {shared_with}" if draft.class_uid == FILE_HOSTING else None
    if device := values.first(record, "DeviceDisplayName", "MachineDomainInfo"):
        draft.device = Device(
            name=device, uid=values.text(record.get("MachineId")), os=values.text(record.get("Platform"))
        )
        draft.used |= {"DeviceDisplayName", "MachineId", "Platform"}
    draft.changes = changes(record.get("ModifiedProperties"))
    moved_to = values.first(record, "DestinationFileName", "DestinationRelativeUrl")
    if moved_to and moved_to != name:
        draft.remark = f"to {moved_to}"
        draft.search.append(moved_to)
    _event_data(record, draft)


def _event_data(record: Record, draft: Draft) -> None:
    """What a link allows: `EventData` is a piece of XML without a root, e.g. `<Type>Edit</Type>`."""
    text = record.get("EventData")
    if not isinstance(text, str) or "<" not in text:
        return
    try:
        root = ElementTree.fromstring(f"<data>{text[:_MAX_XML]}</data>")
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        return
    children = [(child.tag, value) for child in root if (value := values.text(child.text)) is not None]
    if not children:
        return
    draft.used.add("EventData")
    draft.parameters = children
    rights = next((value for tag, value in children if tag in _RIGHTS), None)
    if rights:
        draft.privileges = [rights]
        draft.remark = ", ".join(part for part in (draft.remark, f"allowing {rights.lower()}") if part)


def _leaf(url: str | None) -> str | None:
    if not url:
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return url
    return unquote(path.rstrip("/").rpartition("/")[2]) or url

"""Teams, Power Platform, Forms, Copilot and whatever else the unified log holds: the thing that a record is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.mappers.base import named_party
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

#: Names of things and the ids beside them, the most telling first. An operation's own kind of thing comes before.
_THINGS: Final = (
    ("ReportName", "ReportId", "report"),
    ("DashboardName", "DashboardId", "dashboard"),
    ("DatasetName", "DatasetId", "dataset"),
    ("AppName", "AppId", "app"),
    ("AddOnName", "AddOnGuid", "app"),
    ("FormName", "FormId", "form"),
    ("FlowDisplayName", "FlowId", "flow"),
    ("ChannelName", "ChannelGuid", "channel"),
    ("TeamName", "TeamGuid", "group"),
    ("GroupName", "AADGroupId", "group"),
    ("ItemName", "ItemId", "object"),
    ("ArtifactName", "ArtifactId", "artifact"),
    ("ObjectDisplayName", "ObjectId", "artifact"),
    ("DisplayName", "ObjectId", "object"),
    ("WorkSpaceName", "WorkspaceId", "workspace"),
    ("WorkspaceName", "WorkspaceId", "workspace"),
    ("ChatName", "ChatThreadId", "chat"),
    ("Name", "ObjectId", "object"),
)
_WORKSPACES: Final = ("WorkspaceName", "WorkSpaceName")
_ID_OF_FLOW: Final = re.compile(r"/flows/([^/?]+)")
_ROLES: Final = {"0": "member", "1": "owner", "2": "guest"}
_EXTERNAL: Final = "#ext#"
_MAX_MEMBERS: Final = 50


def fill(record: Record, draft: Draft) -> None:
    """The team, channel, report, flow or app, and its members."""
    draft.changes = changes(record.get("ModifiedProperties"))
    things = [
        Party(name=name, uid=values.text(record.get(uid)), kind=kind)
        for field, uid, kind in _THINGS
        if (name := values.text(record.get(field))) is not None
    ]
    draft.words |= {
        "artifact": values.word(values.first(record, "ObjectType", "ArtifactKind", "ItemType") or "artifact")
    }
    about = draft.operation.casefold()
    things.sort(key=lambda thing: thing.kind not in about if thing.kind else True)
    draft.used |= {field for pair in _THINGS for field in pair[:2] if pair[0] in record}
    if things:
        draft.targets = things
    elif flow := _flow(record):
        draft.targets = [flow]
        draft.used.add("FlowDetailsUrl")
    if connectors := values.text(record.get("FlowConnectorNames")):
        names = [name for part in connectors.split(",") if (name := part.strip())]
        draft.remark = f"with {listed_few(names)}"
        draft.used.add("FlowConnectorNames")
    if not draft.changes and "NewValue" in record and (setting := values.text(record.get("Name"))):
        # A setting of a team, or of Teams for the whole tenant.
        draft.changes = changes([{name: record.get(name) for name in ("Name", "OldValue", "NewValue")}])
        draft.used |= {"OldValue", "NewValue"}
        draft.search.append(setting)
    _members(record, draft)
    _copilot(record, draft)
    if draft.service == "dynamics":
        _row(record, draft)
    elif draft.phrase and "{artifact}" in draft.phrase and (place := values.first(record, *_WORKSPACES)):
        draft.remark = f"in workspace {place}"


def _row(record: Record, draft: Draft) -> None:
    """A row of Dynamics: its table, its id, and the environment that it is in."""
    table, uid = values.text(record.get("EntityName")), values.text(record.get("EntityId"))
    name = values.first(record, "PrimaryFieldValue", "EntityDisplayName")
    draft.used |= {"EntityName", "EntityId", "InstanceUrl", "PrimaryFieldValue"}
    if table:
        draft.words["entity"] = values.word(table)
    if name or uid:
        draft.targets = [Party(name, uid=uid, kind="row"), *draft.targets]
    place = values.text(record.get("InstanceUrl"))
    host = _host(place) if place else values.first(record, "CrmOrganizationUniqueName")
    if host:
        draft.phrase = draft.phrase and f"{draft.phrase} in {{instance}}"
        draft.otherwise = draft.otherwise and f"{draft.otherwise} in {{instance}}"
        draft.words["instance"] = host
        draft.targets.append(Party(host, kind="environment"))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _flow(record: Record) -> Party | None:
    found = _ID_OF_FLOW.search(values.text(record.get("FlowDetailsUrl")) or "")
    return Party(uid=found[1], kind="flow") if found else None


def _members(record: Record, draft: Draft) -> None:
    listed = values.objects(record.get("Members"))
    if len(listed) > _MAX_MEMBERS:
        draft.tags.append("truncated")
    names: list[str] = []
    for item in listed[:_MAX_MEMBERS]:
        if (found := values.first(item, "UPN", "DisplayName")) is not None:
            draft.targets.append(named_party(found))
            role = "guest" if _EXTERNAL in found.casefold() else _ROLES.get(values.text(item.get("Role")) or "", "")
            names.append(f"{found} ({role})" if role in {"owner", "guest"} else found)
    if names:
        draft.words["members"] = listed_few(names)
    if invited := values.first(record, "InvitedUser", "RecipientUPN", "SharedWithUser", "RecipientString"):
        draft.targets.append(named_party(invited))


def _copilot(record: Record, draft: Draft) -> None:
    """What Copilot was asked in, and what it read to answer."""
    asked = values.mapping(record.get("CopilotEventData"))
    if not asked:
        return
    host = values.text(asked.get("AppHost"))
    read = [
        Party(name=values.first(item, "Name", "ID", "SiteUrl"), uid=values.first(item, "ID", "SiteUrl"), kind="file")
        for item in values.objects(asked.get("AccessedResources"))[:_MAX_MEMBERS]
    ]
    draft.targets = [Party(name=host or "Copilot", kind="app"), *read]
    if names := [party.spoken for party in read if party.known]:
        draft.remark = f"which read {listed_few(names)}"

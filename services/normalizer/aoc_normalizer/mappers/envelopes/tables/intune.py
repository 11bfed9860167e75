"""Intune's audit log as its portal downloads it, and as extractors flatten Graph's.

Sources: memdocs, monitor-audit-logs.md (the columns of the list); graph-docs, resources/intune-auditing-auditevent.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import values
from aoc_normalizer.fields.spellings import GRAPH, respelt
from aoc_normalizer.mappers.envelopes.tables import cells
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.graph import intune

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

_PLACES: Final = paths(
    "id activityDateTime activityType activityResult correlationId category componentName displayName",
    "actor.userPrincipalName actor.userId actor.applicationId actor.applicationDisplayName actor.servicePrincipalName",
    "actor.ipAddress",
    actor="actor.*",
    resources="resources.*",
    date="activityDateTime",
    datetime="activityDateTime",
    activitydate="activityDateTime",
    dateandtime="activityDateTime",
    time="activityDateTime",
    activity="activityType",
    activityname="activityType",
    operationname="activityType",
    auditeventid="id",
    eventid="id",
    initiatedby="actor.*",
    initiatedbyactor="actor.*",
    actorupn="actor.userPrincipalName",
    actorname="actor.userPrincipalName",
    userprincipalname="actor.userPrincipalName",
    user="actor.userPrincipalName",
    actorid="actor.userId",
    userid="actor.userId",
    application="actor.applicationDisplayName",
    applicationname="actor.applicationDisplayName",
    applicationdisplayname="actor.applicationDisplayName",
    actorapplication="actor.applicationDisplayName",
    applicationid="actor.applicationId",
    ipaddress="actor.ipAddress",
    status="activityResult",
    activitystatus="activityResult",
    result="activityResult",
    target="resources.displayName",
    targets="resources.displayName",
    targetname="resources.displayName",
    targetdisplayname="resources.displayName",
    targetdisplaynames="resources.displayName",
    resource="resources.displayName",
    resourcename="resources.displayName",
    resourcesdisplayname="resources.displayName",
    resourceid="resources.resourceId",
    targetobjectids="resources.resourceId",
    resourcesresourceid="resources.resourceId",
    resourcetype="resources.auditResourceType",
    resourcesauditresourcetype="resources.auditResourceType",
    modifiedproperties="resources.modifiedProperties",
    resourcesmodifiedproperties="resources.modifiedProperties",
)


def _record(row: Record) -> Record:
    parts = row.get("actor", {})
    said = parts.pop("*", None)
    whole = respelt(dict(cells.mapping(said)), GRAPH)
    if not whole and (who := cells.text(said)):
        parts.setdefault("userPrincipalName" if values.is_email(who) else "servicePrincipalName", who)
    row["actor"] = {**whole, **parts}
    row["resources"] = _resources(row.get("resources", {}))
    return row


def _resources(parts: Record) -> list[Record]:
    whole: list[Record] = respelt(cells.objects(parts.pop("*", None)), GRAPH)
    if whole:
        return whole
    changed = respelt(cells.objects(parts.pop("modifiedProperties", None)), GRAPH)
    lists = {name: cells.listed(value) for name, value in parts.items()}
    count = max(map(len, lists.values()), default=0)
    found: list[Record] = [
        {name: listed[at] for name, listed in lists.items() if at < len(listed)} for at in range(count)
    ]
    if changed:
        found = found or [{}]
        found[0]["modifiedProperties"] = changed
    return found


TABLES: Final = (
    Table(
        "Intune audits",
        needs(
            "activitydatetime activitydate date datetime dateandtime time",
            "activitytype activity activityname operationname",
            "initiatedbyactor initiatedby actor actorupn actoruserprincipalname actorapplicationdisplayname "
            "applicationname",
            "targets target targetname targetdisplayname targetdisplaynames resources resource resourcename "
            "resourcesdisplayname resourceid componentname",
        ),
        _PLACES,
        intune.MAPPER,
        lacks=frozenset({"loggedbyservice", "service", "appdisplayname", "errorcode", "app"}),
        record=_record,
    ),
)

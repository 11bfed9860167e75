"""What happened in the directory: audits, provisioning and risks, as the Entra portal and extractors write them.

Sources: entra-docs, howto-download-logs.md and concept-provisioning-logs.md; graph-docs, resources/directoryaudit.md,
provisioningobjectsummary.md, riskdetection.md. The portal numbers what an audit has several of:
`Target2ModifiedProperty1NewValue`, `AdditionalDetail1Key`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.spellings import GRAPH, respelt
from aoc_normalizer.mappers.envelopes.tables import cells
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.graph import directory, provisioning, risk

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Record

AUDIT: Final = paths(
    "id activityDateTime activityDisplayName category correlationId loggedByService operationType result resultReason",
    "userAgent additionalDetails targetResources actorType",
    "initiatedBy.user.id initiatedBy.user.displayName initiatedBy.user.userPrincipalName initiatedBy.user.ipAddress",
    "initiatedBy.app.appId initiatedBy.app.displayName initiatedBy.app.servicePrincipalId",
    "initiatedBy.app.servicePrincipalName",
    date="activityDateTime",
    activity="activityDisplayName",
    activityname="activityDisplayName",
    operationname="activityDisplayName",
    service="loggedByService",
    status="result",
    statusreason="resultReason",
    resultdescription="resultReason",
    initiatedby="initiatedBy.*",
    initiatedbyactor="initiatedBy.*",
    initiatedbyuser="initiatedBy.*",
    initiatedbyapp="initiatedBy.app.displayName",
    actor="initiatedBy.*",
    user="initiatedBy.*",
    actorname="actor.displayName",
    actordisplayname="actor.displayName",
    actorobjectid="actor.id",
    actorid="actor.id",
    actoruserprincipalname="initiatedBy.user.userPrincipalName",
    actorupn="initiatedBy.user.userPrincipalName",
    actorserviceprincipalid="initiatedBy.app.servicePrincipalId",
    actorserviceprincipalname="initiatedBy.app.displayName",
    appid="initiatedBy.app.appId",
    ipaddress="ipAddress",
    actoripaddress="ipAddress",
    clientip="ipAddress",
    targets="targets.displayName",
    target="targets.displayName",
    targetname="targets.displayName",
    targetdisplayname="targets.displayName",
    targetdisplaynames="targets.displayName",
    targetresourcesdisplayname="targets.displayName",
    targetid="targets.id",
    targetobjectid="targets.id",
    targetresourcesid="targets.id",
    targetuserprincipalname="targets.userPrincipalName",
    targetupn="targets.userPrincipalName",
    targetresourcesuserprincipalname="targets.userPrincipalName",
    targettype="targets.type",
    targetresourcestype="targets.type",
    modifiedproperties="targets.modifiedProperties",
    targetresourcesmodifiedproperties="targets.modifiedProperties",
)
#: `target2objectid`, `targetresources1modifiedproperties0newvalue`, `additionaldetail1key`.
_NUMBERED: Final = re.compile(
    r"^(?:targetresources?|target|additionaldetails?)(\d{1,2})"
    r"(?:modifiedpropert(?:y|ies)(\d{1,2}))?([a-z]+)$"
)
_PARTS: Final = {
    "type": "type",
    "displayname": "displayName",
    "name": "displayName",
    "objectid": "id",
    "id": "id",
    "userprincipalname": "userPrincipalName",
    "upn": "userPrincipalName",
    "oldvalue": "oldValue",
    "newvalue": "newValue",
    "key": "key",
    "value": "value",
    "modifiedproperties": "modifiedProperties",
}


def _numbered(key: str) -> str | None:
    found = _NUMBERED.match(key)
    part = _PARTS.get(found[3]) if found else None
    if found is None or part is None:
        return None
    number = int(found[1])
    if key.startswith("additional"):
        return f"additional.{number}.{part}"
    return f"numbered.{number}.properties.{int(found[2])}.{part}" if found[2] else f"numbered.{number}.{part}"


def audit(row: Record) -> Record:
    """Graph's audit, of what stands in its places, and of targets and details that are numbered or listed."""
    row["initiatedBy"] = _initiator(row)
    if "targetResources" in row:
        row["targetResources"] = respelt(cells.objects(row["targetResources"]), GRAPH)
    if not row.get("targetResources"):
        row["targetResources"] = _of_numbers(row.pop("numbered", {})) or _of_lists(row.pop("targets", {}))
    if "additional" in row:
        row["additionalDetails"] = _in_order(row.pop("additional"))
    elif "additionalDetails" in row:
        row["additionalDetails"] = cells.objects(row["additionalDetails"])
    return row


def _initiator(row: Record) -> dict[str, Any]:
    """Graph's initiator, of an object in one cell or of its parts. Which of both a name is for, `ActorType` says."""
    parts = row.get("initiatedBy", {})
    said = parts.pop("*", None)
    whole = respelt(dict(cells.mapping(said)), GRAPH)
    user = dict(cells.mapping(whole.get("user"))) | parts.get("user", {})
    app = dict(cells.mapping(whole.get("app"))) | parts.get("app", {})
    if not whole and (who := cells.text(said)):
        user.setdefault("userPrincipalName" if values.is_email(who) else "displayName", who)
    named = row.pop("actor", {})
    kind = (cells.text(row.get("actorType")) or "").casefold()
    if "app" in kind or "service" in kind:
        app = {"displayName": named.get("displayName"), "servicePrincipalId": named.get("id")} | app
    elif named:
        user = {**user, **named}
    if (address := cells.text(row.pop("ipAddress", None))) is not None:
        (user or app)["ipAddress"] = address
    return {"user": user, "app": app}


def _in_order(numbered: dict[str, Any]) -> list[Any]:
    return [numbered[number] for number in sorted(numbered, key=int)]


def _of_numbers(numbered: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for target in _in_order(numbered):
        if properties := target.pop("properties", None):
            target["modifiedProperties"] = _in_order(properties)
        elif "modifiedProperties" in target:
            target["modifiedProperties"] = respelt(cells.objects(target["modifiedProperties"]), GRAPH)
        found.append(target)
    return found


def _of_lists(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Targets of columns that each hold one property of all of them: `Kim; Sales team`."""
    changed = respelt(cells.objects(columns.pop("modifiedProperties", None)), GRAPH)
    lists = {name: cells.listed(value) for name, value in columns.items()}
    count = max(map(len, lists.values()), default=0)
    found: list[dict[str, Any]] = [
        {name: listed[at] for name, listed in lists.items() if at < len(listed)} for at in range(count)
    ]
    for target in found:
        if "userPrincipalName" not in target and values.is_email(name := target.get("displayName", "")):
            target |= {"userPrincipalName": name, "displayName": None}
    if changed:
        found = found or [{}]
        found[0]["modifiedProperties"] = changed
    return found


_PROVISIONING: Final = paths(
    "id activityDateTime tenantId jobId cycleId changeId provisioningAction durationInMilliseconds modifiedProperties",
    "provisioningStatusInfo.status provisioningStatusInfo.errorInformation.errorCode",
    "provisioningStatusInfo.errorInformation.reason provisioningStatusInfo.errorInformation.additionalDetails",
    "sourceSystem.id sourceSystem.displayName targetSystem.id targetSystem.displayName",
    "sourceIdentity.id sourceIdentity.displayName sourceIdentity.identityType",
    "targetIdentity.id targetIdentity.displayName targetIdentity.identityType",
    "initiatedBy.id initiatedBy.displayName initiatedBy.initiatorType servicePrincipal.id servicePrincipal.displayName",
    date="activityDateTime",
    action="provisioningAction",
    provisioningstatusinfo="provisioningStatusInfo.*",
    statusinfo="provisioningStatusInfo.*",
    status="provisioningStatusInfo.status",
    statuserrorcode="provisioningStatusInfo.errorInformation.errorCode",
    statusreason="provisioningStatusInfo.errorInformation.reason",
    errorcode="provisioningStatusInfo.errorInformation.errorCode",
    reason="provisioningStatusInfo.errorInformation.reason",
    failurereason="provisioningStatusInfo.errorInformation.reason",
    sourcesystem="sourceSystem.*",
    sourcesystemname="sourceSystem.displayName",
    targetsystem="targetSystem.*",
    targetsystemname="targetSystem.displayName",
    sourceidentity="sourceIdentity.*",
    sourceid="sourceIdentity.id",
    sourceidentityname="sourceIdentity.displayName",
    targetidentity="targetIdentity.*",
    targetid="targetIdentity.id",
    targetidentityname="targetIdentity.displayName",
    identity="targetIdentity.*",
    identityname="targetIdentity.displayName",
    identitytype="targetIdentity.identityType",
    identityid="targetIdentity.id",
    initiatedby="initiatedBy.*",
    serviceprincipal="servicePrincipal.*",
    serviceprincipalname="servicePrincipal.displayName",
    applicationname="servicePrincipal.displayName",
)
_SYSTEMS: Final = (
    "sourceSystem",
    "targetSystem",
    "sourceIdentity",
    "targetIdentity",
    "initiatedBy",
    "servicePrincipal",
)


def _provisioned(row: Record) -> Record:
    for name in _SYSTEMS:
        row[name] = _named(row.get(name, {}))
    status = row.get("provisioningStatusInfo", {})
    whole = respelt(dict(cells.mapping(status.pop("*", None))), GRAPH)
    row["provisioningStatusInfo"] = {**whole, **status}
    if said := cells.text(status.get("status")):
        row["provisioningStatusInfo"]["status"] = said.casefold()
    if "modifiedProperties" in row:
        row["modifiedProperties"] = respelt(cells.objects(row["modifiedProperties"]), GRAPH)
    return row


def _named(parts: Record) -> Record:
    """An object in one cell, or its name alone."""
    said = parts.pop("*", None)
    whole = respelt(dict(cells.mapping(said)), GRAPH)
    if not whole and (name := cells.text(said)):
        whole = {"displayName": name}
    return {**whole, **parts}


_RISK: Final = paths(
    "id riskEventType riskLevel riskState riskDetail userId userPrincipalName userDisplayName ipAddress "
    "activityDateTime",
    "servicePrincipalId servicePrincipalDisplayName appId",
    "detectedDateTime lastUpdatedDateTime riskLastUpdatedDateTime correlationId requestId activity source",
    "location",
    locationcity="where.city",
    locationstate="where.state",
    locationcountryorregion="where.countryOrRegion",
    city="where.city",
    state="where.state",
    country="where.countryOrRegion",
    user="userDisplayName",
    username="userPrincipalName",
    userrisklevel="riskLevel",
    userriskstate="riskState",
    uniqueid="id",
    detectiontype="riskEventType",
    risktype="riskEventType",
    date="activityDateTime",
    time="activityDateTime",
    detectiontime="detectedDateTime",
    detectedtime="detectedDateTime",
    detectionlastupdated="lastUpdatedDateTime",
    risklastupdated="riskLastUpdatedDateTime",
    lastupdated="lastUpdatedDateTime",
)


def _risk(row: Record) -> Record:
    parts = row.pop("where", {})
    found = cells.place(row.get("location"))
    row["location"] = {**respelt(found, GRAPH), **parts} if isinstance(found, dict) else parts or found
    for name in ("riskLevel", "riskState"):
        if said := cells.text(row.get(name)):
            row[name] = cells.camel(said)
    return row


def _about(row: Record, draft: Draft) -> None:
    """A person whom a row names by object id alone."""
    if not draft.actor.known and (uid := cells.text(row.get("id"))):
        draft.actor = Party(uid=uid, kind="user")


_WHEN: Final = "activitydatetime date"
TABLES: Final = (
    Table(
        "Entra provisioning",
        needs(
            "provisioningaction action",
            "sourcesystem sourcesystemdisplayname sourcesystemname",
            "targetsystem targetsystemdisplayname targetsystemname",
        ),
        _PROVISIONING,
        provisioning.MAPPER,
        record=_provisioned,
    ),
    Table(
        "Entra audits",
        needs(
            _WHEN,
            "activitydisplayname activity activityname operationname",
            "loggedbyservice service",
            "actortype actordisplayname actoruserprincipalname actorupn initiatedby initiatedbyactor initiatedbyuser "
            "initiatedbyuseruserprincipalname initiatedbyuserdisplayname initiatedbyuserid initiatedbyappdisplayname "
            "actor target1displayname targetresources targets targetdisplayname",
        ),
        AUDIT,
        directory.MAPPER,
        numbered=_numbered,
        record=audit,
    ),
    Table(
        "Entra risks",
        needs(
            "risklevel userrisklevel",
            "riskstate userriskstate",
            "userprincipalname username userdisplayname user userid serviceprincipalid serviceprincipaldisplayname",
            "riskeventtype detectiontype risktype riskdetail risklastupdateddatetime risklastupdated",
        ),
        _RISK,
        risk.MAPPER,
        lacks=frozenset({"appdisplayname", "application", "errorcode", "statuserrorcode"}),
        record=_risk,
        more=_about,
    ),
)

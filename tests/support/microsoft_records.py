"""Records in Microsoft's shapes from few words, and their events by the real mappers.

What a test file says of an action is laid over a whole record of its shape. An action of the directory and a sign-in
are told by every interface that has them: Graph, Azure Monitor (which puts Graph's record in an envelope) and the
unified log, each in its own spelling.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

type Json = dict[str, Any]

NOW: Final = datetime(2026, 11, 27, tzinfo=UTC)
WHEN: Final = datetime(2026, 11, 20, 10, tzinfo=UTC)
TENANT: Final = "7d1f0a52-22fa-4c16-9bf2-470b80be80d6"
ADMIN: Final = "admin@contoso.example"
USER: Final = "sam@contoso.example"
_OLD_AND_NEW: Final = 2
_IDS: Final = UUID("0b9d7a51-7e6f-4d2c-8a43-0c51a0000014")


def event_of(record: Json, source: str = "import", tenant: str = "t") -> Event:
    """What the normalizer makes of a record."""
    made = normalise(json.dumps(record).encode(), RecordContext(tenant, source, NOW))
    assert isinstance(made, Event)
    return made


def records(what: Json) -> Iterator[tuple[str, Json]]:
    """The source and record of an action by each interface that tells of it.

    `what`: a shape and what to lay over it, as `{"signin": {"ipAddress": "..."}}`; `only`: one interface of several;
    `at`: seconds after the usual time.
    """
    (shape,) = (key for key in what if key in SHAPES)
    at = datetime.fromtimestamp(WHEN.timestamp() + what.get("at", 0), UTC)
    for way, source, record in SHAPES[shape](deepcopy(what[shape]), at):
        if what.get("only", way) == way:
            yield source, record


def _id(at: datetime, said: Any) -> str:
    return str(uuid5(_IDS, f"{at.isoformat()} {json.dumps(said, sort_keys=True)}"))


def _z(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pairs(values: Any) -> Any:
    return [{"Name": name, "Value": value} for name, value in values.items()] if isinstance(values, dict) else values


def _monitor(record: Json, at: datetime, category: str, operation: str) -> Json:
    return {
        "time": _z(at), "category": category, "operationName": operation, "operationVersion": "1.0",
        "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam", "tenantId": TENANT, "properties": record,
    }  # fmt: skip


def _change(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """A change of the directory.

    `operation`, `category`, `result`, `reason`, `service`; `by`: a user name or `app:NAME`; `target`: its `type`,
    `id`, `name` and `upn`; `changed`: property -> new value, or old and new; `details`: additional ones.
    """
    target = {"type": "User", "id": "5a000000-0000-4000-8000-000000000005", "upn": USER} | said.get("target", {})
    changed = {
        name: value if isinstance(value, list) and len(value) == _OLD_AND_NEW else [None, value]
        for name, value in said.get("changed", {}).items()
    }
    graph = _graph_change(said, at, target, changed)
    yield "graph", "graph-directory-audits", graph
    yield "monitor", "import", _monitor(graph, at, "AuditLogs", said["operation"])
    yield "unified", "o365-azuread", _unified_change(said, at, target, changed)


def _graph_change(said: Json, at: datetime, target: Json, changed: Mapping[str, list[Any]]) -> Json:
    by = said.get("by", ADMIN)
    app = by.removeprefix("app:") if by.startswith("app:") else None
    person = {"id": "a0000000-0000-4000-8000-00000000000a", "displayName": None, "ipAddress": "192.0.2.1"}
    return {
        "id": f"Directory_{_id(at, said)}_6LPVG_73478882", "category": said.get("category", "UserManagement"),
        "correlationId": _id(at, "correlation"), "result": said.get("result", "success"),
        "resultReason": said.get("reason", ""), "activityDisplayName": said["operation"], "activityDateTime": _z(at),
        "loggedByService": said.get("service", "Core Directory"), "operationType": "Update",
        "initiatedBy": {
            "user": None if app else person | {"userPrincipalName": by},
            "app": {"appId": None, "displayName": app, "servicePrincipalId": _id(at, app)} if app else None,
        },
        "targetResources": [{
            "id": target["id"], "displayName": target.get("name"), "type": target["type"],
            "userPrincipalName": target["upn"] if target["type"] == "User" else None,
            "modifiedProperties": [
                {"displayName": name, "oldValue": _quoted(old), "newValue": _quoted(new)}
                for name, (old, new) in changed.items()
            ],
        }],
        "additionalDetails": [{"key": key, "value": value} for key, value in said.get("details", {}).items()],
    }  # fmt: skip


def _quoted(value: Any) -> str | None:
    """A value as Graph has it: a text that is JSON."""
    return None if value is None else json.dumps(value, separators=(",", ":"))


def _unified_change(said: Json, at: datetime, target: Json, changed: Mapping[str, list[Any]]) -> Json:
    by, kind, upn = said.get("by", ADMIN), target["type"], target["upn"]
    app = by.removeprefix("app:") if by.startswith("app:") else None
    operation = said["operation"]
    ids = [(f"{kind}_{target['id']}", 2), (target["id"], 2), (kind, 2)]
    ids.append((upn, 5) if kind == "User" else (target.get("name") or target["id"], 1))
    return {
        "CreationTime": _z(at)[:-1], "Id": _id(at, said), "OrganizationId": TENANT, "RecordType": 8,
        "Operation": operation if operation.endswith(" ") else f"{operation}.",
        "ResultStatus": said.get("result", "success").title(), "UserKey": "Not Available" if app else "10032@c",
        "UserType": 4 if app else 0, "Version": 1, "Workload": "AzureActiveDirectory",
        "UserId": f"ServicePrincipal_{_id(at, app)}" if app else by, "AzureActiveDirectoryEventType": 1,
        "ObjectId": upn if kind == "User" else f"{kind}_{target['id']}",
        "ExtendedProperties": _pairs(
            {"extendedAuditEventCategory": said.get("category", "UserManagement").removesuffix("Management")}
        ),
        "Actor": [{"ID": app, "Type": 1}, {"ID": "ServicePrincipal", "Type": 2}] if app else [{"ID": by, "Type": 5}],
        "ModifiedProperties": [
            {"Name": name, "NewValue": _plain(new), "OldValue": _plain(old)} for name, (old, new) in changed.items()
        ],
        "Target": [{"ID": id_, "Type": type_} for id_, type_ in ids], "InterSystemsId": _id(at, "correlation"),
    }  # fmt: skip


def _plain(value: Any) -> str:
    """A value as the unified log has it: a text without quotes, JSON otherwise."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, indent=2)


def _signin(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """A sign-in: Graph's fields; `error` is its code."""
    error = said.pop("error", 0)
    record = {
        "id": _id(at, said), "createdDateTime": _z(at), "userDisplayName": "Sam", "userPrincipalName": USER,
        "userId": "5a000000-0000-4000-8000-000000000005", "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "appDisplayName": "Azure Portal", "ipAddress": "192.0.2.9", "clientAppUsed": "Browser",
        "correlationId": _id(at, "c"), "conditionalAccessStatus": "notApplied", "isInteractive": True,
        "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none", "riskState": "none",
        "riskEventTypes_v2": [], "resourceDisplayName": "Microsoft Graph", "servicePrincipalId": "",
        "resourceId": "00000003-0000-0000-c000-000000000000", "signInEventTypes": ["interactiveUser"],
        "status": {"errorCode": error, "failureReason": "Other.", "additionalDetails": None},
        "deviceDetail": {"deviceId": "d-1", "operatingSystem": "Windows10", "trustType": "Azure AD joined"},
        "location": {"city": "Utrecht", "state": "Utrecht", "countryOrRegion": "NL"},
        "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/131.0.0.0",
        "authenticationRequirement": "multiFactorAuthentication",
    } | said  # fmt: skip
    yield "graph", "graph-signins", record
    envelope = _monitor(record, at, "SignInLogs", "Sign-in activity")
    yield "monitor", "import", envelope | {"resultType": str(error), "callerIpAddress": record["ipAddress"]}
    if not record["servicePrincipalId"]:
        yield "unified", "o365-azuread", _unified_signin(record, at, error)


def _unified_signin(record: Json, at: datetime, error: int) -> Json:
    """What of a sign-in the unified log has. A failure says `Success`, as most there do."""
    return {
        "CreationTime": _z(at)[:-1], "Id": _id(at, record), "OrganizationId": TENANT, "RecordType": 15,
        "Operation": "UserLoginFailed" if error else "UserLoggedIn", "ResultStatus": "Success", "UserKey": "u",
        "UserType": 0, "Version": 1, "Workload": "AzureActiveDirectory", "ClientIP": record["ipAddress"],
        "ObjectId": record["resourceId"], "UserId": record["userPrincipalName"], "ErrorNumber": str(error),
        "AzureActiveDirectoryEventType": 1, "ActorIpAddress": record["ipAddress"], "ModifiedProperties": [],
        "ExtendedProperties": _pairs({"ResultStatusDetail": "Success", "UserAgent": record["userAgent"],
                                      "RequestType": "OAuth2:Authorize"}),
        "ApplicationId": record["appId"], "Target": [{"ID": record["resourceId"], "Type": 0}],
        "InterSystemsId": record["correlationId"], "DeviceProperties": _pairs({"OS": "Windows10"}),
    }  # fmt: skip


def _unified(workload: str, record_type: int, source: str, **usual: Any) -> Callable[[Json, datetime], Any]:
    """A shape of the unified log. Pairs may be written as a map."""

    def made(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
        record = {
            "CreationTime": _z(at)[:-1], "Id": _id(at, said), "OrganizationId": TENANT, "RecordType": record_type,
            "UserKey": "u", "UserType": 0, "Version": 1, "Workload": workload, "UserId": ADMIN,
        } | usual | said  # fmt: skip
        for name in ("Parameters", "OperationProperties", "ExtendedProperties"):
            if name in record:
                record[name] = _pairs(record[name])
        yield "unified", source, record

    return made


def _plainly(way: str, source: str, time: str, usual: Json) -> Callable[[Json, datetime], Any]:
    """A shape of Graph or Azure: what is usual, and what is said."""

    def made(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
        yield way, source, {"id": _id(at, said), time: _z(at)} | deepcopy(usual) | said

    return made


_RISK: Final = {
    "requestId": "r-1", "correlationId": "c-1", "riskState": "atRisk", "riskLevel": "high", "riskDetail": "none",
    "source": "IdentityProtection", "detectionTimingType": "offline", "activity": "signin",
    "tokenIssuerType": "AzureAD", "ipAddress": "192.0.2.9", "location": {"city": "Utrecht", "countryOrRegion": "NL"},
    "userId": "5a000000-0000-4000-8000-000000000005", "userDisplayName": "Sam", "userPrincipalName": USER,
    "detectedDateTime": _z(WHEN), "lastUpdatedDateTime": _z(WHEN), "additionalInfo": "[]",
}  # fmt: skip
_OF_USER: Final = ("userId", "userDisplayName", "userPrincipalName")
_APP_RISK: Final = {key: value for key, value in _RISK.items() if key not in _OF_USER} | {
    "servicePrincipalId": "5b000000-0000-4000-8000-000000000002", "appId": "a-1", "keyIds": ["k-1"],
    "servicePrincipalDisplayName": "Backup Harbour",
}  # fmt: skip
_RISKY: Final = {"isProcessing": False, "riskLevel": "high", "riskState": "atRisk", "riskDetail": "none"}
_NAMED: Final = {"isDeleted": False, "userDisplayName": "Sam", "userPrincipalName": USER}
_APP: Final = {
    "appId": "a-1", "displayName": "Backup Harbour", "servicePrincipalType": "Application", "isEnabled": True,
}  # fmt: skip
_SHAREPOINT: Final = {
    "ClientIP": "192.0.2.9", "UserId": USER, "EventSource": "SharePoint", "ItemType": "File",
    "UserAgent": "Mozilla/5.0",
    "ObjectId": "https://contoso.sharepoint.example/sites/x/Shared Documents/a.pdf", "SourceFileName": "a.pdf",
    "SiteUrl": "https://contoso.sharepoint.example/sites/x", "SourceFileExtension": "pdf", "CorrelationId": "c-1",
    "Site": "51000000-0000-4000-8000-000000000001", "ListItemUniqueId": "11000000-0000-4000-8000-000000000001",
}  # fmt: skip
_PIM_NAME: Final = f"DirectoryRole_{TENANT}_"


def _pim(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """A PIM alert: `kind` is the end of its id, `incident` the type of its incidents."""
    name = f"{_PIM_NAME}{said.pop('kind')}"
    incident = said.pop("incident")
    configuration = f"#microsoft.graph.{incident.removesuffix('Incident')}Configuration"
    yield "graph", "graph-pim-alerts", {
        "id": name, "alertDefinitionId": name, "scopeId": "/", "scopeType": "DirectoryRole", "incidentCount": 1,
        "isActive": True, "lastModifiedDateTime": _z(at), "lastScannedDateTime": _z(at),
        "alertDefinition": {"id": name, "displayName": "An alert", "severityLevel": "medium"},
        "alertConfiguration": {"@odata.type": configuration, "id": name, "alertDefinitionId": name},
        "alertIncidents": [{"@odata.type": f"#microsoft.graph.{incident}", "id": "i-1", "assigneeId": "u1",
                            "assigneeUserPrincipalName": USER}],
    } | said  # fmt: skip


def _intune(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """An audit event of Intune; `by` is who did it."""
    by = said.pop("by", ADMIN)
    yield "graph", "graph-intune", {
        "id": _id(at, said), "displayName": said.get("activityType"), "componentName": "ManagedDevice",
        "activity": None, "activityDateTime": _z(at), "activityOperationType": "Action", "activityResult": "Success",
        "correlationId": _id(at, "c"), "category": "Device",
        "actor": {"type": "ItPro", "auditActorType": "ItPro", "userPermissions": ["*"], "userPrincipalName": by,
                  "applicationId": "5926fc8e-304e-4f59-8bed-58ca97cc39a4", "applicationDisplayName": "Intune portal",
                  "servicePrincipalName": None, "ipAddress": None, "userId": "a0000000-0000-4000-8000-00000000000a"},
        "resources": [{"displayName": "CON-NB1001", "auditResourceType": "ManagedDevice", "type": "ManagedDevice",
                       "resourceId": "de000000-0000-4000-8000-000000000001", "modifiedProperties": []}],
    } | said  # fmt: skip


def _alert(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """An alert of Defender, by Graph and by the unified log."""
    yield "graph", "graph-alerts", {
        "id": f"ad{_id(at, said)}", "providerAlertId": "p-1", "incidentId": "1", "status": "new", "severity": "medium",
        "serviceSource": "microsoftDefenderForOffice365", "detectionSource": "microsoftDefenderForOffice365",
        "tenantId": TENANT, "description": said.get("title"), "category": "InitialAccess", "mitreTechniques": [],
        "createdDateTime": _z(at), "lastUpdateDateTime": _z(at), "comments": [], "systemTags": [],
        "evidence": [{"@odata.type": "#microsoft.graph.security.userEvidence", "createdDateTime": _z(at),
                      "verdict": "suspicious", "userAccount": {"accountName": "sam", "userPrincipalName": USER}}],
    } | said  # fmt: skip
    data = {"etype": "User", "eid": USER, "op": said.get("title"), "lon": said.get("description", "")}
    yield "unified", "o365-general", {
        "CreationTime": _z(at)[:-1], "Id": _id(at, said), "Operation": "AlertTriggered", "OrganizationId": TENANT,
        "RecordType": 40, "ResultStatus": "Succeeded", "UserKey": "SecurityComplianceAlerts", "UserType": 4,
        "Version": 1, "Workload": "SecurityComplianceCenter", "UserId": "SecurityComplianceAlerts", "ObjectId": USER,
        "AlertId": _id(at, "a"), "AlertType": "System", "Category": "ThreatManagement", "Comments": "New alert",
        "Data": json.dumps(data), "Name": said.get("title"), "PolicyId": "p", "Severity": "Medium",
        "Source": "Office 365 Security & Compliance", "Status": "Active", "EntityType": "User", "AlertEntityId": USER,
    }  # fmt: skip


def _activity(said: Json, at: datetime) -> Iterator[tuple[str, str, Json]]:
    """A record of Azure's activity log, as diagnostic settings export it."""
    yield "monitor", "import", {
        "time": _z(at), "resourceId": "/SUBSCRIPTIONS/5B000000-0000-4000-8000-000000000001", "resultType": "Success",
        "category": "Administrative", "resultSignature": "Succeeded.", "callerIpAddress": "192.0.2.1",
        "correlationId": _id(at, "c"), "level": "Information", "tenantId": TENANT,
        "identity": {"authorization": {"scope": "/", "action": said["operationName"]},
                     "claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": ADMIN}},
        "properties": {"eventCategory": "Administrative", "caller": ADMIN},
    } | said  # fmt: skip


#: Shape -> the records of what is said, each with the interface and the source that it came by.
SHAPES: Final[Mapping[str, Callable[[Json, datetime], Iterator[tuple[str, str, Json]]]]] = {
    "change": _change,
    "signin": _signin,
    "cmdlet": _unified("Exchange", 1, "o365-exchange", ResultStatus="True", ClientIP="192.0.2.1:4711",
                       ObjectId="sam", ExternalAccess=False, OrganizationName="contoso.example", UserType=2,
                       OriginatingServer="DB6PR04MB3206 (15.20.4200.018)", AppId="", ClientAppId=""),
    "compliance": _unified("SecurityComplianceCenter", 18, "o365-general", ResultStatus="Success", UserType=2,
                           ObjectId="", ClientApplication="EMC", NonPIIParameters=""),
    "mailbox": _unified("Exchange", 2, "o365-exchange", ResultStatus="Succeeded", UserId=USER, LogonType=0,
                        ClientIPAddress="192.0.2.9", ClientInfoString="Client=OWA;", ExternalAccess=False,
                        MailboxOwnerUPN=USER, MailboxGuid="3a000000-0000-4000-8000-000000000001"),
    "file": _unified("SharePoint", 6, "o365-sharepoint", **_SHAREPOINT),
    "copilot": _unified("Copilot", 261, "o365-general", Operation="CopilotInteraction", UserId=USER,
                        ClientIP="192.0.2.9"),
    "general": _unified("SecurityComplianceCenter", 24, "o365-general"),
    "studio": _unified("PowerPlatform", 256, "o365-general", ResultStatus="Success"),
    "risk": _plainly("graph", "graph-risk-detections", "activityDateTime", _RISK),
    "application_risk": _plainly("graph", "graph-risk-detections-serviceprincipal", "activityDateTime", _APP_RISK),
    "risky_user": _plainly("graph", "graph-risky-users", "riskLastUpdatedDateTime", _RISKY | _NAMED),
    "risky_application": _plainly("graph", "graph-risky-serviceprincipals", "riskLastUpdatedDateTime", _RISKY | _APP),
    "pim": _pim,
    "intune": _intune,
    "alert": _alert,
    "activity": _activity,
}  # fmt: skip

"""Where the fields that rules name stand, whichever interface a record came by.

Azure Monitor, Graph and the unified log name one thing in three ways, and public rules use all of them. A table has, by
a field's name without case and without `properties.`, the places to look at, in order: paths in the record, `ocsf:`
paths in the normalised event (which is the same for every interface), and functions for what no record says in those
words. `.` is the field's own name; where it is not listed, it comes last.

Names are Microsoft's: https://learn.microsoft.com/azure/azure-monitor/reference/tables/{auditlogs,signinlogs},
https://learn.microsoft.com/graph/api/resources/{directoryaudit,signin,riskdetection} and
https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aoc_rules.sigma.fields import Asked

#: Kinds of the unified log that Graph's category is not simply named after.
_CATEGORIES: Final = {
    "ServicePrincipal": "ApplicationManagement",
    "Company": "DirectoryManagement",
    "Policy": "Policy",
    "Device": "Device",
}
#: Where a word begins within `camelCase`.
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Incidents of one alert are of one kind.
_FEW: Final = 3
#: Pairs of a record have names of their own; Microsoft writes some twenty.
_MANY: Final = 100

type Table = Mapping[str, tuple[str | Callable[[Asked], Iterable[Any]], ...]]


def operation(record: Asked) -> tuple[str, ...]:
    """An operation in every spelling that one action has.

    As the record has it, trimmed, as the normalised event has it, with plain dashes, and with a final dot, as the
    unified log has it.
    """
    made: dict[str, None] = {}
    metadata = record.event.get("metadata")
    known = metadata.get("event_code") if isinstance(metadata, dict) else None
    for text in (*_own_operations(record), known):
        if isinstance(text, str) and text:
            made |= _spellings(text)
    return tuple(made)


@lru_cache(4096)
def _spellings(text: str) -> dict[str, None]:
    plain = spelling.operation(text)
    return dict.fromkeys((text, text.strip(), plain, f"{plain}."))


def _own_operations(record: Asked) -> Iterable[Any]:
    for body in record.bodies:
        for name in ("activityDisplayName", "Operation", "operationName", "OperationName", "ActivityDisplayName"):
            if name in body:
                yield body[name]
                break


def sign_in_operation(record: Asked) -> tuple[str, ...]:
    """What the unified log calls a sign-in, for those of Graph and Azure Monitor."""
    if record.event.get("class_uid") != 3002:  # noqa: PLR2004  # OCSF's number of authentication
        return operation(record)
    return ("UserLoggedIn" if record.event.get("status") == "Success" else "UserLoginFailed", *operation(record))


def unified_category(record: Asked) -> tuple[str, ...]:
    """Graph's category of a change that the unified log tells: `RoleManagement` for `Role`."""
    for body in record.bodies:
        for pair in _parts(body.get("ExtendedProperties"), _MANY):
            kind = pair.get("Value")
            if pair.get("Name") == "extendedAuditEventCategory" and isinstance(kind, str):
                return (_CATEGORIES.get(kind, f"{kind}Management"),)
    return ()


def unified_targets(record: Asked) -> tuple[object, ...]:
    """What a change of the unified log was made to: targets, and their changed properties, which Graph has within."""
    for body in record.bodies:
        if isinstance(body.get("Target"), list):
            return ({"Target": body["Target"], "ModifiedProperties": body.get("ModifiedProperties")},)
    return ()


def sign_in_protocol(record: Asked) -> tuple[str, ...]:
    """How somebody signed in, as Microsoft writes it (`deviceCode`) and as its portal shows it (`Device Code`)."""
    for body in record.bodies:
        protocol = body.get("authenticationProtocol") or body.get("AuthenticationProtocol")
        if isinstance(protocol, str):
            return protocol, _WORDS.sub(" ", protocol)
    return ()


def directory_workload(record: Asked) -> tuple[str, ...]:
    """What the unified log calls the service, for records of Graph and Azure Monitor."""
    metadata = record.event.get("metadata")
    product = metadata.get("product") if isinstance(metadata, dict) else None
    name = product.get("name") if isinstance(product, dict) else None
    return {"Microsoft Entra ID": ("AzureActiveDirectory",), "Exchange Online": ("Exchange",)}.get(str(name), ())


def security_centre(_: Asked) -> tuple[str, ...]:
    """Who raises alerts, as the rules call it."""
    return ("SecurityComplianceCenter",)


def pim_alert(record: Asked) -> tuple[str, ...]:
    """The kind of a PIM alert as the rules call it: `tooManyGlobalAdminsAssignedToTenantAlertIncident`.

    Graph says it by the types of the incidents and of the configuration, or by the end of the definition's id
    (`DirectoryRole_<tenant>_TooManyGlobalAdminsAssignedToTenantAlert`). An alert that is over warns of nothing.
    """
    made: list[str] = []
    for body in record.bodies:
        if body.get("isActive") is False:
            continue
        for part in (body, *_parts(body.get("alertConfiguration")), *_parts(body.get("alertIncidents"))):
            for name in ("riskEventType", "@odata.type", "alertDefinitionId", "id"):
                text = part.get(name)
                if isinstance(text, str) and "alert" in text.casefold():
                    kind = text.rpartition(".")[2].rpartition("_")[2]
                    made.extend((kind, f"{kind}Incident", f"{kind}Configuration"))
    return tuple(dict.fromkeys(made))


def _parts(value: object, most: int = _FEW) -> tuple[Mapping[str, Any], ...]:
    """The objects of a list, or the one that stands there; mostly the first few tell what all are."""
    listed = value[:most] if isinstance(value, list) else [value]
    return tuple(part for part in listed if isinstance(part, dict))


_RESULT: Final = ("ocsf:status",)
_PRINCIPAL: Final = ("ocsf:actor.user.email_addr", "ocsf:actor.user.name")

DIRECTORY: Final[Table] = {
    "operationname": (operation,),
    "operation": (operation,),
    "activitydisplayname": (operation,),
    "activitytype": (operation,),
    "activity": (operation,),
    "message": ("message", operation),
    "category": (".", unified_category, "ocsf:unmapped.category"),
    "status": ("ocsf:status", "result", "ResultStatus"),
    "result": ("ocsf:status", ".", "ResultStatus"),
    "resultreason": (".", "ResultDescription", "ocsf:status_detail"),
    "failure_status_reason": (".", "resultReason", "ResultDescription", "ocsf:status_detail"),
    "targetresources": (".", unified_targets, "Target", "ocsf:resources"),
    "targetresources.modifiedproperties": (".", "ModifiedProperties"),
    "target": ("targetResources", "."),
    "initiatedby": (".", *_PRINCIPAL),
    "initiatedby.user.userprincipalname": (".", *_PRINCIPAL),
    "initiatedby.user.ipaddress": (".", "ocsf:src_endpoint.ip"),
    "initiatedby.app.displayname": (".", "ocsf:actor.app_name"),
    "callerip": (".", "callerIpAddress", "ocsf:src_endpoint.ip"),
    "calleripaddress": (".", "ocsf:src_endpoint.ip"),
    "correlationid": (".", "ocsf:metadata.correlation_uid"),
    "loggedbyservice": (".", "ocsf:unmapped.loggedByService"),
    "additionaldetails": (".", "ExtendedProperties"),
    "activitydatetime": (".", "TimeGenerated", "CreationTime", "ocsf:metadata.original_time"),
}

SIGN_INS: Final[Table] = {
    "resulttype": (".", "status.errorCode", "ErrorNumber", "ocsf:status_code"),
    "status.errorcode": (".", "resultType", "ErrorNumber", "ocsf:status_code"),
    "errorcode": (".", "status.errorCode", "ErrorNumber", "ocsf:status_code"),
    "resultdescription": (".", "status.failureReason", "LogonError", "ocsf:status_detail"),
    "status.failurereason": (".", "resultDescription", "LogonError", "ocsf:status_detail"),
    "failurereason": (".", "status.failureReason", "resultDescription", "LogonError", "ocsf:status_detail"),
    "status": _RESULT,
    "result": _RESULT,
    "message": (sign_in_protocol, "message"),
    "location": ("ocsf:src_endpoint.location.country", "location.countryOrRegion", "."),
    "countryorregion": (".", "ocsf:src_endpoint.location.country"),
    "calleripaddress": (".", "ipAddress", "ocsf:src_endpoint.ip"),
    "ipaddress": (".", "callerIpAddress", "ClientIP", "ocsf:src_endpoint.ip"),
    "useragent": (".", "ExtendedProperties.UserAgent", "ocsf:http_request.user_agent"),
    "userprincipalname": (".", "UserId", *_PRINCIPAL),
    "username": (".", "userPrincipalName", "UserId", *_PRINCIPAL),
    "identity": (".", "userDisplayName", *_PRINCIPAL),
    "appid": (".", "ApplicationId", "ocsf:actor.app_uid"),
    "appdisplayname": (".", "ocsf:actor.app_name"),
    "application": (".", "appDisplayName", "ocsf:actor.app_name"),
    "resourcedisplayname": (".", "ocsf:service.name"),
    "resourceid": (".", "resourceIdentity", "ObjectId", "ocsf:service.uid"),
    "resourceidentity": (".", "resourceId", "ObjectId", "ocsf:service.uid"),
    "clientapp": (".", "clientAppUsed"),
    "clientappused": (".", "clientApp"),
    "devicedetail.deviceid": (".", "DeviceProperties.Id", "ocsf:src_endpoint.uid"),
    "devicedetail.operatingsystem": (".", "DeviceProperties.OS", "ocsf:src_endpoint.os.name"),
    "devicedetail.trusttype": (".", "DeviceProperties.TrustType"),
    "devicedetail.iscompliant": (".", "DeviceProperties.IsCompliant"),
    "riskstate": (".",),
    "operationname": ("OperationName", "Operation", operation),
    "correlationid": (".", "InterSystemsId", "ocsf:metadata.correlation_uid"),
    "activitydatetime": (".", "createdDateTime", "TimeGenerated", "CreationTime", "ocsf:metadata.original_time"),
    "createddatetime": (".", "TimeGenerated", "CreationTime", "ocsf:metadata.original_time"),
}

UNIFIED: Final[Table] = {
    "operation": (sign_in_operation,),
    "resultstatus": (".", "ocsf:status"),
    "userid": (".", "userPrincipalName", *_PRINCIPAL),
    "workload": (".", directory_workload),
    "clientip": (".", "ClientIPAddress", "ActorIpAddress", "ipAddress", "callerIpAddress", "ocsf:src_endpoint.ip"),
    "clientipaddress": (".", "ClientIP", "ActorIpAddress", "ocsf:src_endpoint.ip"),
    "actoripaddress": (".", "ClientIP", "ocsf:src_endpoint.ip"),
    "applicationid": (".", "AppId", "ocsf:actor.app_uid"),
    "appid": (".", "ApplicationId", "ocsf:actor.app_uid"),
    "objectid": (".", "resourceId", "ocsf:service.uid"),
    "requesttype": (".", "ExtendedProperties.RequestType"),
    "useragent": (".", "ExtendedProperties.UserAgent", "ocsf:http_request.user_agent"),
    "errornumber": (".", "status.errorCode", "resultType", "ocsf:status_code"),
    "logonerror": (".", "status.failureReason", "resultDescription", "ocsf:status_detail"),
    "modifiedproperties": (".", "targetResources.modifiedProperties"),
    "target": (".", "targetResources"),
    "creationtime": (".", "activityDateTime", "createdDateTime", "TimeGenerated", "ocsf:metadata.original_time"),
    "eventsource": (".", "Workload"),
    "eventname": (".", "Operation"),
    "status": _RESULT,
}

CLOUD_APPS: Final[Table] = {
    **UNIFIED,
    "eventsource": ("Workload", directory_workload),
    "eventname": (operation,),
}

ALERTS: Final[Table] = {
    "eventsource": (security_centre,),
    "eventname": ("title", "Name", "AlertTitle", "DisplayName", "ocsf:finding_info.title"),
    "status": _RESULT,
    "payload": (".", "Data", "description", "ocsf:finding_info.desc"),
    "severity": (".", "AlertSeverity", "ocsf:severity"),
    "operation": (operation,),
}

INTUNE: Final[Table] = {
    "operationname": ("activityType", "displayName", operation),
    "operation": ("activityType", "displayName", operation),
    "activitydisplayname": (".", "activityType", "displayName"),
    "status": _RESULT,
    "result": ("ocsf:status", "activityResult", "."),
    "resulttype": (".", "activityResult"),
    "identity": (".", "actor.userPrincipalName", *_PRINCIPAL),
    "userprincipalname": ("actor.userPrincipalName", ".", *_PRINCIPAL),
}

ACTIVITY: Final[Table] = {
    "operationname": (".", "operationNameValue", "OperationNameValue", "authorization.action", operation),
    "operationnamevalue": (".", "operationName", "authorization.action"),
    "status": ("ocsf:status", "."),
    "resulttype": (".", "ActivityStatusValue", "status"),
    "activitystatus": (".", "ActivityStatusValue", "resultType"),
    "caller": (".", "identity.claims.upn", *_PRINCIPAL),
    "calleripaddress": (".", "ocsf:src_endpoint.ip"),
    "resourceprovidervalue": (".", "resourceProviderName"),
}

RISK: Final[Table] = {
    "riskeventtype": (".", "riskType", "OriginalRiskEventType", "ocsf:unmapped.riskEventType"),
    "risktype": (".", "riskEventType"),
    "userprincipalname": (".", "UserId", *_PRINCIPAL),
    "ipaddress": (".", "ocsf:src_endpoint.ip"),
    "location": ("location.countryOrRegion", "ocsf:src_endpoint.location.country", "."),
}

PIM: Final[Table] = {"riskeventtype": (pim_alert,), "alerttype": (pim_alert,)}

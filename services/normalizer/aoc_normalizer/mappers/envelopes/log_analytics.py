"""Rows of Log Analytics and Sentinel tables: each goes to the mapper that knows what is in it, under Graph's names.

Source: azure-monitor-docs, the reference of each table. A table's columns are the record's fields in capitals
(`UserPrincipalName`, `IPAddress`); dynamic columns are JSON, often in strings. `Type` names the table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.mappers import azure_activity, sentinel
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.envelopes import diagnostics, hunting, resource_manager
from aoc_normalizer.mappers.graph import activity, directory, inventory, provisioning, risk, signins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_normalizer.draft import Draft

_SIGN_INS: Final[Mapping[str, str]] = {
    "SigninLogs": "interactiveUser",
    "AADNonInteractiveUserSignInLogs": "nonInteractiveUser",
    "AADServicePrincipalSignInLogs": "servicePrincipal",
    "AADManagedIdentitySignInLogs": "managedIdentity",
    "ADFSSignInLogs": "interactiveUser",
}
#: What a sign-in's own category calls it, where an export has no `Type`.
_CATEGORIES: Final[Mapping[str, str]] = {
    "NonInteractiveUserSignInLogs": "AADNonInteractiveUserSignInLogs",
    "ServicePrincipalSignInLogs": "AADServicePrincipalSignInLogs",
    "ManagedIdentitySignInLogs": "AADManagedIdentitySignInLogs",
}
_INTUNE: Final = frozenset({"IntuneAuditLogs", "IntuneOperationalLogs"})
#: Tables of Intune's inventory: what a device is at the time of the row.
_DEVICES: Final = frozenset({"IntuneDevices", "IntuneDeviceComplianceOrg"})
_AZURE: Final = "AzureActivity"
_GRAPH: Final[Mapping[str, Mapper]] = {
    "AuditLogs": directory.MAPPER,
    "AADProvisioningLogs": provisioning.MAPPER,
    "MicrosoftGraphActivityLogs": activity.MAPPER,
    "AADRiskyUsers": risk.MAPPER,
    "AADUserRiskEvents": risk.MAPPER,
    "AADRiskyServicePrincipals": risk.MAPPER,
    "AADServicePrincipalRiskEvents": risk.MAPPER,
}
#: Tables of Defender's advanced hunting, which Sentinel keeps under their own names.
_HUNTING: Final = (
    "AlertEvidence", "AlertInfo", "CloudAppEvents", "DeviceEvents", "DeviceFileCertificateInfo", "DeviceFileEvents",
    "DeviceImageLoadEvents", "DeviceInfo", "DeviceLogonEvents", "DeviceNetworkEvents", "DeviceNetworkInfo",
    "DeviceProcessEvents", "DeviceRegistryEvents", "EmailAttachmentInfo", "EmailEvents", "EmailPostDeliveryEvents",
    "EmailUrlInfo", "IdentityDirectoryEvents", "IdentityInfo", "IdentityLogonEvents", "IdentityQueryEvents",
    "UrlClickEvents",
)  # fmt: skip
_TABLES: Final = frozenset({*_SIGN_INS, *_GRAPH, *_INTUNE, *_DEVICES, *sentinel.TABLES, *_HUNTING, _AZURE})
#: Columns by which a row is known that does not say its table: all of them are there.
_KNOWN_BY: Final = (
    (("TargetResources", "InitiatedBy"), "AuditLogs"),
    (("OperationNameValue", "Caller"), _AZURE),
    (("ActivityStatusValue", "Caller"), _AZURE),
    (("SystemAlertId", "AlertName"), sentinel.ALERT),
    (("IncidentNumber", "Title"), sentinel.INCIDENT),
    (("RequestMethod", "RequestUri"), "MicrosoftGraphActivityLogs"),
    (("SourceIdentity", "TargetIdentity"), "AADProvisioningLogs"),
    (("RiskEventType", "RiskLevel"), "AADUserRiskEvents"),
    (("RiskLastUpdatedDateTime", "RiskLevel"), "AADRiskyUsers"),
    (("Properties", "Identity", "ResultType"), "IntuneAuditLogs"),
    (("DeviceId", "CompliantState"), "IntuneDevices"),
    (("IntuneDeviceId", "ComplianceState"), "IntuneDeviceComplianceOrg"),
)
#: Property of Graph's `managedDevice` -> columns.
_OF_DEVICES: Final = {
    "id": ("DeviceId", "IntuneDeviceId"),
    "deviceName": ("DeviceName",),
    "userPrincipalName": ("UPN", "UserEmail"),
    "userDisplayName": ("UserName",),
    "serialNumber": ("SerialNumber",),
    "manufacturer": ("Manufacturer",),
    "complianceState": ("CompliantState", "ComplianceState"),
    "managementState": ("DeviceState",),
    "lastSyncDateTime": ("TimeGenerated",),
}
_RENAMED: Final = {
    "IPAddress": "ipAddress",
    "LocationDetails": "location",
    "Location": "country",
    "ConditionalAccessPolicies": "appliedConditionalAccessPolicies",
    "ResourceServicePrincipalId": "resourceServicePrincipalId",
}


def recognises(record: Record) -> bool:
    """A row of a known table. Some exports drop `Type`; then it is known by columns of its own."""
    return "TimeGenerated" in record and _table(record) is not None


def _table(record: Record) -> str | None:
    named = record.get("Type")
    if isinstance(named, str) and named in _TABLES:
        return named
    if "ResultType" in record and ("AppDisplayName" in record or "ServicePrincipalName" in record):
        category = record.get("Category")
        kind = _CATEGORIES.get(category) if isinstance(category, str) else None
        return kind or ("SigninLogs" if "AppDisplayName" in record else "AADServicePrincipalSignInLogs")
    return next((table for columns, table in _KNOWN_BY if all(column in record for column in columns)), None)


def fill(record: Record, draft: Draft) -> None:
    """Hand the row on under the names that its mapper reads; what that used is noted under the row's own names."""
    table = _table(record) or ""
    if table in sentinel.TABLES:
        sentinel.fill_row(record, draft, table)
    elif table == _AZURE:
        event, columns = resource_manager.of_row(record)
        azure_activity.MAPPER.fill(event, draft)
        draft.used = columns
    elif table in _DEVICES:
        _device(record, draft)
    elif table in _INTUNE or table in _HUNTING:
        _enveloped(record, draft, table)
    else:
        _row(record, draft, table)
    if draft.time_ms is None:
        draft.original_time = values.text(record.get("TimeGenerated"))
        draft.time_ms = times.parse_ms(draft.original_time)
    draft.log_name = table
    draft.used |= {"TimeGenerated", "Type", "SourceSystem", "OperationName", "Category"}


def _row(record: Record, draft: Draft, table: str) -> None:
    names = {name: graph_name(name) for name in record}
    row = renamed(record, names)
    if table in _SIGN_INS:
        row.setdefault("signInEventTypes", [_SIGN_INS[table]])
        row["location"] = values.mapping(record.get("LocationDetails")) or values.text(record.get("Location"))
        row.setdefault(
            "status", {"errorCode": record.get("ResultType"), "failureReason": record.get("ResultDescription")}
        )
    row.setdefault("activityDisplayName", record.get("OperationName"))
    mapper = signins.MAPPER if table in _SIGN_INS else _GRAPH[table]
    mapper.fill(row, draft)
    if mapper is signins.MAPPER:
        signins.by_second(draft)
    if table == "AuditLogs" and not draft.actor.known:
        directory.named(values.text(record.get("Identity")), draft)
    draft.used = {name for name, theirs in names.items() if theirs in draft.used}
    # `TenantId` is the workspace's here.
    draft.organisation = draft.organisation or values.text(record.get("AADTenantId"))


def _device(record: Record, draft: Draft) -> None:
    """A managed device as Graph lists it, at the time of the row: each day has one of each device."""
    found = {name: values.first(record, *columns) for name, columns in _OF_DEVICES.items()}
    inventory.MAPPER.fill({"@odata.type": "#microsoft.graph.managedDevice", **found}, draft)
    draft.product, draft.service, draft.family = "Microsoft Intune", "intune", "intune-device"
    system = values.first(record, "OS")
    draft.search += [text for text in (system, values.first(record, "Model")) if text]
    draft.used = {column for columns in _OF_DEVICES.values() for column in columns}


def _enveloped(record: Record, draft: Draft, table: str) -> None:
    """Tables whose rows Azure Monitor also streams: as the envelope that it would send."""
    row: dict[str, Any] = dict(record)
    used: set[str] = set()
    if table in _INTUNE:
        envelope = {
            "time": record.get("TimeGenerated"),
            "category": table,
            "operationName": record.get("OperationName"),
            # Its operational logs have `Result`.
            "resultType": record.get("ResultType") or record.get("Result"),
            "identity": record.get("Identity"),
            "correlationId": record.get("CorrelationId"),
            "properties": record.get("Properties"),
        }
        diagnostics.MAPPER.fill(envelope, draft)
        used = {"OperationName", "ResultType", "Result", "Identity", "CorrelationId"} & record.keys()
        rest = {"Properties": draft.rest} if draft.rest else {}
        draft.rest, draft.used = rest, used | {"Properties"}
    else:
        row.setdefault("Timestamp", record.get("TimeGenerated"))
        hunting.MAPPER.fill({"category": f"AdvancedHunting-{table}", "properties": row}, draft)
        used = record.keys() - draft.rest.keys()
        draft.rest, draft.used = {}, set(used)


@lru_cache(maxsize=2048)
def graph_name(column: str) -> str:
    """`userPrincipalName` of `UserPrincipalName`, `ipAddress` of `IPAddress`, `id` of `Id`."""
    return _RENAMED.get(column) or column[:1].lower() + column[1:]


MAPPER: Final = Mapper("log-analytics", 7, recognises, fill)

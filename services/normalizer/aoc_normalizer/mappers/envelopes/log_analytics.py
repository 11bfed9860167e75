"""Rows of Log Analytics and Sentinel tables: each goes to the mapper that knows what is in it, under Graph's names.

Source: azure-monitor-docs, the reference of each table. A table's columns are the record's fields in capitals
(`UserPrincipalName`, `IPAddress`); dynamic columns are JSON, often in strings. `Type` names the table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.envelopes import diagnostics, hunting
from aoc_normalizer.mappers.graph import activity, directory, provisioning, risk, signins
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import DETECTION_FINDING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SIGN_INS: Final[Mapping[str, str]] = {
    "SigninLogs": "interactiveUser",
    "AADNonInteractiveUserSignInLogs": "nonInteractiveUser",
    "AADServicePrincipalSignInLogs": "servicePrincipal",
    "AADManagedIdentitySignInLogs": "managedIdentity",
}
_INTUNE: Final = frozenset({"IntuneAuditLogs", "IntuneOperationalLogs"})
_GRAPH: Final[Mapping[str, Mapper]] = {
    "AuditLogs": directory.MAPPER,
    "AADProvisioningLogs": provisioning.MAPPER,
    "MicrosoftGraphActivityLogs": activity.MAPPER,
    "AADRiskyUsers": risk.MAPPER,
    "AADUserRiskEvents": risk.MAPPER,
    "AADRiskyServicePrincipals": risk.MAPPER,
    "AADServicePrincipalRiskEvents": risk.MAPPER,
}
_ALERTS: Final = frozenset({"SecurityAlert", "SecurityIncident"})
#: Tables of Defender's advanced hunting, which Sentinel keeps under their own names.
_HUNTING: Final = (
    "AlertEvidence", "AlertInfo", "CloudAppEvents", "DeviceEvents", "DeviceFileCertificateInfo", "DeviceFileEvents",
    "DeviceImageLoadEvents", "DeviceInfo", "DeviceLogonEvents", "DeviceNetworkEvents", "DeviceNetworkInfo",
    "DeviceProcessEvents", "DeviceRegistryEvents", "EmailAttachmentInfo", "EmailEvents", "EmailPostDeliveryEvents",
    "EmailUrlInfo", "IdentityDirectoryEvents", "IdentityInfo", "IdentityLogonEvents", "IdentityQueryEvents",
    "UrlClickEvents",
)  # fmt: skip
_TABLES: Final = frozenset({*_SIGN_INS, *_GRAPH, *_INTUNE, *_ALERTS, *_HUNTING})
_RENAMED: Final = {
    "IPAddress": "ipAddress",
    "LocationDetails": "location",
    "Location": "country",
    "ResourceServicePrincipalId": "resourceServicePrincipalId",
}


def recognises(record: Record) -> bool:
    """A row of a known table. Some exports drop `Type`; then sign-ins and audits tell by columns of their own."""
    return "TimeGenerated" in record and _table(record) is not None


def _table(record: Record) -> str | None:
    named = record.get("Type")
    if isinstance(named, str) and named in _TABLES:
        return named
    if "AppDisplayName" in record and "ResultType" in record:
        return "SigninLogs"
    return "AuditLogs" if "TargetResources" in record and "InitiatedBy" in record else None


def fill(record: Record, draft: Draft) -> None:
    """Hand the row on under the names that its mapper reads; what that used is noted under the row's own names."""
    table = _table(record) or ""
    if table in _ALERTS:
        _alert(record, draft, table)
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
    draft.used = {name for name, theirs in names.items() if theirs in draft.used}
    # `TenantId` is the workspace's here.
    draft.organisation = draft.organisation or values.text(record.get("AADTenantId"))


def _enveloped(record: Record, draft: Draft, table: str) -> None:
    """Tables whose rows Azure Monitor also streams: as the envelope that it would send."""
    row: dict[str, Any] = dict(record)
    used: set[str] = set()
    if table in _INTUNE:
        envelope = {
            "time": record.get("TimeGenerated"),
            "category": table,
            "operationName": record.get("OperationName"),
            "resultType": record.get("ResultType"),
            "identity": record.get("Identity"),
            "correlationId": record.get("CorrelationId"),
            "properties": record.get("Properties"),
        }
        diagnostics.MAPPER.fill(envelope, draft)
        used = {"OperationName", "ResultType", "Identity", "CorrelationId"} & record.keys()
        rest = {"Properties": draft.rest} if draft.rest else {}
        draft.rest, draft.used = rest, used | {"Properties"}
    else:
        row.setdefault("Timestamp", record.get("TimeGenerated"))
        hunting.MAPPER.fill({"category": f"AdvancedHunting-{table}", "properties": row}, draft)
        used = record.keys() - draft.rest.keys()
        draft.rest, draft.used = {}, set(used)


def _alert(record: Record, draft: Draft, table: str) -> None:
    """Sentinel's own alerts and incidents. Each change of one is a row, and a version of its event."""
    draft.used |= {"SystemAlertId", "IncidentName", "AlertName", "Title", "Status", "DisplayName", "CompromisedEntity"}
    draft.product, draft.service = "Microsoft Sentinel", "sentinel"
    draft.record_id = values.first(record, "SystemAlertId", "IncidentName", "IncidentNumber")
    draft.family = table.casefold()
    if draft.record_id:
        changed = values.first(record, "LastModifiedTime", "ProcessingEndTime", "TimeGenerated")
        draft.former.append((f"{draft.family}@{changed}", draft.record_id))
    draft.original_time = values.first(record, "StartTime", "CreatedTime", "FirstActivityTime", "TimeGenerated")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation = "Incident" if table == "SecurityIncident" else "Alert"
    title = values.first(record, "DisplayName", "Title", "AlertName") or f"Untitled {draft.operation.lower()}"
    status = (values.text(record.get("Status")) or "").casefold()
    draft.class_uid, draft.activity_id = DETECTION_FINDING, 3 if status in {"closed", "resolved", "dismissed"} else 1
    draft.severity = severity_of(values.first(record, "AlertSeverity", "Severity"), MEDIUM)
    draft.result = "success"
    draft.targets = [Party(title, uid=draft.record_id, kind="alert")]
    if about := values.text(record.get("CompromisedEntity")):
        draft.actor = named_party(about)
        draft.targets.append(draft.actor)
    owner = values.first(values.mapping(record.get("Owner")), "userPrincipalName", "assignedTo")
    draft.remark = ", ".join(part for part in (status, f"assigned to {owner}" if owner else None) if part)
    draft.sentence = _sentence(title)


def _sentence(title: str) -> Callable[[Draft], str]:
    def tell(draft: Draft) -> str:
        about = f" ({draft.actor.spoken})" if draft.actor.known else ""
        return f"{draft.operation}: {title}{about}" + (f", {draft.remark}" if draft.remark else "")

    return tell


@lru_cache(maxsize=2048)
def graph_name(column: str) -> str:
    """`userPrincipalName` of `UserPrincipalName`, `ipAddress` of `IPAddress`, `id` of `Id`."""
    return _RENAMED.get(column) or column[:1].lower() + column[1:]


MAPPER: Final = Mapper("log-analytics", 4, recognises, fill)

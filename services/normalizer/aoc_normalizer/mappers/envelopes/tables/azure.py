"""Exports of Log Analytics and Sentinel, whose portal adds ` [UTC]` to columns of times, and of Azure's activity log.

Sources: azure-monitor-docs, the reference of each table; activity-log.md (the portal's download).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields.spellings import GRAPH, UNIFIED
from aoc_normalizer.mappers import azure_activity, hunting_tables
from aoc_normalizer.mappers.envelopes import log_analytics
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

#: Columns that are no property's name with a capital letter.
_OWN: Final = paths(
    "TimeGenerated Type Category OperationName ResultType ResultDescription ResultSignature Identity Properties",
    "TenantId AADTenantId AADOperationType IPAddress LocationDetails Location ConditionalAccessPolicies",
    "OfficeWorkload OfficeObjectId OfficeId Operation RecordType OfficeTenantId Parameters Start_Time",
    "OperationNameValue ActivityStatus ActivityStatusValue ActivitySubstatus ActivitySubstatusValue CategoryValue",
    "CallerIpAddress EventDataId EventSubmissionTimestamp HTTPRequest Claims Authorization Caller ResourceGroup",
    "SubscriptionId ResourceId Resource ResourceProviderValue Claims_d Authorization_d Level",
    "IncidentName IncidentNumber Title Description Severity Status Classification Owner CreatedTime LastModifiedTime",
    "FirstActivityTime LastActivityTime SystemAlertId AlertName DisplayName AlertSeverity CompromisedEntity StartTime",
    "EndTime ProcessingEndTime Entities Tactics ProviderName VendorName",
    "DeviceName SerialNumber UPN UserEmail UserName CompliantState ComplianceState DeviceState IntuneDeviceId OS Model",
    "Manufacturer",
    _resourceid="_ResourceId",
)
_COLUMNS: Final = (
    paths(*hunting_tables.COLUMNS)
    | paths(*(f"{name[:1].upper()}{name[1:]}" for name in GRAPH.values()))
    | paths(*UNIFIED.values())
    | _OWN
)

_ACTIVITY: Final = paths(
    "correlationId operationName status category level resourceGroupName resourceId caller callerIpAddress",
    "subscriptionId eventDataId",
    time="eventTimestamp",
    timestamp="eventTimestamp",
    eventtimestamp="eventTimestamp",
    date="eventTimestamp",
    eventcategory="category",
    subscription="subscriptionId",
    eventinitiatedby="caller",
    initiatedby="caller",
    resourcegroup="resourceGroupName",
    resource="resourceId",
    resourceuri="resourceId",
    operation="operationName",
)


def _row(row: Record) -> Record:
    row.setdefault("TimeGenerated", None)
    return row


def _event(row: Record) -> Record:
    return row | {"tenantId": None}


TABLES: Final = (
    Table(
        "OfficeActivity",
        needs("timegenerated", "operation", "officeworkload officeid officeobjectid recordtype"),
        _COLUMNS,
        audit_log.MAPPER,
    ),
    Table(
        "Log Analytics",
        needs(
            "timegenerated",
            "type operationname activitydisplayname appdisplayname serviceprincipalname resulttype actiontype "
            "alertname "
            "title requestmethod risklevel operationnamevalue activitystatusvalue",
        ),
        _COLUMNS,
        log_analytics.MAPPER,
        record=_row,
        accepts=log_analytics.MAPPER.recognises,
    ),
    Table(
        "Azure activity log",
        needs(
            "time timestamp eventtimestamp date",
            "operationname operation",
            "eventinitiatedby caller",
            "resourcegroup resource resourceid subscription",
        ),
        _ACTIVITY,
        azure_activity.MAPPER,
        lacks=frozenset({"timegenerated"}),
        record=_event,
    ),
)

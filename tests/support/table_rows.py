"""Rows of tables that are exported, and the records of Microsoft's that hold the same."""

from __future__ import annotations

import json
from typing import Any

AT = "2026-11-20T10:00:00Z"
AT_MS = 1795168800000
ROLE = [{"displayName": "Role.DisplayName", "oldValue": None, "newValue": '"Global Administrator"'}]
AUDIT: dict[str, Any] = {
    "id": "Directory_7_ABC_1",
    "activityDateTime": AT,
    "activityDisplayName": "Add member to role",
    "category": "RoleManagement",
    "correlationId": "c-7",
    "loggedByService": "Core Directory",
    "result": "success",
    "initiatedBy": {"user": {"id": "u-1", "userPrincipalName": "tove@contoso.example", "ipAddress": "203.0.113.9"}},
    "targetResources": [{"id": "u-2", "displayName": "Ansel Roe", "type": "User", "modifiedProperties": ROLE}],
}
PORTAL_AUDIT = {
    "Date (UTC)": AT,
    "CorrelationId": "c-7",
    "Service": "Core Directory",
    "Category": "RoleManagement",
    "Activity": "Add member to role",
    "Result": "Success",
    "ResultReason": "",
    "ActorType": "User",
    "ActorDisplayName": "",
    "ActorObjectId": "u-1",
    "ActorUserPrincipalName": "tove@contoso.example",
    "IPAddress": "203.0.113.9",
    "ActorServicePrincipalId": "",
    "Target1Type": "User",
    "Target1DisplayName": "Ansel Roe",
    "Target1ObjectId": "u-2",
    "Target1ModifiedProperty1Name": "Role.DisplayName",
    "Target1ModifiedProperty1OldValue": "",
    "Target1ModifiedProperty1NewValue": '"Global Administrator"',
    "Target2Type": "",
    "AdditionalDetail1Key": "User-Agent",
    "AdditionalDetail1Value": "Mozilla/5.0",
    "Id": "Directory_7_ABC_1",
}
FLAT_AUDIT = {
    "Id": "Directory_7_ABC_1",
    "ActivityDateTime": "11/20/2026 10:00:00 AM",
    "ActivityDisplayName": "Add member to role",
    "LoggedByService": "Core Directory",
    "Result": "success",
    "InitiatedBy.User.UserPrincipalName": "tove@contoso.example",
    "InitiatedBy.User.IpAddress": "203.0.113.9",
    "TargetResources": json.dumps([{"DisplayName": "Ansel Roe", "Type": "User", "ModifiedProperties": ROLE}]),
}
SENTINEL_AUDIT = {
    "TimeGenerated [UTC]": "11/20/2026, 10:00:00.000 AM",
    "OperationName": "Add member to role",
    "Result": "success",
    "ActivityDateTime [UTC]": "11/20/2026, 10:00:00.000 AM",
    "ActivityDisplayName": "Add member to role",
    "Id": "Directory_7_ABC_1",
    "InitiatedBy": json.dumps(AUDIT["initiatedBy"]),
    "TargetResources": json.dumps(AUDIT["targetResources"]),
    "Type": "AuditLogs",
}
UNIFIED = {
    "Id": "9d0b-1",
    "CreationTime": "2026-11-20T10:00:00",
    "Operation": "FileDownloaded",
    "Workload": "SharePoint",
    "RecordType": 6,
    "UserId": "tove@contoso.example",
    "ClientIP": "203.0.113.9",
    "ObjectId": "https://contoso.example/plan.docx",
    "SourceFileName": "plan.docx",
}
FLAT_UNIFIED = {
    "RecordId": "9d0b-1",
    "CreationDate": AT,
    "AuditData.Operation": "FileDownloaded",
    "AuditData.Workload": "SharePoint",
    "AuditData.UserId": "tove@contoso.example",
    "AuditData.ClientIP": "203.0.113.9",
    "AuditData.ObjectId": "https://contoso.example/plan.docx",
    "AuditData.SourceFileName": "plan.docx",
}
OFFICE_ACTIVITY = {
    "TimeGenerated [UTC]": "11/20/2026, 10:00:00.000 AM",
    "OfficeId": "9d0b-1",
    "Operation": "FileDownloaded",
    "OfficeWorkload": "SharePoint",
    "RecordType": "SharePointFileOperation",
    "UserId": "tove@contoso.example",
    "ClientIP": "203.0.113.9",
    "OfficeObjectId": "https://contoso.example/plan.docx",
    "SourceFileName": "plan.docx",
    "Type": "OfficeActivity",
}
APP_EVENT = {
    "Timestamp": AT,
    "ActionType": "FileDownloaded",
    "Application": "Microsoft SharePoint Online",
    "RawEventData": json.dumps(UNIFIED),
    "ReportId": "7_15600_9d0b-1",
}
INTUNE: dict[str, Any] = {
    "id": "i-7",
    "activityDateTime": AT,
    "activityType": "wipe ManagedDevice",
    "activityResult": "Success",
    "componentName": "ManagedDevice",
    "actor": {"userPrincipalName": "tove@contoso.example", "applicationDisplayName": "Intune portal"},
    "resources": [{"displayName": "PC-7", "resourceId": "d-7"}],
}
SENTINEL_INTUNE = {
    "TimeGenerated [UTC]": "11/20/2026, 10:00:00.000 AM",
    "OperationName": "wipe ManagedDevice",
    "ResultType": "Success",
    "Identity": "tove@contoso.example",
    "Properties": json.dumps(
        {
            "AuditEventId": "i-7",
            "ActivityDate": "11/20/2026 10:00:00 AM",
            "Actor": {"UPN": "tove@contoso.example", "ApplicationName": "Intune portal"},
            "Targets": [{"Name": "PC-7"}],
            "TargetObjectIds": ["d-7"],
        }
    ),
    "Type": "IntuneAuditLogs",
}
FLAT_INTUNE = {
    "id": "i-7",
    "activityDateTime": AT,
    "activityType": "wipe ManagedDevice",
    "activityResult": "Success",
    "actor.userPrincipalName": "tove@contoso.example",
    "resources.displayName": "PC-7",
}
TRACE = {
    "MessageTraceId": "m-7",
    "MessageId": "<7@mail.example>",
    "Received": AT,
    "SenderAddress": "drop@mail.example",
    "RecipientAddress": "tove@contoso.example",
    "Subject": "Lunch",
    "Status": "Delivered",
    "FromIP": "203.0.113.9",
}
TRACE_CSV = TRACE | {"Received": "11/20/2026 10:00:00 AM", "Size": "7", "ToIP": ""}
TRACE_SPELT = {
    "Message Trace ID": "m-7",
    "Date (UTC)": AT,
    "Sender": "drop@mail.example",
    "Recipient": "tove@contoso.example",
    "Subject": "Lunch",
    "Status": "Delivered",
    "From IP": "203.0.113.9",
}
LOGON = {
    "Timestamp": "2026-11-20T10:00:00.1234567Z",
    "ActionType": "LogonFailed",
    "LogonType": "Credentials validation",
    "AccountName": "tove",
    "AccountUpn": "tove@contoso.example",
    "DeviceName": "PC-7",
    "IPAddress": "203.0.113.9",
    "FailureReason": "WrongPassword",
    "ReportId": "r-7",
}
STREAMED_LOGON = {"category": "AdvancedHunting-IdentityLogonEvents", "time": AT, "properties": LOGON}
SPELT_LOGON = {name.lower(): value for name, value in LOGON.items()}
SENTINEL_LOGON = {"TimeGenerated [UTC]": "11/20/2026, 10:00:00.123 AM", "Type": "IdentityLogonEvents", **LOGON}
AZURE: dict[str, Any] = {
    "eventDataId": "e-7",
    "eventTimestamp": AT,
    "operationName": {"value": "Microsoft.Compute/virtualMachines/delete", "localizedValue": "Delete Virtual Machine"},
    "caller": "tove@contoso.example",
    "category": {"value": "Administrative"},
    "status": {"value": "Succeeded"},
    "correlationId": "c-7",
    "resourceId": "/subscriptions/s-1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/web-1",
    "httpRequest": {"clientIpAddress": "203.0.113.9"},
}
SENTINEL_AZURE = {
    "TimeGenerated [UTC]": "11/20/2026, 10:00:00.000 AM",
    "EventDataId": "e-7",
    "OperationNameValue": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE",
    "Caller": "tove@contoso.example",
    "CallerIpAddress": "203.0.113.9",
    "ActivityStatusValue": "Success",
    "_ResourceId": AZURE["resourceId"],
    "Type": "AzureActivity",
}
INCIDENT = {
    "id": "/subscriptions/s-1/providers/Microsoft.SecurityInsights/Incidents/n-7",
    "name": "n-7",
    "type": "Microsoft.SecurityInsights/Incidents",
    "properties": {
        "title": "Odd sign-ins",
        "severity": "High",
        "status": "Active",
        "createdTimeUtc": AT,
        "incidentNumber": 7,
        "owner": {"userPrincipalName": "tove@contoso.example"},
    },
}
SDK_INCIDENT = {
    "name": "n-7",
    "type": "Microsoft.SecurityInsights/Incidents",
    "title": "Odd sign-ins",
    "severity": "High",
    "status": "Active",
    "created_time_utc": "2026-11-20T10:00:00+00:00",
    "owner": {"user_principal_name": "tove@contoso.example"},
}
SENTINEL_INCIDENT = {
    "TimeGenerated [UTC]": "11/20/2026, 11:00:00.000 AM",
    "CreatedTime [UTC]": "11/20/2026, 10:00:00.000 AM",
    "IncidentName": "n-7",
    "IncidentNumber": "7",
    "Title": "Odd sign-ins",
    "Severity": "High",
    "Status": "Active",
    "Owner": '{"userPrincipalName":"tove@contoso.example"}',
    "Type": "SecurityIncident",
}
PROVISIONING: dict[str, Any] = {
    "id": "p-7",
    "activityDateTime": AT,
    "provisioningAction": "create",
    "provisioningStatusInfo": {"status": "failure", "errorInformation": {"reason": "duplicate"}},
    "sourceSystem": {"displayName": "Workday"},
    "targetSystem": {"displayName": "Dropbox"},
    "sourceIdentity": {"displayName": "Ansel Roe", "identityType": "User"},
    "targetIdentity": {"displayName": "Ansel Roe", "identityType": "User"},
    "initiatedBy": {"displayName": "Provisioning"},
}
FLAT_PROVISIONING = {
    "Id": "p-7",
    "Date (UTC)": AT,
    "Identity": "Ansel Roe",
    "Identity Type": "User",
    "Action": "Create",
    "Source System": "Workday",
    "Target System": "Dropbox",
    "Status": "Failure",
    "Status reason": "duplicate",
    "Initiated by": "Provisioning",
}
RISK = {
    "id": "k-7",
    "activityDateTime": AT,
    "riskEventType": "unfamiliarFeatures",
    "riskLevel": "high",
    "riskState": "atRisk",
    "userDisplayName": "Tove Lund",
    "userPrincipalName": "tove@contoso.example",
    "ipAddress": "203.0.113.9",
    "location": {"city": "Malmö", "state": "Skåne", "countryOrRegion": "SE"},
}
PORTAL_RISK = {
    "Unique ID": "k-7",
    "Date (UTC)": AT,
    "Detection type": "unfamiliarFeatures",
    "Risk level": "High",
    "Risk state": "At risk",
    "User": "Tove Lund",
    "Username": "tove@contoso.example",
    "IP address": "203.0.113.9",
    "Location": "Malmö, Skåne, SE",
}
#: Record -> the same in tables that hold its id. `docs/reference/shapes.md` has the same list.
SAME: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "audit": (AUDIT, [PORTAL_AUDIT, FLAT_AUDIT, SENTINEL_AUDIT]),
    "unified": (UNIFIED, [FLAT_UNIFIED, OFFICE_ACTIVITY, APP_EVENT]),
    "intune": (INTUNE, [SENTINEL_INTUNE, FLAT_INTUNE]),
    "trace": (TRACE, [TRACE_CSV, TRACE_SPELT]),
    "logon": (STREAMED_LOGON, [LOGON, SPELT_LOGON]),
    "azure": (AZURE, [SENTINEL_AZURE]),
    "incident": (INCIDENT, [SDK_INCIDENT, SENTINEL_INCIDENT]),
    "provisioning": (PROVISIONING, [FLAT_PROVISIONING]),
    "risk": (RISK, [PORTAL_RISK]),
}
MESSAGES = {
    "audit": "tove@contoso.example added Ansel Roe to role Global Administrator",
    "unified": "tove@contoso.example downloaded file plan.docx",
    "intune": "tove@contoso.example wiped device PC-7",
    "trace": "Mail from drop@mail.example to tove@contoso.example: delivered, “Lunch”",
    "logon": "Logon of tove from 203.0.113.9 failed on PC-7: WrongPassword",
    "azure": "tove@contoso.example deleted virtual machine web-1",
    "incident": "Incident: Odd sign-ins, active, assigned to tove@contoso.example",
    "provisioning": "Failed: Provisioning created Ansel Roe from Workday in Dropbox: duplicate",
    "risk": "Risk of Tove Lund: unfamiliar features from 203.0.113.9 (Malmö), level high, at risk",
}

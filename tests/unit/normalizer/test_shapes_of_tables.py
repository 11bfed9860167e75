"""Rows of tables that portals, PowerShell, Sentinel and Defender export become the events of Microsoft's records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts.event import Event
from aoc_normalizer.mappers.envelopes.tables import TABLES, recognise_table
from aoc_normalizer.mappers.envelopes.tables.columns import column_key
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
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
    "trace": "Mail from drop@mail.example to tove@contoso.example: Delivered, “Lunch”",
    "logon": "Logon of tove from 203.0.113.9 failed on PC-7: WrongPassword",
    "azure": "tove@contoso.example deleted virtual machine web-1",
    "incident": "Incident: Odd sign-ins, active, assigned to tove@contoso.example",
    "provisioning": "Failed: Provisioning created Ansel Roe from Workday in Dropbox: duplicate",
    "risk": "Risk of Tove Lund: unfamiliarFeatures, level high, state atRisk",
}


def event(record: dict[str, Any]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


@pytest.mark.parametrize("kind", SAME)
def test_a_row_that_holds_the_id_is_the_same_event_with_the_same_sentence(kind: str, ocsf_faults) -> None:
    record, rows = SAME[kind]
    original = event(record)

    assert original.ocsf["message"] == MESSAGES[kind]
    for row in rows:
        made = event(row)
        assert ocsf_faults(made) == []
        assert (made.id, made.time_ms, made.result) == (original.id, original.time_ms, original.result), row
        assert made.ocsf["message"] == MESSAGES[kind]


def spelt(value: Any, spell: Callable[[str], str]) -> Any:
    """The same value with other names."""
    if isinstance(value, dict):
        return {spell(name): spelt(inner, spell) for name, inner in value.items()}
    return [spelt(inner, spell) for inner in value] if isinstance(value, list) else value


ENVELOPE = {
    "time": AT,
    "category": "AuditLogs",
    "operationName": "wipe ManagedDevice",
    "resultType": "Success",
    "properties": {
        "AuditEventId": "i-7",
        "ActivityDate": "11/20/2026 10:00:00 AM",
        "Actor": {"UPN": "tove@contoso.example", "ApplicationName": "Intune portal"},
        "TargetObjectIds": ["d-7"],
        "Targets": [{"Name": "PC-7", "ModifiedProperties": [{"Name": "keepUserData", "Old": None, "New": "False"}]}],
    },
}
ROW = {"CreationDate": AT, "UserIds": "tove@contoso.example", "Operations": "FileDownloaded", "AuditData": UNIFIED}


@pytest.mark.parametrize("spell", [str.lower, str.upper, lambda name: f"{name[:1].upper()}{name[1:]}"])
@pytest.mark.parametrize(
    ("record", "kind"),
    [(AUDIT, "audit"), (INTUNE, "intune"), (ENVELOPE, "intune"), (AZURE, "azure"), (PROVISIONING, "provisioning")],
)
def test_names_in_another_case_are_the_same_record(record, kind, spell, ocsf_faults) -> None:
    made = event(spelt(record, spell))

    assert ocsf_faults(made) == []
    assert made.id == event(SAME[kind][0]).id
    assert made.ocsf["message"] == MESSAGES[kind]


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_row_around_a_record_is_known_in_any_case(spell, ocsf_faults) -> None:
    made = event({spell(name): json.dumps(cell) if name == "AuditData" else cell for name, cell in ROW.items()})

    assert ocsf_faults(made) == []
    assert made.id == event(UNIFIED).id
    assert made.ocsf["message"] == MESSAGES["unified"]


@given(st.data())
def test_case_order_and_blanks_of_columns_say_nothing(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(SAME)))
    original, rows = SAME[kind]
    row = data.draw(
        st.sampled_from([row for row in rows if all(isinstance(cell, str) for cell in row.values())] or rows)
    )
    spell = data.draw(st.sampled_from([str.upper, str.lower, lambda text: f"{text} "]))
    columns = data.draw(st.permutations(list(row)))
    other = {spell(column): row[column] for column in columns}

    if kind != "incident" or row is SENTINEL_INCIDENT:
        assert recognise_table(other) is not None
        assert event(other).id == event(original).id


def test_a_table_of_sentinel_tells_hunting_to_the_millisecond_only() -> None:
    made = event(SENTINEL_LOGON)

    assert made.ocsf["message"] == MESSAGES["logon"]
    assert made.time_ms == event(LOGON).time_ms


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {
                "Date": AT,
                "Initiated by (actor)": "tove@contoso.example",
                "Application name": "Intune portal",
                "Activity": "setDeviceName ManagedDevice",
                "Target(s)": "PC-7",
                "Category": "Device",
                "Status": "Success",
            },
            "tove@contoso.example renamed device PC-7",
        ),
        (
            {
                "Date": AT,
                "Service": "Core Directory",
                "Category": "UserManagement",
                "Activity": "Delete user",
                "Status": "Success",
                "Target(s)": "ansel@contoso.example",
                "Initiated by (actor)": "tove@contoso.example",
            },
            "tove@contoso.example deleted user ansel@contoso.example",
        ),
        (
            {
                "RunDate": "11/20/2026 10:00:00 AM",
                "Caller": "tove@contoso.example",
                "CmdletName": "Set-Mailbox",
                "ObjectModified": "ansel",
                "CmdletParameters": "{Identity, ForwardingSmtpAddress}",
                "ModifiedProperties": "{}",
                "Succeeded": "True",
                "Error": "",
                "Identity": "AAMk7",
            },
            "tove@contoso.example changed mailbox ansel, with ForwardingSmtpAddress",
        ),
        (
            {
                "RunDate": AT,
                "Caller": "tove@contoso.example",
                "CmdletName": "Set-Mailbox",
                "ObjectModified": "ansel",
                "CmdletParameters": '[{"Name":"ForwardingSmtpAddress","Value":"smtp:drop@bad.example"}]',
                "Succeeded": "True",
            },
            "tove@contoso.example changed mailbox ansel, forwarding to smtp:drop@bad.example",
        ),
        (
            {
                "LastAccessed": "11/20/2026 10:00:00 AM",
                "Operation": "HardDelete",
                "OperationResult": "Succeeded",
                "LogonType": "Delegate",
                "LogonUserDisplayName": "Tove Lund",
                "MailboxOwnerUPN": "ansel@contoso.example",
                "FolderPathName": "\\Inbox",
                "SourceItemSubjectsList": "Invoice",
                "ClientIPAddress": "203.0.113.9",
                "Identity": "RgAA7",
            },
            "Tove Lund deleted mail of ansel@contoso.example for good, in folder \\Inbox",
        ),
        (
            {
                "origin_timestamp_utc": AT,
                "sender_address": "drop@mail.example",
                "recipient_status": "tove@contoso.example##Receive, Deliver;ansel@contoso.example##Receive, Fail",
                "message_subject": "Lunch",
                "network_message_id": "m-7",
                "original_client_ip": "203.0.113.9",
            },
            (
                "Mail from drop@mail.example to tove@contoso.example, ansel@contoso.example: "
                "tove@contoso.example: Receive, Deliver; ansel@contoso.example: Receive, Fail, “Lunch”"
            ),
        ),
        (
            {
                "date_time_utc": AT,
                "event_id": "SEND",
                "sender_address": "drop@mail.example",
                "recipient_address": "tove@contoso.example",
                "recipient_status": "250 2.1.5 Recipient OK",
                "network_message_id": "m-7",
                "message_subject": "Lunch",
            },
            "Mail from drop@mail.example to tove@contoso.example: SEND, “Lunch”",
        ),
        (
            {
                "Activity ID": "act-7",
                "Date": AT,
                "Activity type": "Download",
                "Description": "Download file plan.docx",
                "User": "tove@contoso.example",
                "App": "Microsoft SharePoint Online",
                "IP address": "203.0.113.9",
                "Location": "SE",
            },
            "tove@contoso.example: Download file plan.docx",
        ),
        (
            {
                "Incident name": "Odd sign-ins",
                "Incident Id": "7",
                "Severity": "High",
                "Status": "Active",
                "Impacted assets": "tove@contoso.example, PC-7",
                "First activity": AT,
                "Assigned to": "",
            },
            "Incident: Odd sign-ins (tove@contoso.example), active",
        ),
        (
            {
                "Correlation id": "c-7",
                "Operation name": "Delete Virtual Machine",
                "Status": "Succeeded",
                "Event category": "Administrative",
                "Time": AT,
                "Subscription": "s-1",
                "Event initiated by": "tove@contoso.example",
                "Resource group": "web",
                "Resource": "/subscriptions/s-1/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/web-1",
            },
            "tove@contoso.example asked for Delete Virtual Machine on web-1",
        ),
        (
            {
                "Timestamp": "Nov 20, 2026 10:00:00 AM",
                "ActionType": "ClickAllowed",
                "Url": "https://bad.example/x",
                "AccountUpn": "tove@contoso.example",
                "Workload": "Email",
                "IsClickedThrough": "1",
                "IPAddress": "203.0.113.9",
                "ReportId": "r-8",
            },
            "tove@contoso.example: click allowed, URL https://bad.example/x",
        ),
        (
            {
                "Timestamp": AT,
                "NetworkMessageId": "nm-7",
                "SenderFromAddress": "drop@mail.example",
                "RecipientEmailAddress": "tove@contoso.example",
                "Subject": "Lunch",
                "DeliveryAction": "Blocked",
                "SenderIPv4": "203.0.113.9",
                "ReportId": "r-9",
            },
            "drop@mail.example: email blocked, message Lunch to tove@contoso.example",
        ),
        (
            {
                "Timestamp": AT,
                "ActionType": "Group Membership changed",
                "AccountUpn": "tove@contoso.example",
                "TargetAccountUpn": "ansel@contoso.example",
                "TargetAccountDisplayName": "Ansel Roe",
                "ReportId": "r-10",
            },
            "tove@contoso.example: group membership changed, account ansel@contoso.example",
        ),
    ],
)
def test_what_a_row_tells(row: dict[str, str], message: str, ocsf_faults) -> None:
    made = event(row)

    assert recognise_table(row) is not None
    assert ocsf_faults(made) == []
    assert made.mapper != "generic"
    assert made.time_ms == AT_MS
    assert made.ocsf["message"] == message


def test_parts_of_a_delivery_fail() -> None:
    stated = "tove@contoso.example##Receive, {};ansel@contoso.example##Receive, {}"
    row = {"origin_timestamp_utc": AT, "sender_address": "a@x.example", "network_message_id": "m-7"}

    results = [
        event({**row, "recipient_status": stated.format(*ends)}).result
        for ends in (("Deliver", "Deliver"), ("Deliver", "Fail"), ("Fail", "Fail"), ("Odd", "Odd"))
    ]
    assert results == ["success", "partial", "failure", "unknown"]


def test_steps_of_a_message_are_events_of_their_own_and_known_by_their_former_id() -> None:
    row = {
        "date_time_utc": AT,
        "sender_address": "a@x.example",
        "recipient_address": "tove@contoso.example",
        "network_message_id": "m-7",
    }
    received, sent = event({**row, "event_id": "RECEIVE"}), event({**row, "event_id": "SEND"})

    assert received.id != sent.id
    assert set(received.former) & set(sent.former)


@pytest.mark.parametrize(
    "header",
    [
        [],
        [""],
        ["Name", "Age"],
        ["Date", "User", "Amount"],
        ["UserPrincipalName", "DisplayName", "AccountEnabled"],
        ["DisplayName", "PrimarySmtpAddress", "RecipientTypeDetails"],
        ["Date", "Activity", "Owner"],
        ["timestamp", "level", "message"],
        ["id", "createdDateTime", "displayName", "mail"],
        ["TimeGenerated", "Computer", "CounterValue"],
        ["x"] * 5000,
    ],
)
def test_other_tables_are_none_of_these(header: list[str]) -> None:
    assert recognise_table(header) is None


def test_an_unknown_table_of_log_analytics_is_not_taken_for_one() -> None:
    made = event({"TimeGenerated [UTC]": AT, "Type": "Heartbeat", "OperationName": "x", "Computer": "PC-7"})

    assert made.mapper == "generic"
    assert made.time_ms == AT_MS


def test_every_column_of_a_description_is_a_column_key() -> None:
    for table in TABLES:
        for key in {*table.places, *table.lacks, *(key for group in table.needs for key in group)}:
            assert key == column_key(key), (table.name, key)
        for group in table.needs:
            # A column that tells a table has a place in it, but for one; two words that have run together have none.
            assert {key for key in group if table.place(key) is None} <= {"endpointcall"}, table.name


@pytest.mark.parametrize("odd", [None, "", "[", "{}", "@{a=b", "\x00", "; ;", "##", 7, True, "1e999", "é" * 3000])
def test_an_odd_cell_costs_only_itself(odd: object, ocsf_faults) -> None:
    rows = [row for _, rows in SAME.values() for row in rows]
    for row in rows:
        for column in row:
            made = event({**row, column: odd})
            assert "None" not in made.ocsf["message"]
    for row in rows:
        assert ocsf_faults(event(dict.fromkeys(row, odd))) == []

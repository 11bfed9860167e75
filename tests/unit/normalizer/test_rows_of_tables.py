"""What rows of tables tell: sentence, time and outcome of each kind, and which tables are none of these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.mappers.envelopes.tables import recognise_table
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each
from table_rows import AT, AT_MS

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))


def event(record: dict[str, Any]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


@each(
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
                "tove@contoso.example: receive, deliver; ansel@contoso.example: receive, fail, “Lunch”"
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
            "Mail from drop@mail.example to tove@contoso.example: send, “Lunch”",
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
            "tove@contoso.example clicked https://bad.example/x, allowed, and went on to it",
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


@each(
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

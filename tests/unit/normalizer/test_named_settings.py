"""What a record tells in fields of its own kind: the setting, the query, the folder, the device, the group."""

from __future__ import annotations

from typing import Any

from aoc_common.contracts import terms
from each import each
from made_events import KIM, event_of, message, unified

AT = "2026-11-20T10:00:00Z"
DEFENDER = {"workload": "MicrosoftDefenderForEndpoint", "record_type": 110}


@each(
    ("record", "said"),
    [
        (unified("TeamsTenantSettingChanged", "MicrosoftTeams", 25, UserId=KIM, Name="External access",
                 OldValue="False", NewValue="True"),
         "changed Teams settings of the tenant: External access from False to True"),
        (unified("SearchQueryPerformed", "SharePoint", 6, UserId=KIM, SearchQueryText="password vpn"),
         "searched SharePoint, for “password vpn”"),
        (unified("MailItemsAccessed", "Exchange", 50, UserId=KIM, MailboxOwnerUPN=KIM,
                 OperationProperties=[{"Name": "MailAccessType", "Value": "Sync"}],
                 Item={"ParentFolder": {"Path": "\\Inbox"}}),
         "read a whole folder (Sync) in their own mailbox, in folder \\Inbox"),
        (unified("Retrieve", "CRM", 21, UserId=KIM, EntityName="contact", EntityId="e9"), "read contact e9"),
        (unified("LiveResponseGetFile", **DEFENDER, UserId=KIM, DeviceName="LAPTOP-07", FileName="ntds.dit"),
         "fetched file ntds.dit from device LAPTOP-07 by live response"),
        (unified("IsolateDevice", **DEFENDER, UserId=KIM, DeviceName="LAPTOP-07", ActionComment="case 7"),
         "isolated device LAPTOP-07, “case 7”"),
        (unified("DownloadOffboardingPkg", **DEFENDER, UserId=KIM), "downloaded Defender's offboarding package"),
        (unified("Discover", "Aip", 93, UserId=KIM, ObjectId="C:\\x\\plan.docx"), "discovered C:\\x\\plan.docx"),
    ],
)  # fmt: skip
def test_a_unified_record_tells_what_its_own_fields_name(record: dict[str, Any], said: str) -> None:
    assert message(record) == f"{KIM} {said}"


def test_a_threat_in_a_mail_tells_from_whom_and_to_whom() -> None:
    record = unified(
        "TIMailData", "ThreatIntelligence", 28, UserId="ThreatIntel", Subject="Payment", P2Sender="evil@bad.example",
        Recipients=["sam@contoso.example"],
    )  # fmt: skip

    assert message(record).endswith("that holds a threat: Payment, from evil@bad.example to sam@contoso.example")


@each(
    ("permissions", "said"),
    [
        ("[] => [[Id: a, Scope: Mail.Read offline_access]]; ", "for Mail.Read and offline_access"),
        ("[[Id: a, Scope: Mail.Read offline_access]]", "for Mail.Read and offline_access"),
        ("[] => [[Id: a, Scope: Mail.Read], [Id: b, Scope: Files.Read.All]]; ", "for Mail.Read and Files.Read.All"),
        ("[[Id: a, Scope: Mail.Read]] => [[Id: a, Scope: Mail.Read], [Id: b, Scope: Mail.Send]]; ", "for Mail.Send"),
    ],
)
def test_a_consent_tells_what_is_newly_granted(permissions: str, said: str) -> None:
    record = unified(
        "Consent to application.", UserId=KIM,
        Target=[{"ID": "ServicePrincipal", "Type": 2}, {"ID": "Sync", "Type": 1}],
        ModifiedProperties=[{"Name": "ConsentAction.Permissions", "NewValue": permissions, "OldValue": ""}],
    )  # fmt: skip

    assert message(record) == f"{KIM} consented to application Sync, {said}"


def test_names_within_a_record_may_be_spelt_otherwise_too() -> None:
    record = unified(
        "Consent to application.", UserId=KIM, ObjectId="a-1",
        Target=[{"ID": "ServicePrincipal", "Type": 2}, {"ID": "Sync", "Type": 1}],
    )  # fmt: skip
    lower = {name.lower(): value for name, value in record.items()}
    renamed = unified("FileRenamed", "SharePoint", 6, UserId=KIM, SourceFileName="a.xlsx", DestinationFileName="b.xlsx")

    assert message(lower) == message(record) == f"{KIM} consented to application Sync"
    assert message({name.lower(): value for name, value in renamed.items()}) == message(renamed)


def test_a_role_that_is_named_by_its_template_alone_has_a_name() -> None:
    record = unified(
        "Add member to role.", UserId=KIM, Target=[{"ID": "User", "Type": 2}, {"ID": "sam@contoso.example", "Type": 5}],
        ModifiedProperties=[{"Name": "Role.TemplateId", "NewValue": "62e90394-69f5-4237-9190-012177145e10"}],
    )  # fmt: skip

    assert message(record) == f"{KIM} added sam@contoso.example to role Global Administrator"


def test_the_first_of_several_addresses_is_the_clients() -> None:
    assert event_of(unified("FileDownloaded", "SharePoint", 6, ClientIP="198.51.100.7, 10.0.0.1")).ip == "198.51.100.7"


@each(
    ("row", "message", "word"),
    [
        ({"Timestamp": AT, "ActionType": "Group Membership changed", "TargetAccountUpn": "sam@contoso.example",
          "AccountName": "adm", "DestinationDeviceName": "dc1", "AdditionalFields": '{"TO.GROUP": "Domain Admins"}',
          "ReportId": "r"},
         "adm: group membership changed, account sam@contoso.example, to group Domain Admins on dc1", "Domain Admins"),
        ({"Timestamp": AT, "NetworkMessageId": "n-1", "InternetMessageId": "<1>", "RecipientEmailAddress": KIM,
          "SenderFromAddress": "ceo@bad.example", "SenderDisplayName": "The CEO", "EmailDirection": "Inbound",
          "DeliveryAction": "Delivered", "Subject": "Wire", "ReportId": "r"},
         f"ceo@bad.example (The CEO): email delivered, message Wire to {KIM}", "ceo@bad.example"),
        ({"Timestamp": AT, "ActionType": "Add service principal.", "ApplicationId": "11161", "ObjectName": "Sync",
          "AccountDisplayName": "Kim Vale", "ReportId": "r"}, "Kim Vale: add service principal, object Sync", "Sync"),
    ],
)  # fmt: skip
def test_a_row_of_hunting_tells_groups_senders_and_objects(row: dict[str, Any], message: str, word: str) -> None:
    made = event_of(row)

    assert made.ocsf["message"] == message
    assert set(terms.name_terms(word)) <= set(made.terms)


def test_intunes_operational_log_has_its_outcome_in_a_column_of_its_own() -> None:
    made = event_of(
        {"TimeGenerated": AT, "Type": "IntuneOperationalLogs", "OperationName": "Enrollment", "Result": "Fail",
         "Properties": '{"IntuneUserId": "u", "UserDisplayName": "Sam", "Os": "Windows", '
         '"FailureReason": "Device not supported", "EnrollmentType": "Autopilot"}'}
    )  # fmt: skip

    assert (made.result, made.ocsf["message"].endswith("failed: Device not supported")) == ("failure", True)


def test_policies_of_a_sign_in_are_told_from_log_analytics_too() -> None:
    made = event_of(
        {"TimeGenerated": AT, "Type": "SigninLogs", "Id": "s-1", "CreatedDateTime": AT, "UserPrincipalName": KIM,
         "AppDisplayName": "Teams", "ResultType": "53003", "ResourceDisplayName": "Graph",
         "ConditionalAccessPolicies": '[{"displayName": "Block legacy", "result": "failure"}]'}
    )  # fmt: skip

    assert made.ocsf["message"].endswith("blocked by conditional access, policy Block legacy (53003)")


@each(
    ("record", "said"),
    [
        (unified("SearchQueryInitiatedExchange", "Exchange", 101, UserId=KIM, QueryText="wire transfer"),
         "searched a mailbox, for “wire transfer”"),
        (unified("SearchQueryInitiatedSharePoint", "SharePoint", 102, UserId=KIM, QueryText="password"),
         "searched SharePoint, for “password”"),
        (unified("ViewedReport", "PowerBI", 20, UserId=KIM, ReportName="Salaries"), "viewed report Salaries"),
        (unified("Download users - finished (bulk)", UserId=KIM, Target=[{"ID": "x", "Type": 2}]),
         "finished downloading the list of users in bulk"),
    ],
)  # fmt: skip
def test_searches_and_work_in_bulk_are_told(record: dict[str, Any], said: str) -> None:
    assert message(record) == f"{KIM} {said}"


@each(
    "columns",
    [
        {"Members.0.UPN": "sam@contoso.example", "Members.0.Role": "1"},
        {"AuditData.Members.0.UPN": "sam@contoso.example", "AuditData.Members.0.Role": "1"},
    ],
)
def test_lists_that_a_converter_has_spread_over_columns_are_put_together(columns: dict[str, str]) -> None:
    prefix = "AuditData." if any(name.startswith("AuditData.") for name in columns) else ""
    record = unified("MemberAdded", "MicrosoftTeams", 25, UserId=KIM, TeamName="Finance")
    row = {f"{prefix}{name}": str(value) for name, value in record.items()} | columns

    assert message(row | {"RecordId": "ual-1"}) == f"{KIM} added sam@contoso.example (owner) to team Finance"


def test_what_copilot_read_is_told_from_columns_too() -> None:
    row = unified("CopilotInteraction", "Copilot", 261, UserId=KIM) | {
        "CopilotEventData.AppHost": "Word", "CopilotEventData.AccessedResources.0.Name": "payroll.xlsx",
    }  # fmt: skip

    assert message(row) == f"{KIM} asked Copilot in Word, which read payroll.xlsx"


def test_a_network_is_found_by_its_address() -> None:
    record = unified(
        "Add named location.", UserId=KIM, Target=[{"ID": "HQ", "Type": 1}],
        ModifiedProperties=[{"Name": "NamedLocation", "NewValue": '{"ipRanges": ["203.0.113.0/24", "2001:db8::/32"]}'}],
    )  # fmt: skip

    assert {*terms.name_terms("203.0.113.0"), *terms.name_terms("2001:db8::")} <= set(event_of(record).terms)

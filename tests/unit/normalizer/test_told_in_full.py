"""Sentences name what an analyst would have to look up: which credential, which way in, what was read, for whom."""

from __future__ import annotations

import json
from typing import Any

from aoc_common.contracts import terms
from each import each
from made_events import KIM, SAM, event_of, message, unified

AT = "2026-11-20T10:00:00Z"


def audit(activity: str, *changed: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"id": "a-1", "displayName": "Sync", "type": "Application", "modifiedProperties": list(changed)}
    return {
        "id": "Directory_1",
        "activityDisplayName": activity,
        "activityDateTime": AT,
        "loggedByService": "Core Directory",
        "result": "success",
        "initiatedBy": {"user": {"id": "u-1", "userPrincipalName": KIM}},
        "targetResources": [about],
        **more,
    }


def key(uid: str, kind: str = "Password", name: str = "") -> str:
    return f"[KeyIdentifier={uid},KeyType={kind},KeyUsage=Verify,DisplayName={name}]"


def keys(old: list[str], new: list[str]) -> dict[str, str]:
    return {"displayName": "KeyDescription", "oldValue": json.dumps(old), "newValue": json.dumps(new)}


@each(
    ("old", "new", "words"),
    [
        ([], [key("1", name="backup")], ", adding a password (backup)"),
        ([key("1")], [], ", removing a password"),
        ([key("1"), key("2", "AsymmetricX509Cert", "CN=x")], [key("1"), key("3", "Symmetric")],
         ", adding a key and removing a certificate (CN=x)"),
        ([], ["odd"], ", adding a credential"),
        ([], [key(str(number)) for number in range(9)],
         ", adding a password and a password and a password"),
    ],
)  # fmt: skip
def test_a_change_of_credentials_says_which_came_and_went(old, new, words):
    activity = "Update application \N{EN DASH} Certificates and secrets management "

    assert message(audit(activity, keys(old, new))) == f"{KIM} changed the credentials of application Sync{words}"


def test_credentials_that_were_added_in_the_unified_log_are_named_too():
    made = unified(
        "Add service principal credentials.", "AzureActiveDirectory", 8, ResultStatus="Success",
        Target=[{"ID": "ServicePrincipal", "Type": 2}, {"ID": "Sync", "Type": 1}],
        ModifiedProperties=[
            {"Name": "KeyDescription", "OldValue": "[]", "NewValue": json.dumps([key("1", name="pw")])}
        ],
    )  # fmt: skip

    assert message(made) == f"{KIM} added credentials to service principal Sync, adding a password (pw)"


def sign_in(**more: Any) -> dict[str, Any]:
    return {
        "id": "s-1",
        "createdDateTime": AT,
        "userPrincipalName": KIM,
        "appDisplayName": "Mail",
        "ipAddress": "203.0.113.9",
        "status": {"errorCode": 0},
        **more,
    }


@each(
    ("more", "way"),
    [
        ({"clientAppUsed": "IMAP4"}, " by IMAP4"),
        ({"clientAppUsed": "Authenticated SMTP"}, " by Authenticated SMTP"),
        ({"clientAppUsed": "Browser"}, ""),
        ({"clientAppUsed": "Mobile Apps and Desktop clients"}, ""),
        ({"clientAppUsed": ""}, ""),
        ({"clientAppUsed": "x" * 100}, ""),
        ({"clientAppUsed": "Browser", "authenticationProtocol": "deviceCode"}, " by device code"),
        ({"originalTransferMethod": "deviceCodeFlow"}, " by device code"),
        ({"authenticationProtocol": "none", "clientAppUsed": "POP3"}, " by POP3"),
    ],
)
def test_a_sign_in_by_an_old_protocol_or_a_device_code_says_so(more, way):
    made = event_of(sign_in(**more))

    assert made.ocsf["message"] == f"Sign-in of {KIM} from 203.0.113.9 to Mail{way} succeeded"
    assert set(terms.query_terms(way.removeprefix(" by "))) <= set(made.terms)


@each(
    ("reason", "words"),
    [
        ("User registered an authenticator app", ", an authenticator app"),
        ("User deleted a phone", ", deleted a phone"),
        ("", ""),
    ],
)
def test_registered_security_info_says_which_method(reason, words):
    about = [{"id": "u-1", "type": "User", "userPrincipalName": KIM}]
    made = audit("User registered security info", loggedByService="Authentication Methods", resultReason=reason,
                 targetResources=about)  # fmt: skip

    assert message(made) == f"{KIM} registered security info for themselves{words}"


def test_a_conditional_access_policy_tells_what_changed_of_it():
    changed = {"displayName": "ConditionalAccessPolicy", "oldValue": '{"state":"enabled"}',
               "newValue": '{"state":"disabled"}'}  # fmt: skip
    about = [{"id": "p-1", "type": "Policy", "displayName": "MFA", "modifiedProperties": [changed]}]

    assert message(audit("Update conditional access policy", targetResources=about)) == (
        f"{KIM} changed conditional access policy MFA: state from enabled to disabled"
    )


def test_whoever_gives_something_to_themselves_is_not_named_twice():
    parameters = [{"Name": "Identity", "Value": "box"}, {"Name": "User", "Value": KIM},
                  {"Name": "AccessRights", "Value": "FullAccess"}]  # fmt: skip
    given = unified("Add-MailboxPermission", "Exchange", 1, ObjectId="box", Parameters=parameters)

    assert message(given) == f"{KIM} gave themselves access to mailbox box, with FullAccess"
    parameters[1]["Value"] = SAM
    assert message(given) == f"{KIM} gave {SAM} access to mailbox box, with FullAccess"


# Exchange, Teams, Power Automate, Copilot, Purview


def test_mail_names_its_attachments_and_what_was_read_its_subject():
    item = {"Subject": "New bank", "Attachments": "a.pdf (311b); b (2).zip (9b)"}
    sent = unified("Send", "Exchange", 2, MailboxOwnerUPN=KIM, Item=item)
    folders = [{"Path": "\\Inbox", "FolderItems": [{"Subject": "Bill", "InternetMessageId": "<1>"}, {"Id": "2"}]}]
    read = unified("MailItemsAccessed", "Exchange", 50, MailboxOwnerUPN=KIM, Folders=folders, OperationCount=2,
                   OperationProperties=[{"Name": "MailAccessType", "Value": "Bind"}])  # fmt: skip

    assert message(sent) == f"{KIM} sent mail from their own mailbox, “New bank” with a.pdf and b (2).zip"
    assert message(read) == f"{KIM} read 2 messages (Bind) in their own mailbox, “Bill” and 1 more"


@each(
    ("record", "words"),
    [
        (unified("CreateFlow", "MicrosoftFlow", 30, FlowConnectorNames="Outlook,HTTP",
                 FlowDetailsUrl="https://make.example/flows/f-1/details"), "created flow f-1, with Outlook and HTTP"),
        (unified("CopilotInteraction", "Copilot", 261,
                 CopilotEventData={"AppHost": "Word", "AccessedResources": [{"Name": "Pay.xlsx"}, {"ID": "r-2"}]}),
         "asked Copilot in Word, which read Pay.xlsx and r-2"),
        (unified("MemberAdded", "MicrosoftTeams", 25, TeamName="Board",
                 Members=[{"UPN": "g_x.example#EXT#@contoso.example", "Role": 0}]),
         "added g_x.example#EXT#@contoso.example (guest) to team Board"),
        (unified("QuarantineReleaseMessage", "Quarantine", 65, ReleaseTo=SAM),
         f"released a mail from quarantine, to {SAM}"),
        (unified("SearchExported", "SecurityComplianceCenter", 24, ObjectId="Case 12\\HR mail", Case="Case 12"),
         "exported content search HR mail, of case Case 12"),
        (unified("SearchExported", "SecurityComplianceCenter", 24, ObjectId="HR mail"),
         "exported content search HR mail"),
    ],
)  # fmt: skip
def test_what_else_a_record_tells_is_in_its_sentence(record, words, ocsf_faults):
    made = event_of(record)

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert ocsf_faults(made) == []
    assert set(terms.query_terms(words)) <= set(made.terms)


# Defender and Identity Protection


def click(**more: Any) -> dict[str, Any]:
    return {"Timestamp": AT, "Url": "https://bad.example/x", "ActionType": "ClickAllowed", "AccountUpn": KIM,
            "Workload": "Email", "IsClickedThrough": "False", "ReportId": "r-1", **more}  # fmt: skip


@each(
    ("more", "words", "level"),
    [
        ({}, ", allowed", 1),
        ({"ThreatTypes": "Phish"}, ", allowed: Phish", 3),
        ({"ActionType": "ClickBlocked", "ThreatTypes": "Phish", "IsClickedThrough": "True"},
         ", blocked: Phish, and went on to it", 3),
    ],
)  # fmt: skip
def test_a_click_says_on_what_and_what_it_was(more, words, level, ocsf_faults):
    made = event_of(click(**more))

    assert made.ocsf["message"] == f"{KIM} clicked https://bad.example/x{words}"
    assert made.ocsf["severity_id"] == level
    assert ocsf_faults(made) == []


def test_a_mail_with_a_threat_says_which():
    mail = {"Timestamp": AT, "NetworkMessageId": "n-1", "ReportId": "r-2", "SenderFromAddress": "x@bad.example",
            "RecipientEmailAddress": KIM, "Subject": "Pay", "DeliveryAction": "Delivered",
            "ThreatTypes": "Malware, Phish", "EmailDirection": "Inbound"}  # fmt: skip
    made = event_of(mail)

    assert made.ocsf["message"].endswith(": Malware, Phish")
    assert made.ocsf["severity_id"] == 3
    assert {"malware", "phish"} <= set(made.terms)


@each("none", ["Not set", "notSet", "unknown", "Unassigned", ""])
def test_an_alert_says_nothing_of_what_nobody_has_decided(none):
    alert = {"id": "al-1", "title": "Odd rule", "severity": "high", "createdDateTime": AT, "status": "new",
             "classification": none, "determination": none, "assignedTo": none}  # fmt: skip

    assert message(alert) == "Alert: Odd rule, new"


def test_a_risk_is_told_in_words_and_found_by_microsofts():
    made = event_of(
        {"id": "k-1", "riskEventType": "anonymizedIPAddress", "riskLevel": "medium",
         "riskState": "confirmedCompromised",
         "riskDetail": "adminConfirmedUserCompromised", "activityDateTime": AT, "userPrincipalName": KIM,
         "ipAddress": "203.0.113.9", "location": {"countryOrRegion": "NG"}}
    )  # fmt: skip

    assert made.ocsf["message"] == (
        f"Risk of {KIM}: anonymized IP address from 203.0.113.9 (NG), level medium, confirmed compromised "
        "(admin confirmed user compromised)"
    )
    assert {"anonymizedipaddress", "confirmedcompromised", "anonymized"} <= set(made.terms)

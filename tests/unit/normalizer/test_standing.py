"""What stands in a tenant, and who asked for which role: told by name, though it is no audit record."""

from __future__ import annotations

from typing import Any

from aoc_common.contracts import terms
from each import each
from made_events import KIM, event_of

AT = "2026-11-20T10:00:00Z"
REQUEST = {
    "id": "pr1", "status": "Provisioned", "createdDateTime": AT, "action": "selfActivate", "principalId": "u-1",
    "principal": {"userPrincipalName": KIM}, "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
    "directoryScopeId": "/", "justification": "a fix", "createdBy": {"user": {"id": "u-1"}},
}  # fmt: skip
BY_SAM = {"createdBy": {"user": {"id": "u-2", "displayName": "Sam Ortiz"}}}


@each(
    ("record", "message", "severity"),
    [
        (REQUEST, f"{KIM} activated role Global Administrator, “a fix”", "Medium"),
        ({name[:1].upper() + name[1:]: value for name, value in REQUEST.items()},
         f"{KIM} activated role Global Administrator, “a fix”", "Medium"),
        (REQUEST | BY_SAM | {"action": "adminAssign", "justification": None},
         f"Sam Ortiz gave {KIM} role Global Administrator", "High"),
        (REQUEST | BY_SAM | {"action": "adminAssign", "justification": None,
                             "@odata.type": "#microsoft.graph.unifiedRoleEligibilityScheduleRequest"},
         f"Sam Ortiz made {KIM} eligible for role Global Administrator", "High"),
        (REQUEST | BY_SAM | {"action": "adminRemove", "justification": None},
         f"Sam Ortiz took role Global Administrator from {KIM}", "Medium"),
        (REQUEST | {"status": "Denied", "justification": None},
         f"Failed: {KIM} activated role Global Administrator: Denied", "Medium"),
    ],
)  # fmt: skip
def test_a_request_for_a_role_tells_who_gets_which(record: dict[str, Any], message: str, severity: str, ocsf_faults):
    made = event_of(record)

    assert ocsf_faults(made) == []
    assert (made.ocsf["message"], made.ocsf["severity"], made.class_uid) == (message, severity, 3005)
    assert made.time_ms == 1795168800000


@each(
    ("record", "message", "word"),
    [
        ({"clientId": "c-1", "consentType": "AllPrincipals", "id": "g1", "principalId": None, "resourceId": "r-1",
          "scope": " Mail.Read offline_access"},
         "Delegated permissions of c-1 to r-1: Mail.Read and offline_access, for everybody", "offline_access"),
        ({"ClientId": "c-1", "ConsentType": "Principal", "PrincipalId": "u-1", "ResourceId": "r-1",
          "Scope": "Mail.Read"},
         "Delegated permissions of c-1 to r-1: Mail.Read, for u-1", "Mail.Read"),
        ({"id": "p1", "displayName": "Require MFA", "createdDateTime": AT, "state": "disabled", "conditions": {},
          "grantControls": None}, "Conditional access policy Require MFA: disabled", "MFA"),
        ({"Id": "sp1", "AppId": "a-1", "DisplayName": "Ledger Sync", "ServicePrincipalType": "Application",
          "PasswordCredentials": [{"DisplayName": "backdoor", "EndDateTime": "2099-01-01T00:00:00Z"}],
          "KeyCredentials": []},
         "Service principal Ledger Sync, with a password (backdoor, until 2099-01-01)", "backdoor"),
        ({"Enabled": "True", "Name": "..", "RuleIdentity": "7", "DeleteMessage": "False", "MarkAsRead": "True",
          "MoveToFolder": "RSS Feeds", "ForwardTo": "", "SubjectOrBodyContainsWords": "{invoice, payment}"},
         "Inbox rule ..: moving to folder RSS Feeds and marking as read, of mail with invoice, payment", "payment"),
        ({"name": "x", "enabled": False, "deletemessage": True, "movetofolder": None, "mailboxownerid": "sam",
          "forwardto": ['"Drop" [SMTP:drop@bad.example]', '"Kim" [EX:/o=X/cn=kim]']},
         "Inbox rule x of sam (off): forwarding to drop@bad.example, Kim and deleting what it catches", "bad.example"),
        ({"TimeGenerated": AT, "Type": "IntuneDevices", "DeviceId": "d-7", "DeviceName": "LAPTOP-07", "UserName": "Sam",
          "UPN": "sam@contoso.example", "CompliantState": "Noncompliant", "SerialNumber": "SN1", "OS": "Windows"},
         "Managed device LAPTOP-07 of Sam: Noncompliant", "SN1"),
    ],
)  # fmt: skip
def test_what_stands_in_a_tenant_is_told_and_found(record: dict[str, Any], message: str, word: str, ocsf_faults):
    made = event_of(record)

    assert ocsf_faults(made) == []
    assert (made.ocsf["message"], made.class_uid) == (message, 3004)
    assert set(terms.name_terms(word)) <= set(made.terms)

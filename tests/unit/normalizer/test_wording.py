"""Sentences name whom and what they are about, and say what a change ended."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts import terms
from aoc_normalizer.fields import command_line, identities
from aoc_normalizer.mappers.base import named_party
from each import each
from made_events import KIM, SAM, event_of, message, unified

SITE = "https://contoso.example/sites/Payroll"


def shared(operation: str, **more: Any) -> dict[str, Any]:
    return unified(operation, "SharePoint", 14, ObjectId=f"{SITE}/Docs/plan.docx", SiteUrl=SITE,
                   SourceFileName="plan.docx", ItemType="File", **more)  # fmt: skip


def whom(name: str = "guest@partner.example", kind: str = "Guest") -> dict[str, str]:
    return {"TargetUserOrGroupName": name, "TargetUserOrGroupType": kind}


# Sharing


@each(
    ("operation", "more", "words"),
    [
        ("AddedToSecureLink", whom(), "added guest@partner.example to a link to plan.docx"),
        ("AddedToSecureLink", whom() | {"EventData": "<Type>Edit</Type>"},
         "added guest@partner.example to a link to plan.docx, allowing edit"),
        ("AddedToSecureLink", {}, "added people to a link to plan.docx"),
        ("RemovedFromSecureLink", whom(), "removed guest@partner.example from a link to plan.docx"),
        ("SharingInvitationCreated", whom(), "invited guest@partner.example to plan.docx"),
        ("SharingInvitationCreated", {}, "invited a guest to plan.docx"),
        ("SharingSet", whom("Finance", "SecurityGroup"), "shared plan.docx, with Finance"),
        ("SharingSet", whom("Finance", "SecurityGroup")
         | {"EventData": "<Permissions granted>Contribute</Permissions granted>"},
         "shared plan.docx, with Finance, allowing contribute"),
        ("SharingSet", whom("c:0(.s|true", "SecurityGroup"), "shared plan.docx, with Everyone"),
        ("SharingInheritanceBroken", {}, "gave plan.docx permissions of its own"),
    ],
)  # fmt: skip
def test_a_share_names_with_whom(operation, more, words, ocsf_faults):
    made = event_of(shared(operation, **more))

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert ocsf_faults(made) == []


@each(
    ("operation", "more", "words"),
    [
        ("SiteCollectionAdminAdded", whom("Payroll Owners", "SecurityGroup"),
         "made Payroll Owners an administrator of site Payroll"),
        ("SiteCollectionAdminAdded", whom(SAM, "Member"), f"made {SAM} an administrator of site Payroll"),
        ("SiteCollectionAdminAdded", {"ModifiedProperties": [{"Name": "SiteAdmin", "NewValue": SAM}]},
         f"made {SAM} an administrator of site Payroll"),
        ("SiteCollectionAdminAdded", {}, "added an administrator to site Payroll"),
        ("SiteCollectionAdminRemoved", whom(SAM, "Member"), f"removed {SAM} as an administrator of site Payroll"),
        ("AddedToGroup", whom(SAM, "Member") | {"EventData": "<Group>Payroll Members</Group>"},
         f"added {SAM} to SharePoint group Payroll Members"),
        ("AddedToGroup", whom(SAM, "Member"), f"added {SAM} to a SharePoint group"),
        ("RemovedFromGroup", whom("All", "SecurityGroup") | {"EventData": "<Group>Payroll Members</Group>"},
         "removed All from SharePoint group Payroll Members"),
        ("GroupAdded", {"ModifiedProperties": [{"Name": "Name", "NewValue": "Payroll Members"}]},
         "created SharePoint group Payroll Members in Payroll"),
        ("PermissionLevelAdded", {"EventData": "<PermissionLevel>Restricted</PermissionLevel>"},
         "added permission level Restricted to Payroll"),
    ],
)  # fmt: skip
def test_a_sites_administrators_and_groups_are_named(operation, more, words, ocsf_faults):
    made = event_of(unified(operation, "SharePoint", 14, ObjectId=SITE, SiteUrl=SITE, ItemType="Web", **more))

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert ocsf_faults(made) == []


@each("data", ["<", "<a", "<<<", "<a b>c</a b", "<Type>" + "x" * 20_000, "<a>" * 4_000, "<!DOCTYPE x>"])
def test_odd_event_data_breaks_nothing_and_costs_nothing(data):
    started = time.perf_counter()

    assert message(shared("SharingSet", EventData=data)).startswith(f"{KIM} shared plan.docx")
    assert time.perf_counter() - started < 1


# What a change ended


def rule(operation: str = "Set-InboxRule", **parameters: str) -> str:
    listed = [{"Name": name, "Value": value} for name, value in {"Identity": "kim\\Bills", **parameters}.items()]
    return message(unified(operation, "Exchange", 1, ObjectId="kim\\Bills", Parameters=listed))


@each("empty", ["", "$null", "False", "$false"])
@each(
    ("name", "words"),
    [
        ("ForwardTo", "no longer forwarding"),
        ("RedirectTo", "no longer forwarding"),
        ("ForwardAsAttachmentTo", "no longer forwarding"),
        ("DeleteMessage", "no longer deleting what it catches"),
        ("MoveToFolder", "no longer moving mail"),
        ("MarkAsRead", "no longer marking as read"),
    ],
)
def test_a_rule_that_was_emptied_says_what_it_no_longer_does(name, words, empty):
    assert rule(**{name: empty}) == f"{KIM} changed inbox rule Bills, {words}"


def test_a_rule_says_once_that_it_no_longer_forwards_and_what_it_does_instead():
    assert rule(ForwardTo="", RedirectTo="") == f"{KIM} changed inbox rule Bills, no longer forwarding"
    assert rule(ForwardTo="", MoveToFolder="Archive") == (
        f"{KIM} changed inbox rule Bills, moving to folder Archive, no longer forwarding"
    )
    assert "no longer" not in rule("New-InboxRule", DeleteMessage="False")


def test_a_mailbox_that_no_longer_forwards_and_a_parameter_that_was_cleared_say_so():
    mailbox = [{"Name": "Identity", "Value": "sam"}, {"Name": "ForwardingSmtpAddress", "Value": ""}]
    assert message(unified("Set-Mailbox", "Exchange", 1, ObjectId="sam", Parameters=mailbox)) == (
        f"{KIM} changed mailbox sam, no longer forwarding"
    )
    plan = [{"Name": "Identity", "Value": "P"}, {"Name": "Filter", "Value": ""}, {"Name": "Quota", "Value": "9"}]
    assert message(unified("Set-MailboxPlan", "Exchange", 1, ObjectId="P", Parameters=plan)) == (
        f"{KIM} changed mailbox plan P, setting Quota to 9, clearing Filter"
    )


# Who got something by a cmdlet


@each(
    ("cmdlet", "parameters", "words"),
    [
        ("Add-RoleGroupMember", {"Member": SAM}, f"added {SAM} to role group Box"),
        ("Add-RoleGroupMember", {}, "added a member to role group Box"),
        ("Remove-RoleGroupMember", {"Member": "Sam Ortiz"}, "removed Sam Ortiz from role group Box"),
        ("Add-DistributionGroupMember", {"Member": f"x/y/{SAM}"}, f"added {SAM} to distribution group Box"),
        ("Remove-DistributionGroupMember", {"Member": SAM}, f"removed {SAM} from distribution group Box"),
        ("Update-RoleGroupMember", {"Members": f"{SAM}, kai@x.example"},
         f"made {SAM} and kai@x.example the members of role group Box"),
        ("Add-UnifiedGroupLinks", {"Links": SAM, "LinkType": "Owners"},
         f"added {SAM} to group Box, with LinkType Owners"),
        ("Add-MailboxPermission", {"User": SAM, "AccessRights": "FullAccess"},
         f"gave {SAM} access to mailbox Box, with FullAccess"),
        ("Add-MailboxPermission", {}, "gave access to mailbox Box"),
        ("Remove-RecipientPermission", {"Trustee": SAM}, f"no longer let {SAM} send as Box"),
        ("New-ManagementRoleAssignment", {"Role": "Mailbox Import Export", "User": SAM},
         f"assigned Exchange role Mailbox Import Export to {SAM}"),
    ],
)  # fmt: skip
def test_a_cmdlet_names_who_got_something(cmdlet, parameters, words, ocsf_faults):
    listed = [{"Name": name, "Value": value} for name, value in {"Identity": "Box", **parameters}.items()]
    made = event_of(unified(cmdlet, "Exchange", 1, ObjectId="Box", Parameters=listed))

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert ocsf_faults(made) == []


# Values with a form of their own: command lines


@each(
    ("text", "parameters"),
    [
        ('-Name "Card rule" -Force', {"Name": "Card rule", "Force": "True"}),
        ('-Content ("Title, Author, Service") -System "True"', {"Content": "Title, Author, Service", "System": "True"}),
        ("-To (\"a@x.example\", 'b@x.example')", {"To": "a@x.example, b@x.example"}),
        ("-To a@x.example,b@x.example -Block $true", {"To": "a@x.example, b@x.example", "Block": "$true"}),
        ("-To @('a','b') -N 1", {"To": "a, b", "N": "1"}),
        ('-Said "it""s -Not a parameter" -Next x', {"Said": 'it"s -Not a parameter', "Next": "x"}),
        ("-Said 'it''s' -Next:$false", {"Said": "it's", "Next": "$false"}),
        ('-Said "a `"b`" c"', {"Said": 'a "b" c'}),
        ('-Set @{a="(1)"; b=2} -Next x', {"Set": 'a="(1)"; b=2', "Next": "x"}),
        ("-Level -1 -Identity kim-smith", {"Level": "-1", "Identity": "kim-smith"}),
        ('-ForwardTo "" -Force', {"ForwardTo": "", "Force": "True"}),
        ('-Open "never closed', {"Open": "never closed"}),
        ("-Open (never, closed", {"Open": "never, closed"}),
        ("no parameters here", {}),
        ("", {}),
    ],
)
def test_a_command_line_is_read_as_powershell_reads_it(text, parameters):
    assert command_line.parameters(text) == parameters


@given(st.text(alphabet="-abAB \"'`(){}@,$:=1", max_size=200))
def test_any_command_line_is_read(text):
    found = command_line.parameters(text)

    assert all(name[0].isalpha() and isinstance(value, str) for name, value in found.items())


@pytest.mark.slow
@given(st.dictionaries(st.from_regex(r"[A-Za-z]\w{0,9}", fullmatch=True), st.text(max_size=30), max_size=8))
def test_quoted_values_come_back_as_they_were(parameters):
    line = " ".join(f"-{name} '{value.replace(chr(39), chr(39) * 2)}'" for name, value in parameters.items())

    assert command_line.parameters(line) == parameters


@each("piece", ["-a (", "-a '", '-a "`', "((", "@{", "-a ((((((", "-a,", "-a b,"])
def test_a_long_command_line_is_read_in_no_time(piece):
    started = time.perf_counter()
    command_line.parameters(piece * 8_000)

    assert time.perf_counter() - started < 0.5


def test_a_rule_of_purview_has_its_lists_whole():
    line = '-Name "Card rule" -IncidentReportContent ("Title, Author, Service") -Policy "Cards" -BlockAccess $true'
    made = event_of(unified("New-DlpComplianceRule", "SecurityComplianceCenter", 18, Parameters=line))
    listed = {one["name"]: one["value"] for one in made.ocsf["api"]["request"]["data"]["parameters"]}

    assert listed["IncidentReportContent"] == "Title, Author, Service"
    assert "IncidentReportContent Title, Author, Service" in made.ocsf["message"]


# Identities


@each(
    ("text", "party"),
    [
        ("urn:spo:guest#Guest@Partner.example", (None, "guest@partner.example", None)),
        ("live.com#kim@mail.example", (None, "kim@mail.example", None)),
        ("i:0#.f|membership|Kim@contoso.example", (None, "kim@contoso.example", None)),
        ("i:0h.f|membership|1003bffd00000001@live.com", (None, None, "1003bffd00000001")),
        ("i:0#.f|membership|urn%3aspo%3aguest#kim@partner.example", (None, "kim@partner.example", None)),
        ("i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint", (None, "app@sharepoint", None)),
        ("c:0(.s|true", ("Everyone", None, "c:0(.s|true")),
        ("c:0-.f|rolemanager|spo-grid-all-users/9",
         ("Everyone except external users", None, "c:0-.f|rolemanager|spo-grid-all-users/9")),
        ("c:0o.c|federateddirectoryclaimprovider|aaaaaaaa-1111-4111-8111-00000000000a_o",
         (None, None, "aaaaaaaa-1111-4111-8111-00000000000a")),
        ("urn:spo:anon#0123456789abcdef", ("anonymous visitor 01234567", None, "0123456789abcdef")),
        ("ServicePrincipal_aaaaaaaa-1111-4111-8111-00000000000a", (None, None, "aaaaaaaa-1111-4111-8111-00000000000a")),
        ("SMTP:Kim@contoso.example", (None, "kim@contoso.example", None)),
        ("Kim Vale <Kim@contoso.example>", ("Kim Vale", "kim@contoso.example", None)),
        ('"Vale, Kim" <kim@contoso.example>', ("Vale, Kim", "kim@contoso.example", None)),
        ("kim_partner.example#EXT#@contoso.example",
         ("kim@partner.example", "kim_partner.example#ext#@contoso.example", None)),
        ("S-1-5-18", (None, None, "S-1-5-18")),
    ],
)  # fmt: skip
def test_an_identity_is_read_in_every_form(text, party):
    assert named_party(text)[:3] == party


@each("text", ["Kim Vale", KIM, "kim <", "<>", "i:0", "urn:spo:guest#", "smtp:", "S-1-5-21-1-2-3-4", "a|b"])
def test_what_has_no_form_of_its_own_is_left(text):
    assert identities.parse(text) is None


@given(st.text(max_size=80) | st.from_regex(r"(i:0|c:0|urn:spo:|live\.com#)[#.fh|@a-z%]{0,60}", fullmatch=True))
def test_any_identity_is_read(text):
    found = identities.parse(text)

    assert found is None or found.name or found.upn or found.uid


def test_a_guest_of_sharepoint_is_found_by_address_and_as_a_guest(ocsf_faults):
    made = event_of(unified("FileDownloaded", "OneDrive", 6, UserId="urn:spo:guest#guest@partner.example",
                            SourceFileName="plan.zip", ObjectId=f"{SITE}/plan.zip", SiteUrl=SITE))  # fmt: skip

    assert made.actor == "guest@partner.example"
    assert made.ocsf["message"] == "guest@partner.example downloaded file plan.zip"
    assert set(terms.query_terms("guest@partner.example guest")) <= set(made.terms)
    assert [one for one in made.ocsf["enrichments"] if one["type"] == "guest"] != []
    assert ocsf_faults(made) == []


@pytest.mark.parametrize(
    "user", [{"UserId": "kim_partner.example#EXT#@contoso.example"}, {"UserId": KIM, "UserType": 10}]
)
def test_a_guest_by_name_or_type_is_marked(user):
    made = event_of(unified("FileAccessed", "SharePoint", 6, **user))

    assert [one["type"] for one in made.ocsf["enrichments"]] == ["guest"]


@each("user", [KIM, "Kim Vale", "", None, 7, "#", "i:0#.f|membership|kim@contoso.example"])
def test_a_member_is_no_guest(user):
    assert "enrichments" not in event_of(unified("FileAccessed", "SharePoint", 6, UserId=user)).ocsf


def test_the_local_system_has_a_name_that_people_read():
    made = event_of(unified("Create", "Exchange", 2, UserId="S-1-5-18", MailboxOwnerUPN=SAM))

    assert (made.actor, made.ocsf["message"]) == ("s-1-5-18", f"Local System created an item in {SAM}")

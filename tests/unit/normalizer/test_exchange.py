"""Exchange in the unified log: cmdlets, mailbox actions, mail items; and message traces."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_common.contracts.terms import query_terms
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def record(operation, **more):
    return {
        "Id": "e-1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": operation,
        "RecordType": 1,
        "Workload": "Exchange",
        "OrganizationId": "org-1",
        "UserId": "Dana@contoso.example",
        "UserType": 2,
        "ResultStatus": "True",
        "ClientIP": "203.0.113.9:50112",
    } | more


def named(**parameters):
    return [{"Name": name, "Value": value} for name, value in parameters.items()]


def event(operation, **more) -> Event:
    made = normalise(orjson.dumps(record(operation, **more)), RecordContext("contoso", "o365-exchange", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert (made.mapper, made.service) == ("unified", "exchange")
    return made


def test_a_rule_that_forwards_says_so_and_is_severe(ocsf_faults):
    made = event(
        "New-InboxRule",
        ObjectId="dana\\Archive",
        Parameters=named(Name="Archive", ForwardTo="drop@mail.example", DeleteMessage="True"),
    )

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (3004, 1, 4)
    assert (made.actor, made.ip, made.result) == ("dana@contoso.example", "203.0.113.9", "success")
    assert made.ocsf["src_endpoint"] == {"ip": "203.0.113.9", "port": 50112}
    assert made.ocsf["actor"]["user"]["type"] == "Admin"
    assert made.ocsf["cloud"]["account"]["uid"] == "org-1"
    assert made.ocsf["entity"] == {"name": "Archive", "uid": "dana\\Archive", "type": "rule"}
    assert made.ocsf["message"] == (
        "dana@contoso.example created inbox rule Archive, forwarding to drop@mail.example and deleting what it catches"
    )
    assert {"drop", "mail"} <= set(made.terms)


@each(
    ("parameters", "severity"),
    [
        (named(Name="News", MoveToFolder="Reading"), 3),
        (named(Name="News", DeleteMessage="False"), 3),
        (named(Name="News", ForwardTo=""), 3),
        (named(Name="News", RedirectTo="x@mail.example"), 4),
        (named(Name="News", forwardASattachmentto="x@mail.example"), 4),
        ('-Name "News" -ForwardTo x@mail.example', 4),
        (orjson.dumps(named(Name="News", ForwardTo="x@mail.example")).decode(), 4),
        ({"Name": "ForwardTo", "Value": ["x@mail.example"]}, 4),
    ],
)
def test_severity_is_about_what_a_rule_does(parameters, severity):
    assert event("New-InboxRule", Parameters=parameters).ocsf["severity_id"] == severity


def test_a_command_line_is_read_like_a_list_of_parameters():
    made = event("Set-Mailbox", Parameters="-Identity 'org/Sam Ortiz' -ForwardingSmtpAddress \"smtp:x@mail.example\"")

    assert made.ocsf["message"] == "dana@contoso.example changed mailbox Sam Ortiz, forwarding to smtp:x@mail.example"
    assert made.ocsf["severity_id"] == 4
    assert made.ocsf["entity"] == {"name": "Sam Ortiz", "uid": "org/Sam Ortiz", "type": "mailbox"}


def test_access_to_a_mailbox_names_the_one_who_got_it(ocsf_faults):
    made = event(
        "Add-MailboxPermission",
        Parameters=named(Identity="invoices", User="sam@contoso.example", AccessRights="FullAccess, ReadPermission"),
    )

    assert ocsf_faults(made) == []
    assert made.class_uid == 3005
    assert made.ocsf["privileges"] == ["FullAccess", "ReadPermission"]
    assert made.ocsf["user"]["email_addr"] == "sam@contoso.example"
    assert made.ocsf["message"] == (
        "dana@contoso.example gave sam@contoso.example access to mailbox invoices, with FullAccess, ReadPermission"
    )


def test_a_cmdlet_that_failed_is_a_failure():
    made = event("Set-Mailbox", ObjectId="sam", ResultStatus="False", Parameters=named(Identity="sam"))

    assert made.result == "failure"
    assert (
        made.ocsf["message"] != event("Set-Mailbox", ObjectId="sam", Parameters=named(Identity="sam")).ocsf["message"]
    )


def test_a_cmdlet_that_no_table_lists_reads_by_its_verb():
    made = event("Set-OwaMailboxPolicy", ObjectId="Default", Parameters=named(Identity="Default"))

    assert (made.class_uid, made.ocsf["activity_id"]) == (3004, 3)
    assert made.ocsf["message"] == "dana@contoso.example changed OWA mailbox policy Default"


@pytest.mark.parametrize("name", ["NT AUTHORITY\\SYSTEM (w3wp)", "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.Host)"])
def test_the_system_is_no_person(name):
    made = event("Set-MailboxPlan", UserId=name, UserType=3, ClientIP="", Parameters=named(Identity="Default"))

    assert made.actor == name.lower()
    assert made.ocsf["actor"]["user"]["type"] == "System"
    assert made.ip is None


def test_reading_mail_names_the_mailbox(ocsf_faults):
    made = event(
        "MailItemsAccessed",
        RecordType=50,
        ResultStatus="Succeeded",
        MailboxOwnerUPN="Sam@contoso.example",
        MailboxGuid="mb-1",
        ClientIP=None,
        ClientIPAddress="::ffff:203.0.113.9",
        ClientInfoString="Client=OWA",
    )

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"]) == (6003, 2)
    assert made.ip == "203.0.113.9"
    assert made.ocsf["message"] == "dana@contoso.example read mail in mailbox sam@contoso.example"
    assert made.ocsf["resources"] == [{"name": "sam@contoso.example", "uid": "mb-1", "type": "mailbox"}]
    assert made.ocsf["http_request"]["user_agent"] == "Client=OWA"


@each(
    "more",
    [
        {"Item": {"Subject": "Lunch", "InternetMessageId": "<m@x>"}},
        {"Item": '{"Subject":"Lunch","InternetMessageId":"<m@x>"}'},
        {"AffectedItems": [{"Subject": "Lunch", "InternetMessageId": "<m@x>"}, {"Subject": "Dinner"}]},
        {"Item": [], "AffectedItems": {"Subject": "Lunch", "InternetMessageId": "<m@x>"}},
    ],
)
def test_the_subject_of_a_message_is_found(more):
    made = event("SoftDelete", MailboxOwnerUPN="sam@contoso.example", **more)

    assert made.ocsf["resources"][1] == {"name": "Lunch", "uid": "<m@x>", "type": "message"}
    assert "lunch" in made.terms
    assert made.ocsf["message"].startswith("dana@contoso.example deleted mail of sam@contoso.example, “Lunch”")


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], ["x"], [[]], "-", "[", {"Name": "x"}])
@each(
    "field",
    ["Parameters", "Item", "AffectedItems", "MailboxOwnerUPN", "ModifiedProperties", "ObjectId", "UserId", "ClientIP"],
)
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = event("Update", **{field: odd})

    assert ocsf_faults(made) == []
    assert (made.operation, made.result) == ("Update", "success")
    assert made.ocsf["message"]
    assert "None" not in made.ocsf["message"]


def test_modified_properties_that_are_bare_strings_do_no_harm(ocsf_faults):
    made = event("Update", MailboxOwnerUPN="dana@contoso.example", ModifiedProperties=["RecipientCollection", "Body"])

    assert ocsf_faults(made) == []
    assert (
        made.ocsf["message"]
        == "dana@contoso.example changed an item in their own mailbox: RecipientCollection and Body"
    )


def test_mail_items_accessed_say_how_many_and_each_is_found_by_its_id(ocsf_faults):
    items = [{"InternetMessageId": f"<AM0P191MB{n:010d}@host.example>"} for n in range(3)]
    made = event(
        "MailItemsAccessed",
        OperationProperties=[{"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "True"}],
        OperationCount=3,
        Folders=[{"Path": "\\Inbox", "FolderItems": items[:2]}, {"FolderItems": items[2:]}],
        MailboxOwnerUPN="sam@contoso.example",
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == (
        "dana@contoso.example read 3 messages (Bind) in mailbox sam@contoso.example, "
        "recording was throttled: there were more"
    )
    assert set(query_terms("<AM0P191MB0000000002@host.example>")) <= set(made.terms)


def test_a_synchronised_folder_is_said_and_weighs_more(ocsf_faults):
    made = event(
        "MailItemsAccessed",
        MailboxOwnerUPN="sam@contoso.example",
        OperationProperties=[{"Name": "MailAccessType", "Value": "Sync"}],
        Folders=[{"Path": "\\Inbox"}],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == (
        "dana@contoso.example read a whole folder (Sync) in mailbox sam@contoso.example, \\Inbox"
    )
    assert made.ocsf["severity_id"] == 2


def test_mail_sent_as_somebody_names_whose_name_was_used(ocsf_faults):
    made = event(
        "SendAs", MailboxOwnerUPN="box@contoso.example", SendAsUserSmtp="boss@contoso.example", Item={"Subject": "Pay"}
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "dana@contoso.example sent mail as boss@contoso.example, “Pay”"


def test_a_rule_that_outlook_changed_is_named_and_severe_when_it_forwards(ocsf_faults):
    made = event(
        "UpdateInboxRules",
        MailboxOwnerUPN="sam@contoso.example",
        OperationProperties=[
            {"Name": "RuleName", "Value": "Hide"},
            {"Name": "RuleActions", "Value": '[{"ActionType":"Forward"}]'},
        ],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["severity_id"] == 4
    assert made.ocsf["message"].endswith("rule Hide, forwarding to somewhere")
    assert {"name": "RuleName", "value": "Hide"} in made.ocsf["api"]["request"]["data"]["parameters"]


def test_a_cmdlets_parameters_are_what_was_asked_for(ocsf_faults):
    made = event("Set-Mailbox", Parameters=[{"Name": "Identity", "Value": "sam"}, {"Name": "Name.$x", "Value": "y"}])

    assert ocsf_faults(made) == []
    assert made.ocsf["api"]["request"]["data"]["parameters"] == [
        {"name": "Identity", "value": "sam"},
        {"name": "Name.$x", "value": "y"},
    ]


@each("odd", [None, 5, "x", "[", [], {}, [None], [{"FolderItems": 5}], [{"Name": "RuleName"}]])
def test_odd_mailbox_records_are_mapped_all_the_same(odd, ocsf_faults):
    for operation in ("MailItemsAccessed", "HardDelete", "SendAs", "Set-Mailbox", "UpdateInboxRules"):
        made = event(
            operation, Item=odd, AffectedItems=odd, Folders=odd, OperationProperties=odd, DestFolder=odd,
            Parameters=odd, OperationCount=odd, SendAsUserSmtp=odd, ModifiedProperties=odd,
        )  # fmt: skip

        assert ocsf_faults(made) == []
        assert "mapper-error" not in made.tags


def test_a_rule_without_a_name_still_says_where_outlook_forwards(ocsf_faults):
    made = event(
        "UpdateInboxRules",
        MailboxOwnerUPN="dana@contoso.example",
        OperationProperties=[
            {"Name": "RuleName"},
            {
                "Name": "RuleActions",
                "Value": '[{"ActionType":"Forward","Recipients":["a@mail.example","b@c.example"]}]',
            },
        ],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["severity_id"] == 4
    assert made.ocsf["message"] == (
        "dana@contoso.example changed their own inbox rules, forwarding to a@mail.example, b@c.example"
    )


@each(
    ("operation", "parameters", "severity", "message"),
    [
        (
            "New-TransportRule",
            named(Name=".", BlindCopyTo="drop@mail.example", SubjectOrBodyContainsWords="password;invoice"),
            4,
            "created transport rule ., copying in secret to drop@mail.example, of mail with password;invoice",
        ),
        (
            "New-TransportRule",
            named(Name="Let in", SenderDomainIs="bad.example", SetSCL="-1"),
            4,
            "created transport rule Let in, setting the spam level to -1, of mail from domain bad.example",
        ),
        (
            "New-InboxRule",
            named(Name="..", From="bank@mail.example", MoveToFolder="RSS Feeds", MarkAsRead="True"),
            4,
            "created inbox rule .., moving to folder RSS Feeds and marking as read, of mail from bank@mail.example",
        ),
        (
            "Set-InboxRule",
            named(Identity="Sam Ortiz\\News", Mailbox="sam", MoveToFolder="News"),
            3,
            "changed inbox rule News, in mailbox sam, moving to folder News",
        ),
        (
            "Set-Mailbox",
            named(Identity="sam", ForwardingSmtpAddress=""),
            2,
            "changed mailbox sam, no longer forwarding",
        ),
        (
            "Set-Mailbox",
            named(Identity="sam", AuditEnabled="False", Force="True"),
            4,
            "changed mailbox sam, setting AuditEnabled to False",
        ),
        (
            "Set-MailboxAuditBypassAssociation",
            named(Identity="sam", AuditBypassEnabled="True"),
            5,
            "changed the audit bypass of sam, setting AuditBypassEnabled to True",
        ),
        (
            "Set-AdminAuditLogConfig",
            named(UnifiedAuditLogIngestionEnabled="False"),
            5,
            "changed the audit log configuration, setting UnifiedAuditLogIngestionEnabled to False",
        ),
        (
            "New-ComplianceSearch",
            '-Name "Cleanup" -ExchangeLocation All -ContentMatchQuery "subject:pay" -Force',
            3,
            "created content search Cleanup, with ExchangeLocation All and ContentMatchQuery subject:pay",
        ),
        (
            "Add-MailboxPermission",
            named(Identity="org/Sam", User="org/Mal Ory", AccessRights="FullAccess"),
            3,
            "gave Mal Ory access to mailbox Sam, with FullAccess",
        ),
    ],
)
def test_a_cmdlet_says_what_it_does(operation, parameters, severity, message, ocsf_faults):
    made = event(operation, Parameters=parameters)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == f"dana@contoso.example {message}"
    assert made.ocsf["severity_id"] == severity


def test_upkeep_by_microsoft_is_not_severe_unless_it_weakens_something():
    by_system = {"UserId": "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)", "UserType": 3}

    upkeep = event("Set-AdminAuditLogConfig", Parameters=named(Identity="Settings"), **by_system)
    weaker = event("Set-AdminAuditLogConfig", Parameters=named(AdminAuditLogEnabled="False"), **by_system)

    assert (upkeep.ocsf["severity_id"], weaker.ocsf["severity_id"]) == (2, 5)


@each(
    ("operation", "member", "rights", "severity", "message"),
    [
        ("AddFolderPermissions", "kim@contoso.example", "ReadItems, FolderVisible", 2, "gave {} access to"),
        ("ModifyFolderPermissions", "Everyone", "None", 2, "changed {}'s access to"),
        ("UpdateFolderPermissions", "Anonymous", "ReadItems", 3, "changed {}'s access to"),
        ("RemoveFolderPermissions", "kim@contoso.example", None, 2, "took away {}'s access to"),
    ],
)
def test_who_got_access_to_a_folder_is_said(operation, member, rights, severity, message, ocsf_faults):
    folder = {"Path": "\\Inbox", "MemberUpn": member} | ({"MemberRights": rights} if rights else {})
    made = event(operation, MailboxOwnerUPN="sam@contoso.example", Item={"ParentFolder": folder})

    assert ocsf_faults(made) == []
    assert made.ocsf["severity_id"] == severity
    assert made.ocsf["message"] == (
        f"dana@contoso.example {message.format(member)} folder \\Inbox in mailbox sam@contoso.example"
        + (f", with {rights.replace('None', 'no rights')}" if rights else "")
    )

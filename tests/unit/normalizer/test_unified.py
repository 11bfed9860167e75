"""What all workloads of the unified log share; Entra's changes, Teams, data loss prevention; records in wrappers."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
GUID = "5ca8f8c5-68ce-4e2b-a999-986690e9b27f"
OTHER = "9ae5c67d-4c26-4037-a229-f3dc8256b6c1"


def ual(**more):
    return {
        "Id": "q-1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "Add member to role.",
        "RecordType": 8,
        "Workload": "AzureActiveDirectory",
        "OrganizationId": "org-1",
        "UserId": "Dana@contoso.example",
        "UserKey": "k-1",
        "UserType": 0,
        "ResultStatus": "Success",
        "InterSystemsId": "c-1",
        "ClientIP": "203.0.113.9",
        "ObjectId": "sam@contoso.example",
        "Actor": [
            {"ID": "Dana@contoso.example", "Type": 5},
            {"ID": f"User_{GUID}", "Type": 2},
            {"ID": "User", "Type": 2},
        ],
        "Target": [
            {"ID": f"User_{OTHER}", "Type": 2},
            {"ID": "User", "Type": 2},
            {"ID": "Sam@contoso.example", "Type": 5},
        ],
        "ModifiedProperties": [{"Name": "Role.DisplayName", "NewValue": "Helpdesk", "OldValue": ""}],
    } | more


def event(record=None, *, mapper="unified", **more) -> Event:
    text = orjson.dumps(record if record is not None else ual(**more))
    made = normalise(text, RecordContext("contoso", "o365-azuread", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == mapper
    return made


def test_a_role_assignment_reads_as_the_one_of_graph_does(ocsf_faults):
    made = event()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (3005, 1, 4)
    assert (made.service, made.operation, made.result) == ("entra", "Add member to role", "success")
    assert (made.actor, made.ip, made.correlation_id) == ("dana@contoso.example", "203.0.113.9", "c-1")
    assert made.time_ms == 1795419000000
    assert made.ocsf["message"] == "dana@contoso.example added sam@contoso.example to role Helpdesk"
    assert made.ocsf["actor"]["user"]["uid"] == GUID
    assert made.ocsf["user"]["uid"] == OTHER
    assert made.ocsf["privileges"] == ["Helpdesk"]
    assert made.ocsf["cloud"]["account"]["uid"] == "org-1"


def test_the_ids_of_one_entity_are_one_party_whether_types_are_numbers_or_text():
    numbers = ual()["Target"]
    made = event(Target=[{"ID": item["ID"], "Type": str(item["Type"])} for item in numbers])

    assert made.ocsf["user"] == event().ocsf["user"]
    assert [one["type"] for one in made.ocsf["resources"]] == ["user", "role"]


def test_an_application_that_acts_is_a_service_with_its_name(ocsf_faults):
    actor = [("Group Keeper", 1), (GUID, 2), (f"ServicePrincipal_{GUID}", 2), ("ServicePrincipal", 2)]
    made = event(
        UserId=f"ServicePrincipal_{GUID}",
        UserType=4,
        ClientIP="<null>",
        Actor=[{"ID": name, "Type": sort} for name, sort in actor],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["actor"]["user"]["type"] == "Service"
    assert made.ocsf["actor"]["app_name"] == "Group Keeper"
    assert made.ocsf["message"].startswith("Group Keeper added ")
    assert made.ip is None


def test_a_group_is_named_in_sentence_and_observables(ocsf_faults):
    made = event(
        Operation="Add member to group.",
        ModifiedProperties=[
            {"Name": "Group.ObjectID", "NewValue": f'["{GUID}"]', "OldValue": "[]"},
            {"Name": "Group.DisplayName", "NewValue": '[\r\n  "Payroll"\r\n]', "OldValue": "[]"},
        ],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "dana@contoso.example added sam@contoso.example to group Payroll"
    assert made.ocsf["group"] == {"name": "Payroll", "uid": GUID}
    assert "payroll" in made.terms


@each(
    ("user", "actor"),
    [
        ("GradyA@Contoso.example", "gradya@contoso.example"),
        ("NOT-FOUND", "not-found"),
        ("S-1-5-18", "s-1-5-18"),
        (GUID, GUID),
        ("app@sharepoint", "app@sharepoint"),
        ("Certificate", "certificate"),
    ],
)
def test_an_actor_need_not_be_a_user_principal_name(user, actor, ocsf_faults):
    made = event(Operation="Do it", Workload="MicrosoftTeams", RecordType=25, UserId=user, Actor=None)

    assert ocsf_faults(made) == []
    assert made.actor == actor


@each(
    ("workload", "service"),
    [
        ("Exchange", "exchange"),
        ("MicrosoftTeams", "teams"),
        ("SecurityComplianceCenter", "purview"),
        ("Brand New Thing", "brand-new-thing"),
        ("", "m365"),
        (None, "m365"),
        ([], "m365"),
        ("€" * 300, "m365"),
    ],
)
def test_a_workload_is_a_service_also_one_that_we_do_not_know(workload, service, ocsf_faults):
    made = event(Workload=workload, Operation="Do it", RecordType=9999)

    assert ocsf_faults(made) == []
    assert made.service == service


@each(
    ("record_type", "name", "service"),
    [
        (1, "ExchangeAdmin", "exchange"),
        ("25", "MicrosoftTeams", "teams"),
        ("SharePointFileOperation", "SharePointFileOperation", "sharepoint"),
        (261, "CopilotInteraction", "copilot"),
        (9999, "9999", "m365"),
    ],
)
def test_a_record_type_has_a_name_and_tells_the_workload_that_is_missing(record_type, name, service):
    made = event(Workload=None, Operation="Do it", RecordType=record_type)

    assert made.ocsf["metadata"]["log_name"] == f"Unified Audit Log: {name}"
    assert made.service == service


def test_new_members_of_a_team_are_targets(ocsf_faults):
    made = event(
        Operation="MemberAdded",
        Workload="MicrosoftTeams",
        ObjectId=None,
        TeamName="Plant Floor",
        TeamGuid="t-1",
        Members=[{"UPN": "sam@contoso.example", "Role": 1}, {"DisplayName": "Kim Vale"}, "x", None],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["group"] == {"name": "Plant Floor", "uid": "t-1"}
    assert made.ocsf["message"] == (
        "dana@contoso.example added sam@contoso.example (owner) and Kim Vale to team Plant Floor"
    )
    assert {"sam", "kim", "vale"} <= set(made.terms)


@each(
    ("workload", "more", "item"),
    [
        (
            "SharePoint",
            {"SharePointMetaData": {"FileName": "Cards.xlsx", "FilePathUrl": "https://x/Cards.xlsx"}},
            " with file Cards.xlsx",
        ),
        (
            "OneDrive",
            {"SharePointMetaData": {"FileName": "Cards.xlsx"}, "SiteUrl": "https://x"},
            " with file Cards.xlsx",
        ),
        ("Exchange", {"ExchangeMetaData": {"Subject": "Cards.xlsx", "MessageID": "<m@x>"}}, " with mail Cards.xlsx"),
        ("Endpoint", {"ObjectId": "Cards.xlsx"}, ""),
    ],
)
def test_a_data_loss_match_names_rule_severity_and_document_in_every_workload(workload, more, item, ocsf_faults):
    policy = [{"PolicyName": "Payments", "Rules": [{"RuleName": "Many numbers", "Severity": "High"}]}]
    made = event(Operation="DLPRuleMatch", RecordType=11, Workload=workload, PolicyDetails=policy, **more)

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (2004, 1, 4)
    assert made.ocsf["message"] == f"dana@contoso.example matched data loss rule Many numbers{item}"
    assert made.ocsf["finding_info"]["title"] == "Many numbers"
    assert {"cards", "xlsx"} <= set(made.terms)


def test_an_alert_of_the_compliance_centre_is_a_finding(ocsf_faults):
    made = event(
        Operation="AlertTriggered",
        Workload="SecurityComplianceCenter",
        ObjectId=None,
        Name="Unusual volume",
        AlertId="al-1",
        Severity="High",
        EntityId="sam@contoso.example",
    )

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["severity_id"]) == (2004, 4)
    assert made.ocsf["message"] == "dana@contoso.example raised alert Unusual volume, about sam@contoso.example"
    assert "sam" in made.terms


@pytest.mark.parametrize("spelt", ["2026-11-23T07:30:00", "11/23/2026 7:30:00 AM", "2026-11-23T07:30:00.0000000Z"])
def test_creation_times_of_api_and_exports_are_the_same_clock(spelt):
    assert event(CreationTime=spelt).time_ms == 1795419000000


@each("odd", [None, "", "0001-01-01T00:00:00", "soon", [], {}, True])
def test_a_record_without_a_usable_time_is_kept_and_marked(odd, ocsf_faults):
    made = event(CreationTime=odd)

    assert ocsf_faults(made) == []
    assert (made.time_ms, made.tags) == (0, ("no-time",))


ODD = [None, "", "<null>", [], {}, 7, True, [None], ["x"], [[]], "[", {"ID": []}, [{"ID": {}, "Type": []}], "x" * 5000]


@each("odd", ODD)
@each("field", ["RecordType", "UserId", "UserType", "Actor", "Target", "ModifiedProperties", "ClientIP", "ObjectId"])
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = event(**{field: odd})

    assert ocsf_faults(made) == []
    assert (made.operation, made.class_uid, made.result) == ("Add member to role", 3005, "success")
    assert "None" not in made.ocsf["message"]
    assert (made.ip is None) == (field == "ClientIP")


@each("holder", ["auditData", "AuditData", "RawEventData"])
@each("as_text", [True, False])
def test_a_record_in_a_wrapper_is_mapped_as_itself(holder, as_text, ocsf_faults):
    inside = orjson.dumps(ual()).decode() if as_text else ual()
    made = event({holder: inside, "userId": "k-1", "clientIp": None, "id": "outer"}, mapper="wrapped")

    assert ocsf_faults(made) == []
    assert made.id == event().id
    assert (made.actor, made.ip, made.operation) == ("dana@contoso.example", "203.0.113.9", "Add member to role")
    assert made.ocsf["message"] == event().ocsf["message"]


@each("odd", [None, "", "{", "[]", {}, [], 7, '{"a":1}', '{"Operation":"x","Id":' + "[" * 900])
def test_a_wrapper_without_a_record_inside_is_still_an_event(odd, ocsf_faults):
    made = event({"AuditData": odd, "Operations": "Do it", "UserIds": "dana@contoso.example"}, mapper="generic")

    assert ocsf_faults(made) == []


@each("levels", [40, 150, 300, 1000])
def test_a_deep_record_in_a_string_makes_an_event_that_can_be_written(levels, ocsf_faults):
    deep = '{"Operation":"Do it","RecordType":1,"x":' + "[" * levels + "]" * levels + "}"
    for record in ({"AuditData": deep}, ual(Parameters=deep), ual(ModifiedProperties=deep)):
        made = normalise(orjson.dumps(record), RecordContext("contoso", "import", NOW))

        assert isinstance(made, Event)
        assert ocsf_faults(made) == []
        assert "mapper-error" not in made.tags

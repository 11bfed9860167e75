"""Directory audits as Graph lists them."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DANA = {"id": "u-dana", "displayName": "Dana Reyes", "userPrincipalName": "Dana@contoso.example"}
SAM = {"id": "u-sam", "displayName": "Sam Ortiz", "type": "User", "userPrincipalName": "sam@contoso.example"}


def change(name, new, old=None):
    return {"displayName": name, "oldValue": old, "newValue": new}


def audit(**more):
    return {
        "id": "Directory_1",
        "activityDisplayName": "Add member to role",
        "activityDateTime": "2026-11-23T07:30:00.1234567Z",
        "correlationId": "c-1",
        "result": "success",
        "resultReason": "",
        "loggedByService": "Core Directory",
        "initiatedBy": {"user": DANA | {"ipAddress": "203.0.113.9"}, "app": None},
        "targetResources": [
            SAM | {"modifiedProperties": [change("Role.DisplayName", '"Helpdesk Administrator"')]},
            {"id": "role-1", "displayName": None, "type": "Role", "modifiedProperties": []},
        ],
        "additionalDetails": [{"key": "User-Agent", "value": "Mozilla/5.0"}],
    } | more


def event(**more) -> Event:
    made = normalise(orjson.dumps(audit(**more)), RecordContext("contoso", "graph-directory-audits", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "directory"
    return made


def test_a_role_assignment_says_who_gave_what_to_whom_and_from_where(ocsf_faults):
    made = event()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (3005, 1, 4)
    assert (made.service, made.operation, made.result) == ("entra", "Add member to role", "success")
    assert (made.actor, made.ip, made.correlation_id) == ("dana@contoso.example", "203.0.113.9", "c-1")
    assert made.time_ms == 1795419000123
    assert made.ocsf["message"] == "Dana Reyes added Sam Ortiz to role Helpdesk Administrator"
    assert made.ocsf["user"]["email_addr"] == "sam@contoso.example"
    assert made.ocsf["privileges"] == ["Helpdesk Administrator"]
    assert made.ocsf["http_request"] == {"user_agent": "Mozilla/5.0"}
    assert made.ocsf["metadata"]["original_time"] == "2026-11-23T07:30:00.1234567Z"
    assert made.tags == ()


def test_observables_are_actor_address_and_every_target():
    values = [found["value"] for found in event().ocsf["observables"]]

    assert values == ["dana@contoso.example", "203.0.113.9", "sam@contoso.example", "Helpdesk Administrator"]


def test_everybody_in_the_record_can_be_searched_for():
    assert {"dana", "sam", "helpdesk", "4.203.000.113.009", "role"} <= set(event().terms)


@each("spelt", ['"Helpdesk"', '["Helpdesk"]', "Helpdesk", '[\r\n  "Helpdesk"\r\n]'])
def test_a_role_is_read_in_every_spelling_of_a_modified_property(spelt):
    target = SAM | {"modifiedProperties": [change("Role.DisplayName", spelt)]}

    assert event(targetResources=[target]).ocsf["privileges"] == ["Helpdesk"]


def test_a_role_that_was_taken_away_is_in_the_old_value():
    target = SAM | {"modifiedProperties": [change("Role.DisplayName", None, '"Helpdesk"')]}
    made = event(activityDisplayName="Remove member from role", targetResources=[target])

    assert made.ocsf["message"] == "Dana Reyes removed Sam Ortiz from role Helpdesk"
    assert made.ocsf["activity_id"] == 2


def test_a_group_without_a_name_of_its_own_is_named_by_the_members_modified_properties(ocsf_faults):
    made = event(
        activityDisplayName="Add member to group",
        targetResources=[
            SAM | {"modifiedProperties": [change("Group.DisplayName", '"Payroll"')]},
            {"id": "g-1", "displayName": None, "Type": "Group", "modifiedProperties": []},
        ],
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Dana Reyes added Sam Ortiz to group Payroll"
    assert made.ocsf["group"] == {"name": "Payroll", "uid": "g-1"}
    assert made.ocsf["user"]["uid"] == "u-sam"
    assert "payroll" in made.terms


def test_an_application_that_acts_is_the_actor_and_not_nobody(ocsf_faults):
    app = {"displayName": "Directory Sync", "appId": "a-1", "servicePrincipalId": "sp-1"}
    made = event(initiatedBy={"user": None, "app": app})

    assert ocsf_faults(made) == []
    assert made.actor == "directory sync"
    assert made.ocsf["actor"]["app_uid"] == "a-1"
    assert made.ocsf["actor"]["user"] == {"type_id": 4, "type": "Service", "name": "Directory Sync", "uid": "sp-1"}
    assert made.ocsf["message"].startswith("Directory Sync added Sam Ortiz")


def test_a_person_who_acts_through_an_application_stays_the_actor():
    made = event(initiatedBy={"user": DANA, "app": {"displayName": "Azure Portal", "appId": "a-1"}})

    assert made.actor == "dana@contoso.example"
    assert made.ocsf["actor"]["app_name"] == "Azure Portal"


@pytest.mark.parametrize("spelt", ["Update application – Certificates and secrets management ", "Update application."])
def test_an_operation_is_shown_without_a_trailing_blank_or_dot_and_with_plain_dashes(spelt):
    made = event(activityDisplayName=spelt, targetResources=[{"displayName": "Backup", "type": "Application"}])

    assert made.operation == spelt.replace("–", "-").strip(" .")
    assert made.ocsf["message"].endswith("application Backup")
    assert made.class_uid == 3004


@pytest.mark.parametrize(("result", "expected"), [("failure", "failure"), ("timeout", "failure"), ("x", "unknown")])
def test_a_failure_keeps_the_reason_and_reads_as_one(result, expected):
    made = event(result=result, resultReason="No licence left.")

    assert made.result == expected
    assert made.ocsf["status_detail"] == "No licence left."
    assert ("ailed" in made.ocsf["message"] or "vain" in made.ocsf["message"]) == (expected == "failure")


def test_the_reason_of_a_success_is_no_detail_of_a_failure():
    assert "status_detail" not in event(resultReason="Weekly maintenance").ocsf


@each("kind", ["Device", "Policy", "ServicePrincipal", "N/A", None, 7])
def test_targets_of_every_kind_are_kept(kind, ocsf_faults):
    targets = [{"id": f"t-{n}", "displayName": f"Thing {n}", "type": kind} for n in range(3)]
    made = event(activityDisplayName="Do a thing", targetResources=targets)

    assert ocsf_faults(made) == []
    assert [resource["uid"] for resource in made.ocsf["resources"]] == ["t-0", "t-1", "t-2"]
    assert made.ocsf["message"] == "Dana Reyes ran Do a thing on Thing 0"


@each("odd", [None, "", "<null>", [], {}, "text", 7, True, [None], ["x"], [[]], {"a": None}])
@each(
    "field",
    ["initiatedBy", "targetResources", "additionalDetails", "activityDateTime", "result", "correlationId", "id"],
)
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = event(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.operation == "Add member to role"
    assert made.ocsf["message"]
    assert (made.actor == "dana@contoso.example") == (field != "initiatedBy")
    assert ("no-time" in made.tags) == (field == "activityDateTime")
    assert "None" not in made.ocsf["message"]


@each("odd", [None, "text", 7, [], [None], {"user": "x", "app": 5}, {"user": [], "app": None}])
def test_without_an_initiator_somebody_did_it(odd):
    made = event(initiatedBy=odd)

    assert (made.actor, made.ip) == (None, None)
    assert made.ocsf["message"].startswith("Somebody added Sam Ortiz")


def test_json_in_a_string_in_place_of_an_object_is_read():
    made = event(initiatedBy=orjson.dumps({"user": DANA}).decode(), targetResources=orjson.dumps([SAM]).decode())

    assert made.actor == "dana@contoso.example"
    assert made.ocsf["user"]["uid"] == "u-sam"


def test_more_targets_than_an_event_holds_are_cut_and_the_event_says_so(ocsf_faults):
    made = event(
        activityDisplayName="Do a thing", targetResources=[{"id": f"t-{n}", "type": "User"} for n in range(400)]
    )

    assert ocsf_faults(made) == []
    assert made.tags == ("truncated",)
    assert len(made.ocsf["resources"]) == 200
    assert "t-399" in made.raw


def test_what_has_no_home_is_kept_under_its_own_name():
    assert event(operationType="Assign").unmapped["operationType"] == "Assign"

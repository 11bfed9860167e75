"""Alerts of Privileged Identity Management."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "graph-pim-alerts", datetime(2026, 11, 23, 8, tzinfo=UTC))
NAME = "DirectoryRole_3b0e0000-22fa-4c16-9bf2-470b80be80d6_RolesAssignedOutsidePimAlert"
KIND = "rolesAssignedOutsidePrivilegedIdentityManagementAlert"


def holder(name="Kim Novak", upn="Kim@contoso.example", uid="11111111-1111-4111-8111-111111111111"):
    return {
        "@odata.type": f"#microsoft.graph.{KIND}Incident",
        "id": uid,
        "assigneeId": uid,
        "assigneeDisplayName": name,
        "assigneeUserPrincipalName": upn,
        "roleDisplayName": "Global Administrator",
        "roleTemplateId": "62e90394-69f5-4237-9190-012177145e10",
    }


def alert(**more) -> Event:
    record = {
        "id": NAME,
        "alertDefinitionId": NAME,
        "scopeId": "/",
        "scopeType": "DirectoryRole",
        "incidentCount": 1,
        "isActive": True,
        "lastModifiedDateTime": "2026-11-23T07:30:00.25Z",
        "lastScannedDateTime": "2026-11-23T07:45:00Z",
        "alertDefinition": {"displayName": "Roles are assigned past the service", "severityLevel": "high"},
        "alertConfiguration": {"@odata.type": f"#microsoft.graph.{KIND}Configuration", "isEnabled": True},
        "alertIncidents": [holder()],
    }
    made = normalise(orjson.dumps(record | more), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "pim"
    return made


def test_an_alert_is_a_finding_about_who_holds_which_role(ocsf_faults):
    made = alert()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (2004, 1, 4)
    assert (made.actor, made.operation) == ("kim@contoso.example", "RolesAssignedOutsidePimAlert")
    assert made.ocsf["message"] == (
        "PIM alert: Roles are assigned past the service (Kim Novak and 1 more), active, 1 incident"
    )
    assert made.time_ms == 1795419000250
    assert {"kim", "novak", "global", "administrator"} <= set(made.terms)


def test_public_rules_find_the_kinds_by_which_they_know_alerts(ocsf_faults):
    made = alert()

    record = orjson.loads(made.raw)
    assert record["alertIncidents"][0]["@odata.type"].endswith(f".{KIND}Incident")
    assert record["alertConfiguration"]["@odata.type"].endswith(f".{KIND}Configuration")
    assert f"{KIND}incident".lower() in made.terms


def test_an_alert_that_is_over_is_closed():
    made = alert(isActive=False, incidentCount=0, alertIncidents=[])

    assert made.ocsf["activity_id"] == 3
    assert made.ocsf["message"] == "PIM alert: Roles are assigned past the service, not active, 0 incidents"
    assert made.actor == "privileged identity management"


def test_an_alert_whose_time_microsoft_has_forgotten_is_of_when_it_was_looked_at():
    made = alert(lastModifiedDateTime="0001-01-01T08:00:00Z", isActive=False)

    assert made.time_ms == 1795419900000


def test_each_new_state_is_an_event_and_being_looked_at_is_none():
    later = alert(lastModifiedDateTime="2026-11-23T07:31:00Z", incidentCount=2)
    scanned = alert(lastScannedDateTime="2026-11-23T07:59:00Z")

    assert later.id != alert().id == scanned.id


def test_incidents_beyond_what_an_event_holds_are_bounded(ocsf_faults):
    people = [holder(f"P {n}", f"p{n}@contoso.example", f"{n:08d}-1111-4111-8111-111111111111") for n in range(3000)]
    made = alert(alertIncidents=people, incidentCount=3000)

    assert ocsf_faults(made) == []
    assert "truncated" in made.tags
    assert "p2999@contoso.example" in made.raw


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], ["x"], "{", [[]], [{"assigneeId": []}]])
@each(
    "field",
    [
        "alertIncidents",
        "alertDefinition",
        "alertConfiguration",
        "incidentCount",
        "isActive",
        "lastModifiedDateTime",
        "id",
    ],
)
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = alert(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.ocsf["message"].startswith("PIM alert: ")
    assert "None" not in made.ocsf["message"]

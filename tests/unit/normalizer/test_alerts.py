"""Defender alerts and incidents, and the risks of Identity Protection."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTEXT = RecordContext("contoso", "graph-alerts", NOW)


def made_of(record, mapper) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == mapper
    return made


def alert(**more) -> Event:
    return made_of(
        {
            "id": "al-1",
            "incidentId": "17",
            "status": "new",
            "severity": "high",
            "title": "Odd sign-in",
            "serviceSource": "azureAdIdentityProtection",
            "createdDateTime": "2026-11-23T07:30:00.1234567Z",
            "lastUpdateDateTime": "2026-11-23T07:31:00Z",
            "evidence": [
                {"userAccount": {"accountName": "dana", "userPrincipalName": "Dana@contoso.example"}},
                {"ipAddress": "203.0.113.9"},
                {"deviceDnsName": "con-nb1.contoso.example"},
            ],
        }
        | more,
        "alerts",
    )


def risk(**more) -> Event:
    return made_of(
        {
            "id": "rk-1",
            "riskEventType": "unfamiliarFeatures",
            "riskLevel": "high",
            "riskState": "atRisk",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "userId": "u-dana",
            "userDisplayName": "Dana Reyes",
            "userPrincipalName": "Dana@contoso.example",
            "ipAddress": "203.0.113.9",
            "location": {"city": "Lisbon", "countryOrRegion": "PT"},
        }
        | more,
        "risk",
    )


def test_an_alert_is_a_finding_about_somebody(ocsf_faults):
    made = alert()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (2004, 1, 4)
    assert (made.service, made.operation, made.correlation_id) == ("defender", "Alert", "17")
    assert (made.actor, made.ip, made.time_ms) == ("dana@contoso.example", "203.0.113.9", 1795419000123)
    assert made.ocsf["message"] == "Alert: Odd sign-in (dana@contoso.example), new"
    assert made.ocsf["finding_info"] == {"uid": "al-1", "title": "Odd sign-in", "created_time": made.time_ms}
    assert made.ocsf["evidences"][0]["src_endpoint"] == {"ip": "203.0.113.9"}
    assert "con-nb1.contoso.example" in [seen["value"] for seen in made.ocsf["observables"]]
    assert {"dana", "odd", "4.203.000.113.009"} <= set(made.terms)


@each(
    ("status", "activity"),
    [("new", 1), ("inProgress", 2), ("resolved", 3), ("dismissed", 3), ("unknownFutureValue", 1), (None, 1), ([], 1)],
)
def test_the_state_of_an_alert_is_its_activity(status, activity):
    assert alert(status=status).ocsf["activity_id"] == activity


@each(
    ("severity", "expected"),
    [("Informational", 1), ("low", 2), ("Medium", 3), ("high", 4), ("x", 3), (None, 3), ({}, 3)],
)
def test_severity_is_microsofts(severity, expected):
    assert alert(severity=severity).ocsf["severity_id"] == expected


def test_an_older_alert_names_people_in_user_states(ocsf_faults):
    made = alert(evidence=None, userStates=[{"userPrincipalName": "sam@contoso.example"}, "x"])

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Alert: Odd sign-in (sam@contoso.example), new"


def test_an_incident_is_called_by_its_name():
    made = alert(title=None, displayName="Incident on one endpoint", evidence=[])

    assert made.ocsf["message"] == "Alert: Incident on one endpoint, new"
    assert (made.actor, made.ip) == (None, None)
    assert "evidences" not in made.ocsf


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], ["x"], [[]], "{", [{"userAccount": "x"}]])
@each("field", ["evidence", "title", "incidentId", "createdDateTime", "id", "userStates"])
def test_an_odd_field_of_an_alert_costs_only_itself(field, odd, ocsf_faults):
    made = alert(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.ocsf["severity_id"] == 4
    assert made.ocsf["message"].startswith("Alert: ")
    assert "None" not in made.ocsf["message"]
    assert (made.actor is None) == (field == "evidence")


def test_evidence_beyond_what_an_event_holds_is_bounded(ocsf_faults):
    made = alert(evidence=[{"deviceDnsName": f"host-{number}"} for number in range(5000)])

    assert ocsf_faults(made) == []
    assert len(made.ocsf["observables"]) <= 203
    assert "host-4999" in made.raw


def test_a_risk_detection_says_whose_risk_and_how_high(ocsf_faults):
    made = risk()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (2004, 1, 4)
    assert (made.actor, made.ip, made.operation) == ("dana@contoso.example", "203.0.113.9", "unfamiliarFeatures")
    assert (
        made.ocsf["message"] == "Risk of Dana Reyes: unfamiliar features from 203.0.113.9 (Lisbon), level high, at risk"
    )
    assert made.ocsf["evidences"][0]["src_endpoint"]["location"] == {"city": "Lisbon", "country": "PT"}
    assert "lisbon" in made.terms


def test_a_risky_user_is_updated_and_not_created(ocsf_faults):
    made = risk(riskEventType=None, activityDateTime=None, riskLastUpdatedDateTime="2026-11-23T7:30:00.5Z")

    assert ocsf_faults(made) == []
    assert (made.operation, made.ocsf["activity_id"]) == ("Risky user", 2)
    assert made.time_ms == 1795419000500


def test_a_risky_user_is_known_by_the_records_own_id():
    made = risk(riskEventType=None, userId=None, id="0b6d1c5e-1111-4222-8333-444455556666", activityDateTime=None)

    assert made.ocsf["evidences"][0]["actor"]["user"]["uid"] == "0b6d1c5e-1111-4222-8333-444455556666"
    assert risk(userId=None).ocsf["evidences"][0]["actor"]["user"].get("uid") is None


@each(
    ("state", "activity"),
    [("atRisk", 1), ("confirmedCompromised", 1), ("remediated", 3), ("dismissed", 3), ("confirmedSafe", 3), ("x", 1)],
)
def test_a_risk_that_was_dealt_with_is_closed(state, activity):
    assert risk(riskState=state).ocsf["activity_id"] == activity


def test_a_detection_says_how_it_was_dealt_with_and_is_found_by_its_sign_in(ocsf_faults):
    made = risk(
        riskState="remediated",
        riskDetail="userPerformedSecuredPasswordReset",
        requestId="5f8d0b1a-2222-4333-8444-555566667777",
        correlationId="c0ffee00-2222-4333-8444-555566667777",
        additionalInfo='[{"Key":"userAgent","Value":"python-requests/2.31.0"},{"Key":"alertUrl","Value":null}]',
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"].endswith("level high, remediated (user performed secured password reset)")
    assert made.correlation_id == "c0ffee00-2222-4333-8444-555566667777"
    assert "5f8d0b1a-2222-4333-8444-555566667777" in made.terms
    assert {"python", "requests"} <= set(made.terms)
    assert orjson.loads(made.raw)["riskEventType"] == "unfamiliarFeatures"


def test_a_detection_about_a_service_principal_names_it(ocsf_faults):
    made = risk(
        userId=None,
        userDisplayName=None,
        userPrincipalName=None,
        servicePrincipalId="sp-1",
        servicePrincipalDisplayName="Ledger Sync",
        appId="0a1b2c3d-2222-4333-8444-555566667777",
    )

    assert ocsf_faults(made) == []
    assert (made.actor, made.ocsf["message"].partition(":")[0]) == ("ledger sync", "Risk of Ledger Sync")


def test_a_risk_that_is_over_is_none_and_not_unknown():
    made = risk(riskLevel="none", riskState="none")

    assert made.ocsf["severity_id"] == 1
    assert made.ocsf["message"].endswith("level none, state none")


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], "{", [[]]])
@each(
    "field",
    [
        "riskLevel",
        "riskState",
        "riskEventType",
        "userPrincipalName",
        "ipAddress",
        "location",
        "id",
        "riskDetail",
        "additionalInfo",
        "correlationId",
        "requestId",
    ],
)
def test_an_odd_field_of_a_risk_costs_only_itself(field, odd, ocsf_faults):
    made = risk(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.ocsf["message"].startswith("Risk of Dana Reyes: ")
    assert "None" not in made.ocsf["message"]
    assert (made.ip is None) == (field == "ipAddress")

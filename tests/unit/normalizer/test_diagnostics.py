"""Azure Monitor diagnostics: an envelope around the record that Graph would list."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTEXT = RecordContext("contoso", "import", NOW)
SIGN_IN = {
    "id": "s-1",
    "createdDateTime": "2026-11-23T07:30:00+00:00",
    "userDisplayName": "Kim Vale",
    "userPrincipalName": "Kim@contoso.example",
    "userId": "u-kim",
    "appId": "a-1",
    "appDisplayName": "Azure Portal",
    "status": {"errorCode": 50126},
}
AUDIT = {
    "id": "Directory_1",
    "activityDisplayName": "Update user",
    "activityDateTime": "2026-11-23T07:30:00Z",
    "result": "success",
    "initiatedBy": {"app": {"displayName": "Sync", "servicePrincipalId": "sp-1"}},
    "targetResources": [{"id": "u-sam", "userPrincipalName": "sam@contoso.example", "type": "User"}],
}
INTUNE = {
    "AuditEventId": "i-1",
    "ActivityDate": "11/23/2026 7:30:00 AM",
    "ActivityResultStatus": 1,
    "Actor": {"UPN": "Dana@contoso.example", "ApplicationName": "Portal", "Application": "a-1", "ObjectId": "u-dana"},
    "Targets": [{"Name": "Laptop 1"}, {"Name": "<null>"}, None, {"Name": "Laptop 2"}],
}
GRAPH = {
    "timeGenerated": "2026-11-23T07:30:00Z",
    "requestId": "g-1",
    "appId": "a-1",
    "userId": "u-dana",
    "requestUri": "https://graph.contoso.example/v1.0/users",
}


def event(inner, log, activity, **more) -> Event:
    record = {
        "time": "2026-11-23T07:33:00Z",
        "category": log,
        "operationName": activity,
        "callerIpAddress": "203.0.113.9",
        "resourceId": "/tenants/t-1",
        "properties": inner,
    } | more
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "diagnostics"
    return made


def sign_in(**more) -> Event:
    return event(SIGN_IN, "SignInLogs", "Sign-in activity", **more)


def test_a_sign_in_is_read_as_the_record_inside(ocsf_faults):
    made = sign_in()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.operation, made.result) == (3002, "Sign-in", "failure")
    assert (made.actor, made.ip) == ("kim@contoso.example", "203.0.113.9")
    assert made.ocsf["metadata"]["log_name"] == "SignInLogs"
    assert made.ocsf["status_code"] == "50126"


def test_the_time_is_that_of_the_event_and_not_that_of_its_envelope():
    assert sign_in().time_ms == 1795419000000
    assert event(SIGN_IN | {"createdDateTime": None}, "SignInLogs", "Sign-in activity").time_ms == 1795419180000


def test_a_directory_audit_is_read_as_the_record_inside(ocsf_faults):
    made = event(AUDIT, "AuditLogs", "Update user", callerIpAddress=None)

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.operation, made.result, made.ip) == (3001, "Update user", "success", None)
    assert made.ocsf["message"] == "Sync changed user sam@contoso.example"


def test_a_risky_user_is_read_as_the_record_inside(ocsf_faults):
    inner = {"id": "u-1", "riskLevel": "medium", "riskState": "atRisk", "userPrincipalName": "kim@contoso.example"}
    made = event(inner | {"riskLastUpdatedDateTime": "2026-11-23T7:30:00.5Z"}, "RiskyUsers", "Risky user")

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["severity_id"], made.time_ms) == (2004, 3, 1795419000500)


def test_an_intune_audit_names_the_person_the_application_and_every_target(ocsf_faults):
    made = event(INTUNE, "AuditLogs", "Wipe ManagedDevice")

    assert ocsf_faults(made) == []
    assert (made.service, made.operation, made.result) == ("intune", "Wipe ManagedDevice", "success")
    assert (made.actor, made.time_ms) == ("dana@contoso.example", 1795419000000)
    assert made.ocsf["actor"]["app_name"] == "Portal"
    assert made.ocsf["message"] == "dana@contoso.example wiped device Laptop 1"
    assert "Laptop 2" in [seen["value"] for seen in made.ocsf["observables"]]


@each(("status", "result"), [("200", "success"), (204, "success"), ("403", "failure"), ("", "unknown")])
def test_a_graph_call_succeeds_or_fails_by_its_http_status(status, result, ocsf_faults):
    made = event(GRAPH, "MicrosoftGraphActivityLogs", "Microsoft Graph Activity", resultSignature=status)

    assert ocsf_faults(made) == []
    assert made.result == result
    assert (made.actor, made.class_uid) == ("u-dana", 6003)
    assert made.ocsf["message"].endswith("ran Microsoft Graph Activity on https://graph.contoso.example/v1.0/users")


def test_what_the_record_inside_leaves_over_is_kept_and_so_is_the_envelope():
    made = event(SIGN_IN | {"tokenIssuerType": "AzureAD"}, "SignInLogs", "Sign-in activity", Level=4)

    assert made.unmapped["tokenIssuerType"] == "AzureAD"
    assert made.unmapped["Level"] == 4
    assert "properties" not in made.unmapped


def test_properties_in_a_string_are_read_like_an_object():
    as_text = event(orjson.dumps(SIGN_IN).decode(), "SignInLogs", "Sign-in activity")

    assert as_text.id == sign_in().id
    assert as_text.actor == "kim@contoso.example"


@each("odd", [None, "", "text", "{", [], {}, 7, True, [None], [{"id": 1}], {"a": {"b": []}}])
def test_odd_properties_leave_an_event_about_the_envelope(odd, ocsf_faults):
    made = event(odd, "SomeLogs", "Do a thing", identity="Dana Reyes", resultType="0")

    assert ocsf_faults(made) == []
    assert (made.operation, made.actor, made.ip) == ("Do a thing", "dana reyes", "203.0.113.9")
    assert made.result == "success"
    assert made.time_ms == 1795419180000


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], ["x"], [[]], "[", {"UPN": []}])
@each("inner", [INTUNE, GRAPH, SIGN_IN, AUDIT], ids=["intune", "graph", "sign-in", "audit"])
def test_an_odd_field_inside_costs_only_itself(inner, odd, ocsf_faults):
    for field in inner:
        made = event(inner | {field: odd}, "SomeLogs", "Do a thing")

        assert ocsf_faults(made) == []
        assert "None" not in made.ocsf["message"]
        assert made.ip == "203.0.113.9"


@each("odd", [None, "", [], {}, 7, True, "x" * 3000])
def test_an_odd_field_of_the_envelope_costs_only_itself(odd, ocsf_faults):
    for field in ("time", "operationName", "callerIpAddress", "resourceId", "identity"):
        made = event(SIGN_IN, "SignInLogs", "Sign-in activity", **{field: odd})

        assert ocsf_faults(made) == []
        assert made.actor == "kim@contoso.example"
        assert made.time_ms == 1795419000000


def test_intunes_time_of_seconds_takes_its_decimals_from_the_envelope():
    record = {
        "time": "2026-11-23T07:30:13.8152000Z",
        "category": "AuditLogs",
        "operationName": "Delete MobileAppAssignment",
        "properties": {
            "ActivityDate": "11/23/2026 7:30:13 AM",
            "AuditEventId": "a1",
            "Actor": {"UPN": "kim@contoso.example"},
        },
    }
    late = record | {"time": "2026-11-23T07:34:00.5Z"}

    precise, whole = (normalise(orjson.dumps(one), CONTEXT) for one in (record, late))
    assert precise.ocsf["time"] - whole.ocsf["time"] == 815
    assert whole.time_ms % 1000 == 0


COMPLIANCE = {
    "IntuneAccountId": "acc-1",
    "AlertType": "Managed Device Not Compliant",
    "AlertDisplayName": "Managed Device x is not Compliant",
    "Description": "Windows10CompliancePolicy.FirewallOff_IID_77||||FirewallOff||Equals False",
    "DeviceHostName": "PC-7",
    "IntuneDeviceId": "d-7",
    "UserName": "tove",
    "UPNSuffix": "contoso.example",
    "UserDisplayName": "Tove Lund",
}


@each(
    ("inner", "activity", "more", "message"),
    [
        (COMPLIANCE, "Compliance", {}, "Device PC-7 of Tove Lund is not compliant: FirewallOff"),
        (
            COMPLIANCE | {"UserDisplayName": None, "Description": ""},
            "Compliance",
            {},
            "Device PC-7 of tove@contoso.example is not compliant",
        ),
        (
            {"ComplianceState_loc": "Compliant", "DeviceName": "PC-7", "DeviceId": "d-7", "UserName": "Tove Lund"},
            "DeviceCompliance",
            {},
            "Device PC-7 of Tove Lund is compliant",
        ),
        (
            {"IntuneDeviceId": "d-7", "EnrollmentType": "WindowsAzureADJoin", "Os": "Windows"},
            "Enrollment",
            {"resultType": "Success"},
            "Enrolment of Windows device d-7 (WindowsAzureADJoin) succeeded",
        ),
        (
            {"IntuneDeviceId": "d-7", "EnrollmentTimeUTC": "x", "FailureReason": "DeviceCapReached"},
            "Enrollment",
            {"resultType": "Failure"},
            "Enrolment of a device d-7 failed: DeviceCapReached",
        ),
        ({"IntuneDeviceId": "d-7", "AlertType": "Odd"}, "Alert", {}, "Device d-7: Odd"),
    ],
)
def test_what_became_of_a_device_its_user_has_not_done(inner, activity, more, message, ocsf_faults):
    made = event(inner, "OperationalLogs", activity, **more)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == message
    assert made.actor == "microsoft intune"


def test_a_target_without_a_name_is_known_by_its_id_and_its_changes(ocsf_faults):
    inner = {
        "AuditEventId": "i-7",
        "Actor": {"UPN": "tove@contoso.example"},
        "TargetDisplayNames": ["<null>"],
        "TargetObjectIds": ["d-7"],
        "Targets": [{"Name": None, "ModifiedProperties": [{"Name": "keepUserData", "Old": None, "New": "False"}]}],
    }
    made = event(inner, "AuditLogs", "wipe ManagedDevice")

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "tove@contoso.example wiped device d-7"
    assert made.ocsf["api"]["request"]["data"]["changes"] == [{"name": "keepUserData", "old": None, "new": "False"}]

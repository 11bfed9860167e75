"""Intune audit events as Graph lists them."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ACTOR = {
    "auditActorType": "ItPro",
    "applicationId": "a-1",
    "applicationDisplayName": "Intune portal",
    "userPrincipalName": "Dana@contoso.example",
    "servicePrincipalName": None,
    "ipAddress": "203.0.113.9",
    "userId": "u-dana",
}


def resource(number, **more):
    return {
        "displayName": f"Laptop {number}",
        "auditResourceType": "ManagedDevice",
        "resourceId": f"d-{number}",
    } | more


def event(**more) -> Event:
    record = {
        "id": "i-1",
        "displayName": "Wipe ManagedDevice",
        "componentName": "ManagedDevice",
        "activityDateTime": "2026-11-23T07:30:00.1234567Z",
        "activityType": "wipe ManagedDevice",
        "activityResult": "Success",
        "correlationId": "c-1",
        "category": "Device",
        "actor": ACTOR,
        "resources": [resource(1)],
    } | more
    made = normalise(orjson.dumps(record), RecordContext("contoso", "graph-intune", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "intune"
    return made


def test_a_wipe_says_who_wiped_what(ocsf_faults):
    made = event()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.ocsf["severity_id"]) == (3004, 4, 5)
    assert (made.service, made.operation, made.result) == ("intune", "wipe ManagedDevice", "success")
    assert (made.actor, made.ip, made.correlation_id) == ("dana@contoso.example", "203.0.113.9", "c-1")
    assert made.time_ms == 1795419000123
    assert made.ocsf["message"] == "dana@contoso.example wiped device Laptop 1"
    assert made.ocsf["entity"]["uid"] == "d-1"
    assert {"dana", "laptop", "wipe"} <= set(made.terms)


def test_the_person_is_the_actor_and_the_portal_only_the_application():
    made = event()

    assert made.ocsf["actor"]["user"]["email_addr"] == "dana@contoso.example"
    assert (made.ocsf["actor"]["app_name"], made.ocsf["actor"]["app_uid"]) == ("Intune portal", "a-1")


@pytest.mark.parametrize(
    ("more", "label"),
    [({"userId": None}, "room finder"), ({"userId": "u-1"}, "u-1"), ({"userId": "<null>"}, "room finder")],
)
def test_an_application_is_the_actor_only_where_no_person_is_named(more, label, ocsf_faults):
    made = event(actor=ACTOR | {"userPrincipalName": None, "applicationDisplayName": "Room Finder"} | more)

    assert ocsf_faults(made) == []
    assert made.actor == label


def test_every_resource_is_kept(ocsf_faults):
    made = event(
        activityType="Assign a thing",
        resources=[resource(1), resource(2), resource(3, displayName="<null>"), {"type": "App", "resourceId": "x"}],
    )

    assert ocsf_faults(made) == []
    assert [seen["value"] for seen in made.ocsf["observables"] if seen["name"] == "target"] == [
        "Laptop 1",
        "Laptop 2",
        "d-3",
        "x",
    ]


def test_the_literal_null_is_no_name():
    made = event(resources=[resource(1, displayName="<null>")])

    assert made.ocsf["message"] == "dana@contoso.example wiped device d-1"
    assert "null" not in made.terms


@each(
    ("word", "result"), [("Success", "success"), ("Failure", "failure"), ("Timeout", "failure"), ("Other", "unknown")]
)
def test_the_result_is_what_intune_says(word, result):
    assert event(activityResult=word).result == result


@pytest.mark.parametrize(("field", "value"), [("activityType", None), ("activityType", "")])
def test_an_event_without_a_type_is_called_by_its_name(field, value):
    assert event(**{field: value}).operation == "Wipe ManagedDevice"


def test_a_time_with_an_offset_is_utc_inside():
    assert event(activityDateTime="2026-11-22T23:30:00.5000000-08:00").time_ms == 1795419000500


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], ["x"], [[]], "text"])
@each("field", ["actor", "resources", "activityDateTime", "activityResult", "correlationId", "id", "displayName"])
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = event(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.operation == "wipe ManagedDevice"
    assert (made.actor == "dana@contoso.example") == (field != "actor")
    assert ("Laptop 1" in made.ocsf["message"]) == (field != "resources")
    assert "None" not in made.ocsf["message"]


def test_an_event_without_actor_and_resources_reads_well():
    assert event(actor=None, resources=None).ocsf["message"] == "Somebody wiped a device"


@each(
    ("activity", "message"),
    [
        ("retire ManagedDevice", "retired device Laptop 1"),
        ("RebootNow ManagedDevice", "restarted device Laptop 1"),
        ("syncDevice ManagedDevice", "synchronised device Laptop 1"),
        ("bypassActivationLock ManagedDevice", "lifted the activation lock of device Laptop 1"),
        ("Patch DeviceCompliancePolicy", "changed device compliance policy Laptop 1"),
        ("assign DeviceManagementConfigurationPolicy", "assigned device management configuration policy Laptop 1"),
        ("renew ApplePushNotificationCertificate", "renewed apple push notification certificate Laptop 1"),
        ("revoke ManagedDeviceCertificateState", "revoked managed device certificate state Laptop 1"),
        ("syncLicenseCounts VppToken", "synchronised license counts of VPP token Laptop 1"),
        ("setPriority DeviceEnrollmentConfiguration", "set priority of device enrollment configuration Laptop 1"),
        ("quibble WidgetThing", "asked for quibble of widget thing Laptop 1"),
        ("Enrollment", "asked for enrollment of Laptop 1"),
        ("{target} {x}", "asked for target of x Laptop 1"),
    ],
)
def test_an_operation_says_what_was_done_also_one_that_nobody_has_listed(activity, message, ocsf_faults):
    made = event(activityType=activity)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == f"dana@contoso.example {message}"


@each(
    ("activity", "message"),
    [
        ("wipe ManagedDevice", "wiped a device"),
        ("Patch DeviceConfiguration", "changed a device configuration"),
        ("syncLicenseCounts VppToken", "synchronised license counts of VPP token"),
        ("quibble WidgetThing", "asked for quibble of widget thing"),
        ("Create roleAssignment", "created an Intune role assignment"),
    ],
)
def test_a_target_without_a_name_is_one_of_its_kind(activity, message):
    assert event(activityType=activity, resources=[]).ocsf["message"] == f"dana@contoso.example {message}"


def test_a_new_name_and_who_something_is_for_are_told():
    renamed = [{"displayName": "DeviceName", "oldValue": "Laptop 1", "newValue": "Laptop 9"}]
    group = [{"displayName": "Target.GroupId", "oldValue": None, "newValue": "Sales(g-1)"}]
    everybody = [{"displayName": "Target.Type", "newValue": "#microsoft.graph.allDevicesAssignmentTarget"}]
    made = [
        event(activityType=activity, resources=[resource(1, modifiedProperties=properties)]).ocsf["message"]
        for activity, properties in (
            ("setDeviceName ManagedDevice", renamed),
            ("assign MobileApp", group),
            ("Create MobileAppAssignment", everybody),
        )
    ]

    assert made == [
        "dana@contoso.example renamed device Laptop 1, to Laptop 9",
        "dana@contoso.example assigned mobile app Laptop 1, for group Sales(g-1)",
        "dana@contoso.example created mobile app assignment Laptop 1, for all devices",
    ]


def test_a_change_to_what_protects_devices_weighs_more_than_looking_at_it():
    severities = [
        event(activityType=activity).ocsf["severity_id"]
        for activity in (
            "Patch DeviceManagementScript",
            "Get DeviceManagementScript",
            "Delete NdesConnector",
            "Create Thing",
        )
    ]

    assert severities == [4, 1, 3, 1]

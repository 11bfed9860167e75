"""What Defender and Intune tell of devices: who signed in where, who connected to whom, what became of one."""

from __future__ import annotations

from typing import Any

import pytest

from aoc_common.contracts import terms
from each import each
from made_events import KIM, KIM_ID, envelope, event_of

DEVICE_ID = "dddddddd-7777-4777-8777-00000000000d"


def hunting(table: str, **row: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-23T07:30:04Z",
        "tenantId": "99999999-0000-4000-8000-000000000009",
        "operationName": "Publish",
        "category": f"AdvancedHunting-{table}",
        "properties": {"Timestamp": "2026-11-23T07:30:00Z", "DeviceName": "srv-7.contoso.example", "DeviceId": "d-7",
                       "ReportId": 7, **row},
    }  # fmt: skip


@each("table", ["DeviceLogonEvents", "IdentityLogonEvents"])
@each(
    ("action", "more", "result", "words"),
    [
        (
            "LogonFailed",
            {"FailureReason": "WrongPassword"},
            "failure",
            "failed on srv-7.contoso.example: WrongPassword",
        ),
        ("LogonSuccess", {}, "success", "succeeded on srv-7.contoso.example"),
    ],
)
def test_a_logon_is_from_where_it_came_and_on_a_device(table, action, more, result, words):
    record = hunting(table, ActionType=action, AccountName="svc-copy", LogonType="Network", RemoteIP="203.0.113.9",
                     IPAddress="203.0.113.9", **more)  # fmt: skip
    made = event_of(record)

    assert (made.class_uid, made.result, made.ip) == (3002, result, "203.0.113.9")
    assert made.ocsf["message"] == f"Logon of svc-copy from 203.0.113.9 {words}"


@pytest.mark.parametrize(
    ("action", "source"),
    [
        ("InboundConnectionAccepted", "203.0.113.9"),
        ("InboundConnectionAttempt", "203.0.113.9"),
        ("ConnectionSuccess", "192.0.2.5"),
    ],
)
def test_the_source_of_a_connection_is_the_side_that_began_it(action, source):
    record = hunting("DeviceNetworkEvents", ActionType=action, LocalIP="192.0.2.5", RemoteIP="203.0.113.9")

    assert event_of(record).ip == source


def test_an_action_of_intune_names_its_device_by_whatever_it_has_and_what_was_set():
    inner = {
        "ActivityDate": "11/23/2026 7:30:00 AM",
        "ActivityResultStatus": 1,
        "Actor": {"ActorType": 1, "ApplicationName": "Portal", "UPN": KIM, "ObjectId": KIM_ID},
        "AuditEventId": "a-1",
        "TargetDisplayNames": ["<null>"],
        "TargetObjectIds": [DEVICE_ID],
        "Targets": [{"ModifiedProperties": [{"Name": "keepUserData", "Old": None, "New": "False"}], "Name": None}],
    }
    made = event_of(
        envelope("AuditLogs", inner, operationName="wipe ManagedDevice", identity=KIM, resultType="Success")
    )

    assert made.ocsf["message"].startswith(f"{KIM} wiped device {DEVICE_ID}")
    assert set(terms.query_terms(DEVICE_ID)) <= set(made.terms)
    assert "keepUserData" in [one["name"] for one in made.ocsf["api"]["request"]["data"]["changes"]]


def test_a_device_that_is_not_compliant_did_nothing_and_neither_did_its_owner():
    inner = {
        "IntuneAccountId": "a",
        "AlertDisplayName": "Managed Device x is not Compliant",
        "AlertType": "Managed Device Not Compliant",
        "Description": "Windows10CompliancePolicy.FirewallOff",
        "DeviceHostName": "PC-7",
        "IntuneDeviceId": DEVICE_ID,
        "DeviceOperatingSystem": "Windows 10.0",
        "UserName": "kim",
        "UPNSuffix": "contoso.example",
        "UserDisplayName": "Kim Vale",
        "OperationalLogCategory": "DeviceCompliance",
    }
    made = event_of(envelope("OperationalLogs", inner, operationName="Compliance", resultType="None"))

    assert made.ocsf["message"] == "Device PC-7 of Kim Vale is not compliant: FirewallOff"
    assert made.actor != "kim vale"
    assert set(terms.query_terms("managed device not compliant FirewallOff PC-7")) <= set(made.terms)

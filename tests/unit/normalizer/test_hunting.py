"""Rows of advanced hunting, as Defender XDR streams them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 9, tzinfo=UTC))


def row(table: str, **fields: Any) -> Event:
    envelope = {
        "time": "2026-11-23T08:05:00Z",
        "tenantId": "0f0f0f0f-0000-4000-8000-000000000001",
        "operationName": "Publish",
        "category": f"AdvancedHunting-{table}",
        "properties": {"Timestamp": "2026-11-23T08:00:00.1234567Z", **fields},
    }
    event = normalise(orjson.dumps(envelope), CONTEXT)
    assert isinstance(event, Event)
    assert event.mapper == "hunting"
    return event


CONNECTION = {
    "DeviceId": "d1",
    "DeviceName": "pc7.contoso.example",
    "ReportId": 7,
    "ActionType": "ConnectionFailed",
    "LocalIP": "10.0.0.7",
    "LocalPort": 50123,
    "RemoteIP": "203.0.113.9",
    "RemoteUrl": "bad.example",
    "InitiatingProcessAccountName": "dana",
    "InitiatingProcessFileName": "powershell.exe",
}


def test_a_connection_says_who_with_what_to_where_on_which_device(schema_faults) -> None:
    event = row("DeviceNetworkEvents", **CONNECTION)

    assert event.ocsf["message"] == "dana: connection failed to bad.example on pc7.contoso.example"
    assert (event.operation, event.result, event.actor, event.ip) == ("ConnectionFailed", "failure", "dana", "10.0.0.7")
    assert event.ocsf["src_endpoint"]["port"] == 50123
    assert {"powershell", "exe", "bad", "pc7"} <= set(event.terms)
    assert event.unmapped["RemoteIP"] == "203.0.113.9"
    assert schema_faults(orjson.loads(event.message())) == []


def test_a_sign_in_is_an_authentication() -> None:
    event = row(
        "IdentityLogonEvents", ActionType="LogonSuccess", AccountUpn="Dana@contoso.example", IPAddress="203.0.113.9"
    )

    assert (event.class_uid, event.actor, event.ip, event.result) == (
        3002,
        "dana@contoso.example",
        "203.0.113.9",
        "success",
    )


def test_a_mail_says_from_whom_to_whom_and_what_became_of_it() -> None:
    event = row(
        "EmailEvents",
        SenderFromAddress="mallory@bad.example",
        RecipientEmailAddress="dana@contoso.example",
        Subject="Invoice",
        DeliveryAction="Blocked",
        SenderIPv4="203.0.113.9",
    )

    assert event.ocsf["message"] == "mallory@bad.example: email blocked, message Invoice to dana@contoso.example"
    assert event.result == "failure"


def test_an_alert_is_a_finding_with_its_severity() -> None:
    event = row("AlertInfo", AlertId="da1", Title="Unwanted software was prevented", Severity="High")

    assert (event.class_uid, event.ocsf["severity"]) == (2004, "High")
    assert event.ocsf["message"] == "Defender raised: Unwanted software was prevented"
    assert event.ocsf["finding_info"]["title"] == "Unwanted software was prevented"


def test_a_report_id_is_an_identity_only_with_its_device_and_time() -> None:
    first = row("DeviceNetworkEvents", **CONNECTION)
    again = row("DeviceNetworkEvents", **CONNECTION)
    elsewhere = row("DeviceNetworkEvents", **(CONNECTION | {"DeviceId": "d2"}))
    other_table = row("DeviceEvents", **CONNECTION)

    assert first.id == again.id
    assert len({first.id, elsewhere.id, other_table.id}) == 3


@each("odd", [None, [], {}, 7, "<null>", ["x"], {"a": 1}])
@each("field", ["ActionType", "LocalIP", "LocalPort", "AccountUpn", "ReportId", "LoggedOnUsers", "Title"])
def test_odd_values_do_no_harm(field: str, odd: Any, schema_faults) -> None:
    event = row("DeviceInfo", **{field: odd})

    assert "mapper-error" not in event.tags
    assert schema_faults(orjson.loads(event.message())) == []

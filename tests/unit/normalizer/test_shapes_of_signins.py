"""One sign-in, as portals, extractors, PowerShell, Sentinel and Defender write it: one event, with one id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts.event import Event
from aoc_normalizer.mappers.envelopes.tables import recognise_table
from aoc_normalizer.normalise import normalise, normalise_page
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
REQUEST = "3f0c7a51-7c1e-4b0e-9d53-0a6b1f2c9d10"
GRAPH: dict[str, Any] = {
    "id": REQUEST,
    "createdDateTime": "2026-11-20T10:00:00Z",
    "userPrincipalName": "tove@contoso.example",
    "userDisplayName": "Tove Lund",
    "userId": "0b5c9f8e-2222-4000-8000-000000000001",
    "appId": "a-1",
    "appDisplayName": "Ledger",
    "ipAddress": "203.0.113.9",
    "isInteractive": True,
    "correlationId": "c-1",
    "conditionalAccessStatus": "notApplied",
    "resourceDisplayName": "Microsoft Graph",
    "status": {"errorCode": 50126, "failureReason": "Invalid username or password.", "additionalDetails": None},
    "deviceDetail": {"deviceId": "d-1", "displayName": "PC-7", "operatingSystem": "Windows10", "isCompliant": True},
    "location": {"city": "Malmö", "state": "Skåne", "countryOrRegion": "SE"},
}
MESSAGE = "Sign-in of tove@contoso.example from 203.0.113.9 (Malmö) to Microsoft Graph failed: wrong password (50126)"
PORTAL = {
    "Date (UTC)": "2026-11-20T10:00:00Z",
    "Request ID": REQUEST,
    "User agent": "Mozilla/5.0",
    "Correlation ID": "c-1",
    "User ID": "0b5c9f8e-2222-4000-8000-000000000001",
    "User": "Tove Lund",
    "Username": "tove@contoso.example",
    "User type": "Member",
    "Incoming token type": "None",
    "Application": "Ledger",
    "Application ID ": "a-1",
    "Resource": "Microsoft Graph",
    "IP address": "203.0.113.9",
    "Location": "Malmö, Skåne, SE",
    "Status": "Failure",
    "Sign-in error code": "50126",
    "Failure reason": "Invalid username or password.",
    "Client app": "Browser",
    "Device ID": "d-1",
    "Operating System": "Windows10",
    "Compliant": "Yes",
    "Multifactor authentication auth method": "",
    "Authentication requirement": "Single-factor authentication",
    "IP address (seen by resource)": "",
    "Conditional Access": "Not Applied",
    "Managed Identity type": "",
}
FLAT = {
    "id": REQUEST,
    "createdDateTime": "2026-11-20T10:00:00Z",
    "userPrincipalName": "tove@contoso.example",
    "appDisplayName": "Ledger",
    "resourceDisplayName": "Microsoft Graph",
    "ipAddress": "203.0.113.9",
    "status.errorCode": "50126",
    "status.failureReason": "Invalid username or password.",
    "location.city": "Malmö",
    "location.countryOrRegion": "SE",
    "deviceDetail.displayName": "PC-7",
}
EXTRACTED = {
    "CreatedDateTime": "11/20/2026 10:00:00 AM",
    "Id": REQUEST,
    "UserPrincipalName": "tove@contoso.example",
    "AppDisplayName": "Ledger",
    "ResourceDisplayName": "Microsoft Graph",
    "IpAddress": "203.0.113.9",
    "ErrorCode": "50126",
    "FailureReason": "Invalid username or password.",
    "City": "Malmö",
    "State": "Skåne",
    "CountryOrRegion": "SE",
    "Latitude": "55.6",
    "Longitude": "13.0",
    "OperatingSystem": "Windows10",
}
PRINTED = {
    "CreatedDateTime": "2026-11-20T10:00:00Z",
    "Id": REQUEST,
    "UserPrincipalName": "tove@contoso.example",
    "AppDisplayName": "Ledger",
    "ResourceDisplayName": "Microsoft Graph",
    "IPAddress": "203.0.113.9",
    "Status": "@{errorCode=50126; failureReason=Invalid username or password.; additionalDetails=}",
    "Location": "@{city=Malmö; state=Skåne; countryOrRegion=SE; geoCoordinates=}",
    "DeviceDetail": "@{deviceId=d-1; displayName=PC-7; operatingSystem=Windows10; isCompliant=True}",
}
OF_MODULE = {
    **PRINTED,
    "Status": "class SignInStatus {\r\n  ErrorCode: 50126\r\n  FailureReason: Invalid username or password.\r\n}\r\n",
    "Location": "class SignInLocation {\r\n  City: Malmö\r\n  State: Skåne\r\n  CountryOrRegion: SE\r\n}\r\n",
}
SENTINEL = {
    "TimeGenerated [UTC]": "11/20/2026, 10:00:40.500 AM",
    "ResultType": "50126",
    "ResultDescription": "Invalid username or password.",
    "UserPrincipalName": "tove@contoso.example",
    "AppDisplayName": "Ledger",
    "ResourceDisplayName": "Microsoft Graph",
    "IPAddress": "203.0.113.9",
    "Id": REQUEST,
    "CreatedDateTime [UTC]": "11/20/2026, 10:00:00.000 AM",
    "Status": '{"errorCode":50126}',
    "LocationDetails": '{"city":"Malmö","state":"Skåne","countryOrRegion":"SE"}',
    "DeviceDetail": '{"displayName":"PC-7"}',
    "Type": "SigninLogs",
}
HUNTED = {
    "Timestamp": "2026-11-20T10:00:00Z",
    "Application": "Ledger",
    "ApplicationId": "a-1",
    "LogonType": '["interactiveUser"]',
    "EndpointCall": "OAuth2:Authorize",
    "ErrorCode": "50126",
    "CorrelationId": "c-1",
    "AccountDisplayName": "Tove Lund",
    "AccountUpn": "tove@contoso.example",
    "ResourceDisplayName": "Microsoft Graph",
    "RiskLevelDuringSignIn": "0",
    "IPAddress": "203.0.113.9",
    "Country": "SE",
    "City": "Malmö",
    "RequestId": REQUEST,
    "ReportId": "9_1",
}
TABLES = {
    "portal": PORTAL,
    "flat": FLAT,
    "extracted": EXTRACTED,
    "printed": PRINTED,
    "of-module": OF_MODULE,
    "sentinel": SENTINEL,
    "hunted": HUNTED,
}


def event(record: dict[str, Any]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def pascal(value: Any) -> Any:
    """As PowerShell's Graph SDK names properties."""
    if isinstance(value, dict):
        return {f"{name[:1].upper()}{name[1:]}": pascal(inner) for name, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def snake(value: Any) -> Any:
    """As Python's Graph SDK does."""
    if isinstance(value, dict):
        return {
            "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name): snake(inner)
            for name, inner in value.items()
        }
    return value


@each("name", TABLES)
def test_a_row_of_a_table_is_the_sign_in_that_graph_lists(name: str, ocsf_faults) -> None:
    through_graph, made = event(GRAPH), event(TABLES[name])

    assert recognise_table(TABLES[name]) is not None
    assert ocsf_faults(made) == []
    assert (made.id, made.time_ms) == (through_graph.id, through_graph.time_ms)
    assert (made.operation, made.result, made.actor, made.ip) == (
        "Sign-in",
        "failure",
        "tove@contoso.example",
        "203.0.113.9",
    )
    assert made.ocsf["message"] == through_graph.ocsf["message"] == MESSAGE


@pytest.mark.parametrize("spelt", [pascal, snake, lambda record: json.loads(json.dumps(record).lower())])
def test_names_in_another_spelling_are_the_same_sign_in(spelt, ocsf_faults) -> None:
    made = event(spelt(GRAPH))

    assert ocsf_faults(made) == []
    assert made.mapper == "respelt"
    assert made.id == event(GRAPH).id
    assert (made.result, made.ip) == ("failure", "203.0.113.9")


def test_what_the_graph_sdk_has_put_aside_is_the_same_sign_in() -> None:
    inside = {name: value for name, value in GRAPH.items() if name != "id"}
    page = orjson.dumps([{"Id": REQUEST, "AppDisplayName": None, "AdditionalProperties": inside}])
    (made,), rejected = normalise_page(page, CONTEXT)

    assert rejected == []
    assert made.id == event(GRAPH).id


def test_a_time_as_windows_powershell_writes_it_is_the_same_time() -> None:
    milliseconds = event(GRAPH).time_ms

    assert event(pascal(GRAPH) | {"CreatedDateTime": f"/Date({milliseconds})/"}).id == event(GRAPH).id


@given(st.data())
def test_case_order_and_blanks_of_columns_say_nothing(data: st.DataObject) -> None:
    row = TABLES[data.draw(st.sampled_from(sorted(TABLES)))]
    columns = data.draw(st.permutations(list(row)))
    spell = data.draw(st.sampled_from([str.upper, str.lower, str.swapcase, lambda text: f" {text} "]))
    spelt = {spell(column): row[column] for column in columns}

    assert recognise_table(spelt) == recognise_table(row)
    assert event(spelt).id == event(GRAPH).id


@each(
    ("more", "result", "message"),
    [
        ({"Sign-in error code": "None", "Status": "Success"}, "success", "succeeded"),
        ({"Sign-in error code": "", "Status": "Failure", "Failure reason": ""}, "failure", "failed: no reason given"),
        ({"Sign-in error code": "", "Status": "Interrupted"}, "unknown", ": the record does not say how it ended"),
        (
            {"Sign-in error code": "50140", "Status": "Interrupted"},
            "success",
            "went on: asked to stay signed in (50140)",
        ),
    ],
)
def test_how_a_sign_in_of_the_portal_ended(more: dict[str, str], result: str, message: str) -> None:
    made = event(PORTAL | more)

    assert made.result == result
    assert made.ocsf["message"].endswith(message)


def test_the_name_of_a_type_in_place_of_an_object_says_nothing() -> None:
    made = event(PRINTED | {"Status": "Microsoft.Graph.PowerShell.Models.MicrosoftGraphSignInStatus", "Location": ""})

    assert made.result == "unknown"
    assert made.id == event(GRAPH).id
    assert "PowerShell" not in made.ocsf["message"]


@pytest.mark.parametrize(
    ("columns", "operation", "actor"),
    [
        (
            {"Service principal ID": "sp-1", "Service principal name": "Ledger Sync", "Application": "Ledger Sync"},
            "Service principal sign-in",
            "ledger sync",
        ),
        (
            {
                "Managed Identity ID": "mi-1",
                "Managed Identity name": "vm-1",
                "Managed Identity type": "System assigned",
            },
            "Managed identity sign-in",
            "vm-1",
        ),
    ],
)
def test_applications_have_downloads_of_their_own(columns, operation, actor, ocsf_faults) -> None:
    common = {name: PORTAL[name] for name in PORTAL if not name.startswith(("User", "Application", "Managed"))}
    made = event(common | columns)

    assert ocsf_faults(made) == []
    assert (made.operation, made.actor, made.result) == (operation, actor, "failure")


def test_hunting_tells_sign_ins_more_exactly_than_graph() -> None:
    made = event(HUNTED | {"Timestamp": "2026-11-20T10:00:00.1234567Z"})

    assert made.kin == (event(GRAPH).id,)


@each("odd", [None, "", "@{", "@{a=", "class X {", "[", "{}", "; ; ;", "\x00", 7, True, "é" * 5000])
def test_an_odd_cell_costs_only_itself(odd: object, ocsf_faults) -> None:
    for row in TABLES.values():
        for column in row:
            made = event({**row, column: odd})
            assert made.mapper in {"table", "respelt", "signins"}
            assert "None" not in made.ocsf["message"]
    assert ocsf_faults(event({**PORTAL, "Location": odd, "Status": odd})) == []

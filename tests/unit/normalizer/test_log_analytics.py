"""Rows of Log Analytics and Sentinel tables become the events that Graph's records become."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
AT = "2026-11-23T07:30:00Z"
SIGN_IN = {
    "TenantId": "w-1",
    "TimeGenerated": "2026-11-23T07:30:40Z",
    "OperationName": "Sign-in activity",
    "Category": "SignInLogs",
    "ResultType": "50126",
    "ResultDescription": "Invalid username or password.",
    "CorrelationId": "c-1",
    "Location": "PT",
    "AppDisplayName": "Teams Client",
    "AppId": "a-1",
    "CreatedDateTime": AT,
    "DeviceDetail": '{"displayName":"PC-7","operatingSystem":"Windows10"}',
    "IPAddress": "203.0.113.9",
    "Id": "s-1",
    "LocationDetails": '{"city":"Lisbon","countryOrRegion":"PT"}',
    "ResourceDisplayName": "Teams",
    "Status": '{"errorCode":50126}',
    "UserId": "u-1",
    "UserPrincipalName": "Kim@contoso.example",
    "Type": "SigninLogs",
}
AUDIT = {
    "TimeGenerated": AT,
    "OperationName": "Add member to role",
    "Result": "success",
    "ActivityDateTime": AT,
    "ActivityDisplayName": "Add member to role",
    "Id": "d-1",
    "InitiatedBy": '{"user":{"displayName":"Dana Reyes","userPrincipalName":"dana@contoso.example"}}',
    "TargetResources": json.dumps(
        [
            {
                "displayName": "Sam Ortiz",
                "type": "User",
                "modifiedProperties": [{"displayName": "Role.DisplayName", "newValue": '"Global Administrator"'}],
            }
        ]
    ),
    "Type": "AuditLogs",
}


def event(row: dict[str, object]) -> Event:
    made = normalise(orjson.dumps(row), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def test_a_row_of_sign_ins_is_the_sign_in(ocsf_faults) -> None:
    made = event(SIGN_IN)
    through_graph = event(
        {
            "id": "s-1",
            "createdDateTime": AT,
            "appDisplayName": "Teams Client",
            "status": {"errorCode": 50126},
            "userPrincipalName": "kim@contoso.example",
        }
    )

    assert ocsf_faults(made) == []
    assert made.mapper == "log-analytics"
    assert made.id == through_graph.id
    assert made.ocsf["message"] == (
        "Sign-in of kim@contoso.example from 203.0.113.9 (Lisbon) to Teams failed: wrong password (50126)"
    )
    assert made.ocsf["metadata"]["log_name"] == "SigninLogs"
    assert made.ocsf["src_endpoint"]["name"] == "PC-7"
    assert made.unmapped.keys() == {"TenantId", "ResultType", "ResultDescription", "Location"}


@pytest.mark.parametrize(
    ("table", "operation"),
    [
        ("AADNonInteractiveUserSignInLogs", "Non-interactive sign-in"),
        ("AADServicePrincipalSignInLogs", "Service principal sign-in"),
        ("AADManagedIdentitySignInLogs", "Managed identity sign-in"),
    ],
)
def test_the_table_tells_the_kind_of_sign_in(table, operation, ocsf_faults) -> None:
    row = {**SIGN_IN, "Type": table, "UserPrincipalName": None, "UserId": "", "ServicePrincipalName": "Robot"}
    made = event(row)

    assert ocsf_faults(made) == []
    assert made.operation == operation


def test_without_a_status_the_row_s_result_counts() -> None:
    row = {name: value for name, value in SIGN_IN.items() if name not in {"Status", "Type", "LocationDetails"}}
    made = event({**row, "ResultType": "0"})

    assert made.result == "success"
    assert made.ocsf["src_endpoint"]["location"] == {"country": "PT"}


@pytest.mark.parametrize("kind", ["AuditLogs", None])
def test_a_row_of_audits_is_the_audit(kind, ocsf_faults) -> None:
    made = event({**AUDIT, "Type": kind})

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Dana Reyes added Sam Ortiz to role Global Administrator"
    assert made.ocsf["severity_id"] == 4


@each(
    ("row", "message"),
    [
        (
            {
                "Type": "IntuneAuditLogs",
                "OperationName": "wipe ManagedDevice",
                "ResultType": "Success",
                "Identity": "dana@contoso.example",
                "Properties": '{"AuditEventId":"i-1","Targets":[{"Name":"PC-7"}]}',
            },
            "dana@contoso.example wiped device PC-7",
        ),
        (
            {
                "Type": "MicrosoftGraphActivityLogs",
                "RequestId": "r-1",
                "RequestMethod": "GET",
                "RequestUri": "https://graph.example/v1.0/users?$top=5",
                "ResponseStatusCode": 403,
                "AppId": "a-1",
                "UserId": "u-1",
                "IPAddress": "203.0.113.9",
            },
            "u-1 read /v1.0/users in Microsoft Graph through a-1: 403",
        ),
        (
            {
                "Type": "SecurityIncident",
                "IncidentName": "n-1",
                "Title": "Odd sign-ins",
                "Severity": "High",
                "Status": "Closed",
                "CreatedTime": AT,
                "Owner": '{"userPrincipalName":"kim@contoso.example"}',
            },
            "Incident: Odd sign-ins, closed, assigned to kim@contoso.example",
        ),
        (
            {
                "Type": "SecurityAlert",
                "SystemAlertId": "al-1",
                "DisplayName": "Odd sign-in",
                "AlertSeverity": "Medium",
                "CompromisedEntity": "kim@contoso.example",
            },
            "Alert: Odd sign-in (kim@contoso.example)",
        ),
        (
            {
                "Type": "AADUserRiskEvents",
                "Id": "k-1",
                "RiskEventType": "unfamiliarFeatures",
                "RiskLevel": "medium",
                "RiskState": "atRisk",
                "UserDisplayName": "Kim Vale",
                "ActivityDateTime": AT,
            },
            "Risk of Kim Vale: unfamiliar features, level medium, at risk",
        ),
        (
            {
                "Type": "DeviceLogonEvents",
                "ActionType": "LogonFailed",
                "AccountName": "kim",
                "DeviceName": "pc-7",
                "ReportId": 5,
                "Timestamp": AT,
            },
            "Logon of kim failed on pc-7",
        ),
    ],
)
def test_other_tables_are_read_as_well(row, message, ocsf_faults) -> None:
    made = event({"TimeGenerated": AT, **row})

    assert ocsf_faults(made) == []
    assert made.mapper == "log-analytics"
    assert made.time_ms == 1795419000000
    assert made.ocsf["message"] == message


def test_an_alert_s_later_row_is_a_version_of_its_event() -> None:
    first, second = (
        event({"TimeGenerated": AT, "Type": "SecurityIncident", "IncidentName": "n", "LastModifiedTime": at})
        for at in (AT, "2026-11-23T08:30:00Z")
    )

    assert first.id == second.id
    assert first.former != second.former


@each("odd", [None, 5, "x", "[", [], {}, [None], True])
def test_an_odd_column_costs_only_itself(odd, ocsf_faults) -> None:
    rows = [{**row, name: odd} for row in (SIGN_IN, AUDIT) for name in row if name not in {"Type", "TimeGenerated"}]
    rows += [
        {"TimeGenerated": AT, "Type": table, "Properties": odd, "Owner": odd, "OperationName": odd}
        for table in ("IntuneAuditLogs", "SecurityAlert", "SecurityIncident", "EmailEvents", "AADProvisioningLogs")
    ]
    for row in rows:
        assert ocsf_faults(event(row)) == []


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {
                "creationtime": "2026-11-23T07:30:00",
                "id": "e-1",
                "operation": "Set-Mailbox",
                "recordtype": "1",
                "resultstatus": "True",
                "userid": "dana@contoso.example",
                "workload": "Exchange",
                "clientip": "203.0.113.9:50112",
                "parameters": '[{"Name":"Identity","Value":"sam"},{"Name":"ForwardTo","Value":"x@y.example"}]',
            },
            "dana@contoso.example changed mailbox sam, forwarding to x@y.example",
        ),
        (
            {
                "category": "SignInLogs",
                "operationname": "Sign-in activity",
                "calleripaddress": "203.0.113.9",
                "time": AT,
                "properties": '{"createddatetime":"2026-11-23T07:30:00Z","id":"s-1","appdisplayname":"Teams",'
                '"userprincipalname":"kim@contoso.example","status":{"errorCode":0}}',
            },
            "Sign-in of kim@contoso.example from 203.0.113.9 to Teams succeeded",
        ),
    ],
)
def test_names_in_lower_case_are_read_as_microsoft_writes_them(record, message, ocsf_faults) -> None:
    made = event(record)

    assert ocsf_faults(made) == []
    assert (made.mapper, made.ip) == ("respelt", "203.0.113.9")
    assert made.ocsf["message"] == message


def test_a_bare_row_of_a_hunting_query_is_read(ocsf_faults) -> None:
    made = event(
        {
            "Timestamp": AT,
            "DeviceId": "d-1",
            "DeviceName": "pc-7",
            "ActionType": "LdapSearch",
            "ReportId_long": 5,
            "InitiatingProcessAccountUpn": "kim@contoso.example",
            "FileSize": 7,
        }
    )

    assert ocsf_faults(made) == []
    assert (made.mapper, made.actor) == ("hunting", "kim@contoso.example")
    assert made.ocsf["message"] == "kim@contoso.example: ldap search on pc-7"
    assert "FileSize" in made.unmapped

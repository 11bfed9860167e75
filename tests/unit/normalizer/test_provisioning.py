"""Provisioning, Graph activity, and what Graph calls an incident or a message trace."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
AT = "2026-11-23T07:30:00Z"


def provisioned(**more: object) -> dict[str, object]:
    return {
        "id": "p-1",
        "activityDateTime": AT,
        "provisioningAction": "create",
        "provisioningStatusInfo": {"status": "success"},
        "sourceSystem": {"displayName": "Workday"},
        "targetSystem": {"displayName": "Entra ID"},
        "sourceIdentity": {"displayName": "Kim Vale", "identityType": "User"},
        "targetIdentity": {"displayName": "kim@contoso.example", "id": "u-9", "identityType": "User"},
        "initiatedBy": {"displayName": "Provisioning Service", "initiatorType": "system"},
        "modifiedProperties": [{"displayName": "department", "oldValue": None, "newValue": "IT"}],
        **more,
    }


def event(record: dict[str, object]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


@each(
    ("more", "class_uid", "message"),
    [
        ({}, 3001, "Provisioning Service created kim@contoso.example from Workday in Entra ID"),
        (
            {"provisioningAction": "disable", "targetIdentity": {}},
            3001,
            "Provisioning Service disabled Kim Vale from Workday in Entra ID",
        ),
        (
            {"provisioningAction": "update", "targetIdentity": {"displayName": "Leads", "identityType": "Group"}},
            3006,
            "Provisioning Service changed Leads from Workday in Entra ID",
        ),
        (
            {
                "provisioningStatusInfo": {
                    "status": "failure",
                    "errorInformation": {"errorCode": "SchemaInvalid", "reason": "Bad attribute"},
                }
            },
            3001,
            "Failed: Provisioning Service created kim@contoso.example from Workday in Entra ID: Bad attribute",
        ),
    ],
)
def test_provisioning_says_whose_account_became_what_where(more, class_uid, message, ocsf_faults) -> None:
    made = event(provisioned(**more))

    assert ocsf_faults(made) == []
    assert (made.mapper, made.class_uid) == ("provisioning", class_uid)
    assert made.ocsf["message"] == message
    assert made.ocsf["api"]["request"]["data"]["changes"] == [{"name": "department", "old": None, "new": "IT"}]


def test_a_diagnostic_holds_the_same_record() -> None:
    inside = event({"time": AT, "category": "ProvisioningLogs", "operationName": "x", "properties": provisioned()})

    assert inside.id == event(provisioned()).id


def request(**more: object) -> dict[str, object]:
    inner = {
        "timeGenerated": AT,
        "requestId": "r-1",
        "requestMethod": "DELETE",
        "requestUri": "https://graph.example/v1.0/users/u-2",
        "responseStatusCode": 204,
        "userAgent": "python-requests/2.31.0",
        "appId": "a-1",
        "servicePrincipalId": "sp-1",
        "ipAddress": "203.0.113.9",
        "roles": "User.ReadWrite.All Mail.Read",
        **more,
    }
    return {"time": AT, "category": "MicrosoftGraphActivityLogs", "operationName": "Graph", "properties": inner}


def test_a_request_to_graph_says_who_did_what_with_which_permissions(ocsf_faults) -> None:
    made = event(request())

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "sp-1 deleted /v1.0/users/u-2 in Microsoft Graph through a-1: 204"
    assert (made.result, made.ocsf["activity_id"], made.ip) == ("success", 4, "203.0.113.9")
    assert made.ocsf["api"]["request"]["data"]["parameters"] == [
        {"name": "permissions", "value": "User.ReadWrite.All Mail.Read"}
    ]
    assert {"users", "u", "requests"} & set(made.terms)


def test_an_incident_says_how_it_stands(ocsf_faults) -> None:
    made = event(
        {
            "@odata.type": "#microsoft.graph.security.incident",
            "id": "29",
            "displayName": "Many stages",
            "createdDateTime": AT,
            "lastUpdateDateTime": AT,
            "assignedTo": "kim@contoso.example",
            "classification": "truePositive",
            "determination": "multiStagedAttack",
            "status": "active",
            "severity": "high",
            "alerts": [{"id": "al-1", "title": "Odd rule", "evidence": [{"primaryAddress": "sam@contoso.example"}]}],
        }
    )

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == (
        "Incident: Many stages (Odd rule), active, assigned to kim@contoso.example, truePositive (multiStagedAttack)"
    )
    assert {"sam", "odd"} <= set(made.terms)


def test_more_evidence_than_is_looked_at_is_said_to_be_missing() -> None:
    made = event(
        {
            "id": "al-1",
            "title": "Many",
            "severity": "low",
            "createdDateTime": AT,
            "evidence": [{"ipAddress": "203.0.113.9"}] * 101,
        }
    )

    assert "truncated" in made.tags


@pytest.mark.parametrize(
    "trace",
    [
        {
            "SenderAddress": "a@x.example",
            "RecipientAddress": "kim@contoso.example",
            "MessageTraceId": "t-1",
            "Received": AT,
            "Subject": "Invoice",
            "Status": "Delivered",
            "FromIP": "203.0.113.9",
        },
        {
            "senderAddress": "a@x.example",
            "recipientAddress": "kim@contoso.example",
            "messageTraceId": "t-1",
            "receivedDateTime": AT,
            "subject": "Invoice",
            "status": "delivered",
            "fromIP": "203.0.113.9",
        },
        {
            "sender_address": "a@x.example",
            "recipient_status": "kim@contoso.example##Delivered",
            "network_message_id": "t-1",
            "origin_timestamp_utc": AT,
            "message_subject": "Invoice",
            "original_client_ip": "203.0.113.9",
        },
    ],
)
def test_a_message_trace_is_one_event_however_it_was_obtained(trace, ocsf_faults) -> None:
    made = event(trace)

    assert ocsf_faults(made) == []
    assert (made.mapper, made.actor, made.ip, made.result) == ("message-trace", "a@x.example", "203.0.113.9", "success")
    assert made.ocsf["message"].casefold() == "mail from a@x.example to kim@contoso.example: delivered, “invoice”"
    assert made.ocsf["metadata"]["uid"] == "t-1|kim@contoso.example|delivered"


@each("odd", [None, 5, "x", "[", [], {}, [None], True, "https://["])
def test_an_odd_field_costs_only_itself(odd, ocsf_faults) -> None:
    whole = provisioned()
    inner = request()["properties"]
    assert isinstance(inner, dict)
    for name in whole.keys() - {"provisioningAction", "sourceSystem", "targetSystem"}:
        assert ocsf_faults(event({**whole, name: odd})) == []
    for name in inner:
        assert ocsf_faults(event(request(**{name: odd}))) == []

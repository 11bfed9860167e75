"""Azure's activity log, as REST lists it, as event hubs bring it, and as PowerShell writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
AT = "2026-11-20T10:00:00Z"
SCOPE = "/subscriptions/s-1/resourceGroups/web"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
OWNER = "/subscriptions/s-1/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
REQUEST = json.dumps({"Properties": {"PrincipalId": "p-7", "PrincipalType": "User", "RoleDefinitionId": OWNER}})


def event(**more: Any) -> Event:
    record = {
        "eventDataId": "e-1",
        "eventTimestamp": AT,
        "operationName": {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Create"},
        "caller": "tove@contoso.example",
        "claims": {"appid": "a-1", "ipaddr": "203.0.113.9", "name": "Tove Lund"},
        "status": {"value": "Succeeded"},
        "subStatus": {"value": "", "localizedValue": ""},
        "resourceId": f"{SCOPE}/providers/Microsoft.Compute/virtualMachines/web-1",
        "resourceGroupName": "web",
        "category": {"value": "Administrative"},
    } | more
    return made_of(record)


def made_of(record: dict[str, Any]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def test_a_change_says_who_changed_what_from_where(ocsf_faults) -> None:
    made = event()

    assert ocsf_faults(made) == []
    assert (made.mapper, made.service, made.class_uid) == ("azure-activity", "azure", 6003)
    assert (made.actor, made.ip, made.result) == ("tove@contoso.example", "203.0.113.9", "success")
    assert made.ocsf["message"] == "Tove Lund created or changed virtual machine web-1"


@each(
    ("operation", "more", "message", "severity"),
    [
        ("Microsoft.Network/publicIPAddresses/delete", {}, "Tove Lund deleted public ip address web-1", "Low"),
        (
            "MICROSOFT.STORAGE/STORAGEACCOUNTS/WRITE",
            {},
            "Tove Lund created or changed storage account web-1",
            "Informational",
        ),
        ("Microsoft.Web/sites/restart/action", {}, "Tove Lund called restart of site web-1", "Informational"),
        (
            "Microsoft.Storage/storageAccounts/listKeys/action",
            {},
            "Tove Lund read the keys of storage account web-1",
            "Medium",
        ),
        (
            "Microsoft.Compute/virtualMachines/runCommand/action",
            {"status": {"value": "Started"}},
            "Tove Lund ordered a command on virtual machine web-1, started",
            "High",
        ),
        (
            "Microsoft.Compute/virtualMachines/delete",
            {"status": {"value": "Failed"}, "subStatus": {"value": "Forbidden"}},
            "Failed: Tove Lund deleted virtual machine web-1: Forbidden",
            "Low",
        ),
        (
            "Microsoft.Authorization/elevateAccess/action",
            {"resourceId": "/providers/Microsoft.Authorization"},
            "Tove Lund gave themselves User Access Administrator over all Azure resources",
            "High",
        ),
        (
            "Microsoft.Authorization/roleAssignments/write",
            {
                "resourceId": f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/ra-1",
                "properties": {"requestbody": REQUEST},
            },
            "Tove Lund assigned Owner over resource group web to p-7",
            "High",
        ),
        (
            "Microsoft.Authorization/roleAssignments/delete",
            {"resourceId": "/providers/Microsoft.Authorization/roleAssignments/ra-1"},
            "Tove Lund removed an assignment of an Azure role over all resources",
            "Medium",
        ),
        (
            "Create or Update Virtual Machine",
            {},
            "Tove Lund asked for Create or Update Virtual Machine on web-1",
            "Informational",
        ),
        ("{x}/{y}/write", {}, "Tove Lund created or changed (y) web-1", "Informational"),
    ],
)
def test_what_an_operation_means(operation, more, message, severity, ocsf_faults) -> None:
    made = event(operationName={"value": operation}, **more)

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == message
    assert made.ocsf["severity"] == severity


def test_an_application_that_acts_for_nobody_is_the_actor() -> None:
    made = event(caller="0b5c9f8e-2222-4000-8000-000000000001", claims={"appid": "a-1"})

    assert made.ocsf["actor"]["user"]["type"] == "Service"


def test_an_alert_of_the_activity_log_is_a_finding(ocsf_faults) -> None:
    made = event(
        category={"value": "Security"},
        description="Odd process seen. Look at it.",
        properties={"severity": "High", "compromisedEntity": "web-1"},
        status={"value": "Active"},
    )

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["severity"]) == (2004, "High")
    assert made.ocsf["message"] == "Alert: Odd process seen (web-1)"


def test_an_event_hub_brings_the_same_without_its_id(ocsf_faults) -> None:
    made = made_of(
        {
            "time": AT,
            "resourceId": f"{SCOPE}/providers/Microsoft.Compute/virtualMachines/web-1".upper(),
            "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE",
            "category": "Administrative",
            "resultType": "Success",
            "resultSignature": "Succeeded.",
            "callerIpAddress": "203.0.113.9",
            "identity": {"claims": {UPN: "tove@contoso.example", "name": "Tove Lund"}},
            "properties": {"statusCode": "OK"},
        }
    )

    assert ocsf_faults(made) == []
    assert (made.mapper, made.service, made.ip, made.result) == ("diagnostics", "azure", "203.0.113.9", "success")
    assert made.ocsf["message"] == "Tove Lund deleted virtual machine WEB-1"
    assert "no-id" in made.tags


def test_powershell_writes_the_same_event() -> None:
    made = made_of(
        {
            "EventDataId": "e-1",
            "EventTimestamp": "/Date(1795168800000)/",
            "OperationName": {"Value": "Microsoft.Compute/virtualMachines/write", "LocalizedValue": "Create"},
            "Caller": "tove@contoso.example",
            "Claims": {"Content": {"name": "Tove Lund", "ipaddr": "203.0.113.9"}},
            "Status": {"Value": "Succeeded"},
            "ResourceId": f"{SCOPE}/providers/Microsoft.Compute/virtualMachines/web-1",
        }
    )

    assert made.id == event().id
    assert made.ocsf["message"] == event().ocsf["message"]


@each("odd", [None, "", [], {}, 7, True, "[", {"value": []}, "/"])
@each(
    "field", ["operationName", "caller", "claims", "status", "resourceId", "category", "properties", "eventTimestamp"]
)
def test_an_odd_field_costs_only_itself(field: str, odd: object, ocsf_faults) -> None:
    made = event(**{field: odd})

    assert ocsf_faults(made) == []
    assert "None" not in made.ocsf["message"]

"""Records as services write them, and the events that are made of them: for tests of what records mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

KIM, KIM_ID = "kim@contoso.example", "aaaaaaaa-1111-4111-8111-00000000000a"
SAM, SAM_ID = "sam@contoso.example", "bbbbbbbb-2222-4222-8222-00000000000b"
APP, APP_ID, APP_OBJECT = "Payroll Sync", "cccccccc-3333-4333-8333-00000000000c", "dddddddd-4444-4444-8444-00000000000d"
CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))


def event_of(record: dict[str, Any]) -> Event:
    """The event of a record, which a mapper of its own must have understood."""
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags, made.unmapped
    return made


def message(record: dict[str, Any]) -> str:
    """The sentence of a record."""
    text = event_of(record).ocsf["message"]
    assert isinstance(text, str)
    return text


def unified(
    operation: str, workload: str = "AzureActiveDirectory", record_type: int = 8, **more: Any
) -> dict[str, Any]:
    """A record of the unified log."""
    return {
        "CreationTime": "2026-11-23T07:30:00",
        "Id": "ual-1",
        "Operation": operation,
        "OrganizationId": "99999999-0000-4000-8000-000000000009",
        "RecordType": record_type,
        "ResultStatus": "Success",
        "UserKey": "1003BFFD00000001",
        "UserType": 0,
        "Version": 1,
        "Workload": workload,
        "UserId": KIM,
        **more,
    }


def person(upn: str = KIM, uid: str = KIM_ID, *, through: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """A person's ids as the unified log lists them, with the name and id of a service that acted for the person."""
    service = [{"ID": through[0], "Type": 1}, {"ID": through[1], "Type": 2}] if through else []
    return [
        {"ID": upn, "Type": 5},
        {"ID": "1003BFFD00000001", "Type": 3},
        *service,
        {"ID": f"User_{uid}", "Type": 2},
        {"ID": uid, "Type": 2},
        {"ID": "User", "Type": 2},
    ]


def application(name: str = APP, app_id: str = APP_ID, uid: str = APP_OBJECT) -> list[dict[str, Any]]:
    """A service principal's ids as the unified log lists them."""
    return [
        {"ID": f"ServicePrincipal_{uid}", "Type": 2},
        {"ID": uid, "Type": 2},
        {"ID": "ServicePrincipal", "Type": 2},
        {"ID": name, "Type": 1},
        {"ID": app_id, "Type": 2},
        {"ID": app_id, "Type": 4},
    ]


def properties(removed: bool = False, **named: str) -> list[dict[str, Any]]:  # reads as a word
    """Modified properties `Group__ObjectID="..."`: in the new value, or in the old one of what was removed."""
    old, new = ("OldValue", "NewValue") if not removed else ("NewValue", "OldValue")
    return [{"Name": name.replace("__", "."), new: value, old: ""} for name, value in named.items()]


def audit(activity: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A directory audit of Graph."""
    return {
        "id": "Directory_1",
        "category": "UserManagement",
        "correlationId": "eeeeeeee-5555-4555-8555-00000000000e",
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": "2026-11-23T07:30:00Z",
        "loggedByService": "Core Directory",
        "initiatedBy": {"user": {"id": KIM_ID, "displayName": "Kim Vale", "userPrincipalName": KIM}, "app": None},
        "targetResources": list(targets),
        "additionalDetails": [],
        **more,
    }


def envelope(category: str, properties_: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A diagnostic of Azure Monitor around a record."""
    return {
        "time": "2026-11-23T07:32:00.1234567Z",
        "resourceId": "/tenants/99999999-0000-4000-8000-000000000009/providers/Microsoft.aadiam",
        "operationName": "Activity",
        "category": category,
        "resultType": "0",
        "resultSignature": "None",
        "durationMs": 0,
        "properties": properties_,
        **more,
    }

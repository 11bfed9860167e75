"""Records in what other programs keep logs in: the same events as from the records themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aoc_cli.explain import parts
from aoc_cli.importing.reading import Options
from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext, Rejected
from made_events import KIM

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 28, tzinfo=UTC))
AT = "2026-11-20T10:00:00Z"
RECORD: dict[str, Any] = {
    "CreationTime": "2026-11-20T10:00:00", "Id": "b0a3f2d1-21", "Operation": "FileDownloaded", "RecordType": 6,
    "Workload": "SharePoint", "ClientIP": "198.51.100.7", "ObjectId": "https://contoso.example/plan.docx",
    "UserId": KIM, "SourceFileName": "plan.docx", "UserAgent": "curl/8",
}  # fmt: skip
TEXT = json.dumps(RECORD)
QUOTED = '"' + TEXT.replace('"', '""') + '"'
#: Elastic moves the address and the user agent out of the record.
MOVED = {name: value for name, value in RECORD.items() if name not in {"ClientIP", "UserAgent"}}
ENVELOPE = {
    "category": "SignInLogs", "operation_name": "Sign-in activity", "result_type": "50126",
    "properties": {
        "id": "s-1", "created_at": AT, "created_date_time": AT, "user_principal_name": KIM, "app_display_name": "Teams",
        "app_id": "a-1", "ip_address": "198.51.100.7", "status": {"error_code": 50126},
        "resource_display_name": "Graph",
    },
}  # fmt: skip
#: As Kibana saves a table of documents.
ROWS = ",".join(
    ["@timestamp", *(f"azure.signinlogs.{name}" for name in (
        "category", "operation_name", "properties.id", "properties.created_date_time", "properties.user_principal_name",
        "properties.app_display_name", "properties.status.error_code", "properties.resource_display_name"))]
) + f"\nNov 20,SignInLogs,Sign-in activity,s-1,{AT},{KIM},Teams,50126,Graph\n"  # fmt: skip
CHANGE = {
    "category": "AuditLogs", "operation_name": "Add member to role",
    "properties": {
        "id": "Directory_7", "activity_datetime": AT, "activity_display_name": "Add member to role",
        "logged_by_service": "Core Directory", "initiated_by": {"user": {"userPrincipalName": KIM}},
        "target_resources": {"0": {"display_name": "Sam Ortiz", "type": "User", "modified_properties": {
            "0": {"display_name": "Role.DisplayName", "new_value": '"Global Administrator"'}}}},
    },
}  # fmt: skip
CARRIERS: dict[str, Any] = {
    "gelf": {"version": "1.1", "host": "siem", "short_message": TEXT, "timestamp": 1795168800.1},
    "graylog": {"messages": [{"message": {"_id": "1", "message": TEXT, "gl2_source_input": "i"}, "index": "g"}]},
    "container": {"log": TEXT, "stream": "stdout", "time": AT},
    "kafka": [{"topic": "ual", "partition": 0, "offset": 1, "key": None, "value": RECORD}],
    "loki": {"status": "success", "data": {"resultType": "streams", "result": [
        {"stream": {"app": "o365"}, "values": [["1795168800000000000", TEXT]]}]}},
    "qradar": {"events": [{"starttime": 1795168800000, "sourceip": "198.51.100.7", "payload": TEXT}]},
    "cloudwatch": {"events": [{"timestamp": 1795168800000, "message": TEXT, "ingestionTime": 1}]},
    "elastic": {"_index": "logs", "_id": "x", "_source": {
        "@timestamp": AT, "o365": {"audit": MOVED}, "source": {"ip": "198.51.100.7"},
        "user_agent": {"original": "curl/8"}}},
    "message.csv": f"@timestamp,message\n{AT},{QUOTED}\n{AT},\n",
    "payload.csv": f"Start Time;Payload;Source IP\n{AT};{QUOTED};198.51.100.7\nStart Time;Payload;Source IP\n",
}  # fmt: skip


def events_in(path: Path, content: Any) -> tuple[list[Event], list[str]]:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = [part for _, part in parts(path, Options(), CONTEXT)]
    return [part for part in found if isinstance(part, Event)], [
        reason for part in found if (reason := getattr(part, "reason", None))
    ]


@pytest.mark.parametrize("name", CARRIERS)
def test_a_record_that_another_program_keeps_is_the_event_of_the_record(tmp_path: Path, name: str) -> None:
    own = normalise(TEXT.encode(), CONTEXT)
    assert isinstance(own, Event)

    (made,), faults = events_in(tmp_path / name, CARRIERS[name])

    assert (made.id, made.ocsf["message"], made.ip) == (own.id, f"{KIM} downloaded file plan.docx", "198.51.100.7")
    assert made.ocsf["http_request"]["user_agent"] == "curl/8"
    # A row without a record is told.
    assert len(faults) == (name == "message.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"@timestamp": AT, "azure": {"tenant_id": "t", "signinlogs": ENVELOPE}, "event": {"outcome": "failure"}},
         f"Sign-in of {KIM} from 198.51.100.7 to Graph failed: wrong password (50126)"),
        (ROWS,
         f"Sign-in of {KIM} to Graph failed: wrong password (50126)"),
        ({"@timestamp": AT, "azure": {"auditlogs": CHANGE}}, f"{KIM} added Sam Ortiz to role Global Administrator"),
        ({"@timestamp": AT, "source": {"ip": "198.51.100.7"}, "azure": {
            "correlation_id": "c", "resource": {"id": "/subscriptions/s/resourceGroups/web/providers/"
            "Microsoft.Compute/virtualMachines/web-1"}, "activitylogs": {
                "category": "Administrative", "operation_name": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE",
                "result_type": "Success", "identity": {"claims": {
                    "http://schemas_xmlsoap_org/ws/2005/05/identity/claims/name": KIM}}}}},
         f"{KIM} deleted virtual machine web-1"),
    ],
    ids=["sign-in", "row", "audit", "azure"],
)  # fmt: skip
def test_an_envelope_under_elastics_names_is_read(tmp_path: Path, content: Any, message: str) -> None:
    (made,), faults = events_in(tmp_path / "elastic", content)

    assert (made.ocsf["message"], made.time_ms, faults) == (message, 1795168800000, [])


@pytest.mark.parametrize(
    "content",
    [
        {"events": [{"payload": "x"}, {"payload": TEXT}]},
        {"message": TEXT, "program": "anything"},
        {"value": TEXT, "topic": "x", "id": "1", "operation": "Own"},
    ],
)
def test_what_only_looks_like_a_carrier_is_not_opened(content: dict[str, Any]) -> None:
    made = normalise(json.dumps(content).encode(), CONTEXT)

    assert isinstance(made, Rejected) or made.operation != "FileDownloaded"

"""By what an entry is known at a destination, and what it says of its time."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from standardwebhooks import Webhook, WebhookVerificationError

from aoc_common.errors import BadConfiguration
from aoc_common.outbound.signatures import key_of, signed
from aoc_exporter.formats import FORMATS
from aoc_exporter.framing import bulk, hec, otlp, sentinel, syslog, webhook
from aoc_exporter.item import fit
from each import each
from siem_entries import ROOMY, entry, item, items
from siem_formats import read_syslog

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_later_version_is_another_document_and_the_same_version_is_not() -> None:
    first, again, second = item(1), item(1), item(1, revision=2)

    assert bulk.action(first, "logs") == bulk.action(again, "logs") != bulk.action(second, "logs")
    assert webhook.message_id([first]) == webhook.message_id([again]) != webhook.message_id([second])


@each("form", FORMATS)
def test_an_entry_without_a_time_says_none_where_that_can_be_said(form: str) -> None:
    undated = fit(
        entry(time_ms=0, body=orjson.dumps({"metadata": {"logged_time": 1_795_420_800_000}})), FORMATS[form], ROOMY
    )

    assert "time" not in json.loads(hec.envelope(undated, hec.HecFields()))
    assert read_syslog(syslog.message(undated, syslog.Header())).time == "-"
    assert "timeUnixNano" not in json.loads(otlp.body([undated]))["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert json.loads(sentinel.row(undated))["EventTime"] is None
    assert json.loads(bulk.pair(undated, "logs").split(b"\n")[1])["@timestamp"] == "2026-11-23T08:00:00.000Z"


@each("time_ms", [1, 999, 253_402_300_799_999, 253_402_300_800_000, (1 << 48) - 1])
def test_times_at_the_edges_are_written(time_ms: int) -> None:
    edge = item(1, "ecs", time_ms=time_ms)

    assert json.loads(hec.envelope(edge, hec.HecFields()))["time"] == pytest.approx(time_ms / 1000)
    assert json.loads(edge.data)["@timestamp"].endswith("Z")
    # OTLP counts nanoseconds in 64 bits: until 2554.
    [record] = ExportLogsServiceRequest.FromString(otlp.packed([edge])).resource_logs[0].scope_logs[0].log_records
    assert record.time_unix_nano == (time_ms * 1_000_000 if time_ms < 1 << 44 else 0)
    assert ("timeUnixNano" in json.loads(otlp.record(edge))) is (time_ms < 1 << 44)


def test_resources_of_otlp_are_of_one_tenant_each() -> None:
    mixed = [*items(2), *items(3, tenant="fabrikam")]
    resources = json.loads(otlp.body(mixed))["resourceLogs"]

    assert [len(resource["scopeLogs"][0]["logRecords"]) for resource in resources] == [2, 3]


@each(
    ("form", "source", "expected"),
    [
        ("raw", "o365-exchange", "o365:management:activity"),
        ("raw", "graph-signins", "azure:aad:signin"),
        ("raw", "graph-intune", "aoc:graph-intune"),
        ("ocsf", "graph-signins", "aoc:ocsf"),
        ("cef", "graph-signins", "cef"),
    ],
)
def test_a_sourcetype_is_what_splunks_add_ons_look_for(form: str, source: str, expected: str) -> None:
    assert json.loads(hec.envelope(item(1, form, source=source), hec.HecFields()))["sourcetype"] == expected


def test_a_file_that_was_opened_is_not_called_changed() -> None:
    def types(activity: int) -> list[str]:
        body = orjson.dumps({"class_uid": 6006, "activity_id": activity})
        found: list[str] = json.loads(item(1, "ecs", class_uid=6006, body=body).data)["event"]["type"]
        return found

    assert [types(14), types(9), types(2), types(8), types(6)] == [
        ["access"], ["access"], ["access"], ["change"], ["creation"],
    ]  # fmt: skip


def test_severity_of_syslog_is_told_where_the_event_was_read() -> None:
    critical = replace(entry(), body=orjson.dumps({"severity_id": 5}))

    assert read_syslog(syslog.message(fit(critical, FORMATS["cef"], ROOMY), syslog.Header())).priority == 13 * 8 + 2
    assert read_syslog(syslog.message(item(1), syslog.Header())).priority == 13 * 8 + 6


def test_the_library_of_standard_webhooks_accepts_what_is_signed_and_nothing_else() -> None:
    from datetime import UTC, datetime

    now = int(datetime.now(UTC).timestamp())
    content = webhook.body(items(3), "2026-11-23T08:00:00Z")
    headers = dict(signed(key_of(SECRET), webhook.message_id(items(3)), now, content))

    assert Webhook(SECRET).verify(content.decode(), headers)["type"] == "aoc.entries"
    for forged in (content + b" ", content.replace(b"contoso", b"fabrika")):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(forged.decode(), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(content.decode(), headers | {"webhook-id": "another"})


@each("secret", ["", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=", "whsec_" + "A" * 400])
def test_a_secret_that_is_none_is_not_repeated(secret: str) -> None:
    with pytest.raises(BadConfiguration) as raised:
        key_of(secret)

    assert "whsec_ and base64" in str(raised.value) or "24 to 64 bytes" in str(raised.value)
    assert len(secret) < 8 or secret not in str(raised.value)

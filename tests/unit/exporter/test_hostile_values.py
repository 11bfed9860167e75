"""Whatever a record says, its message stays one message, and another one beside it stays itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from google.protobuf.json_format import Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from aoc_exporter.formats import FORMATS
from aoc_exporter.framing import bulk, hec, ndjson, otlp, sentinel, syslog, webhook
from aoc_exporter.item import Item, fit
from each import each
from siem_entries import ROOMY, entry
from siem_formats import counted_frames, line_frames, read_cef, read_syslog

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry

NASTY = [
    "a\nb", "a\r\nb", "a\rb", "|", "\\", "\\|", "a\\", "=", "a = b=c", "k=v src=1.2.3.4", '"', '"]', "]", '[x@1 a="b"]',
    "\0", "\x0b\x0c\x1b[31m", "\x85\u2028\u2029", "💶👩‍👩‍👧", "\ufeff", "}{", '"}\n{"event":{"x":1}}', '{"create":{}}',
    "<13>1 - - - - - -", "CEF:0|a|b|c|d|e|1|src=9.9.9.9", "12 <13>1 ", "\u202e", " ", "", "\\n", "a\\=b",
]  # fmt: skip
HOSTILE = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=40), st.lists(st.sampled_from(NASTY), min_size=2, max_size=4).map("".join)
)
SPLITTING = "\n\r\0"


def without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def made(text: str, other: str) -> Entry:
    """An entry with text wherever a record's own words can stand."""
    raw = orjson.dumps({"Id": other, "Operation": text, text: [other]}).decode()
    event: dict[str, Any] = {
        "class_uid": 6003, "class_name": "API Activity", "activity_id": 1, "severity_id": 2, "status_id": 2,
        "status_detail": text, "time": 1_795_419_000_000, "message": text,
        "metadata": {"version": "1.8.0", "event_code": text, "correlation_uid": other, "labels": [text]},
        "actor": {"user": {"name": text, "uid": other, "email_addr": other}, "app_name": text},
        "user": {"name": other, "uid": text}, "group": {"name": text}, "file": {"name": text, "path": other},
        "src_endpoint": {"ip": text, "name": other, "uid": text}, "http_request": {"user_agent": text},
        "api": {"operation": text, "service": {"name": other}},
        "observables": [{"type_id": 10, "value": text}, {"type_id": 4, "value": other}],
        "raw_data": raw, "unmapped": {"fields": [text, other]},
    }  # fmt: skip
    return entry(body=orjson.dumps(event), operation=text)


def json_values(stream: str) -> list[Any]:
    """Values that follow each other, as a streaming reader sees them."""
    decoder, position, values = json.JSONDecoder(), 0, []
    while position < len(stream):
        value, position = decoder.raw_decode(stream, position)
        values.append(value)
    return values


@settings(max_examples=25)
@given(HOSTILE.map(without_surrogates), HOSTILE.map(without_surrogates))
def test_hostile_values_neither_split_nor_merge_messages(text: str, other: str) -> None:
    plain = entry(2)
    for form in FORMATS.values():
        pair = [fit(made(text, other), form, ROOMY), fit(plain, form, ROOMY)]
        assert not set(SPLITTING) & set(pair[0].data.decode())
        identities = [item.entry.id for item in pair]

        check_json(pair, identities)
        check_syslog(pair, identities)


@pytest.mark.slow
@each("form", FORMATS)
def test_a_megabyte_of_one_character_stays_one_message(form: str) -> None:
    for text in ("x" * 1_048_576, "\n" * 1_048_576, '"' * 1_048_576):
        event = {"message": text, "actor": {"user": {"name": text}}, "raw_data": orjson.dumps({"Id": text}).decode()}
        item = fit(entry(body=orjson.dumps(event)), FORMATS[form], ROOMY)
        sent = syslog.message(item, syslog.Header())

        assert b"\n" not in item.data
        assert counted_frames(syslog.framed(sent, syslog.Framing.OCTETS) * 2) == [sent] * 2
        assert orjson.loads(hec.envelope(item, hec.HecFields()))["fields"]["event_id"] == item.entry.id
        assert bulk.pair(item, "logs").count(b"\n") == 2


def check_json(pair: list[Item], identities: list[str]) -> None:
    lines = b"".join(map(ndjson.line, pair)).decode().split("\n")
    assert [json.loads(line)["aoc"]["id"] for line in lines[:-1]] == identities
    assert lines[-1] == ""

    envelopes = json_values(b"".join(hec.envelope(item, hec.HecFields()) for item in pair).decode())
    assert [one["fields"]["event_id"] for one in envelopes] == identities
    assert (
        envelopes[0]["event"] == json_values(b"".join((hec.envelope(pair[0], hec.HecFields()),)).decode())[0]["event"]
    )

    actions = b"".join(bulk.pair(item, "logs") for item in pair).decode().split("\n")
    assert [json.loads(line)["create"]["_id"] for line in actions[:-1:2]] == [item.key for item in pair]
    assert [json.loads(line)["aoc"]["id"] for line in actions[1::2]] == identities

    [resource] = orjson.loads(otlp.body(pair))["resourceLogs"]
    records = resource["scopeLogs"][0]["logRecords"]
    assert [record["attributes"][0]["value"]["stringValue"] for record in records] == identities
    assert [record["body"]["stringValue"].encode() for record in records] == [item.data for item in pair]
    assert ExportLogsServiceRequest.FromString(otlp.packed(pair)) == Parse(otlp.body(pair), ExportLogsServiceRequest())

    assert [row["EventId"] for row in orjson.loads(sentinel.body(map(sentinel.row, pair)))] == identities
    assert [one["aoc"]["id"] for one in orjson.loads(webhook.body(pair, "now"))["data"]] == identities


def check_syslog(pair: list[Item], identities: list[str]) -> None:
    header = syslog.Header(host='a b"]\n', app="")
    messages = [syslog.message(item, header) for item in pair]
    for framing, frames in ((syslog.Framing.OCTETS, counted_frames), (syslog.Framing.NEWLINE, line_frames)):
        stream = b"".join(syslog.framed(message, framing) for message in messages)
        assert frames(stream) == messages
    assert [read_syslog(message).data["aoc@32473"]["id"] for message in messages] == identities


@settings(max_examples=50)
@given(HOSTILE.map(without_surrogates), HOSTILE.map(without_surrogates))
def test_a_stranger_reads_hostile_values_back_from_cef(text: str, other: str) -> None:
    header, extension = read_cef(fit(made(text, other), FORMATS["cef"], ROOMY).data)

    assert len(header) == 7
    assert extension["externalId"] == made(text, other).id
    assert extension["cs1"] == "contoso"
    assert not any(set(value) & {"\r", "\0", "\u2028", "\x85"} for value in extension.values())


@settings(max_examples=50)
@given(HOSTILE, HOSTILE)
def test_values_in_structured_data_come_back_but_for_control_characters(tenant: str, source: str) -> None:
    sent = entry(tenant=without_surrogates(tenant), source=without_surrogates(source))
    said = read_syslog(syslog.message(fit(sent, FORMATS["ocsf"], ROOMY), syslog.Header())).data["aoc@32473"]
    seen = "".join(" " if ord(char) < 32 or 127 <= ord(char) < 160 else char for char in sent.tenant)

    assert said.get("tenant", "") == seen


@each(
    ("raw", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('\n{\r\n "a": "b\\nc"\n}\n', '{   "a": "b\\nc" }'),
        ('{"a": "\\ud800"}', '{"a":"?"}'),
        ('{"a": 1}{"b": 2}', '{"raw":"{\\"a\\": 1}{\\"b\\": 2}"}'),
        ("[1]", '{"raw":"[1]"}'),
        ("no json", '{"raw":"no json"}'),
        ('{"a": NaN}', '{"raw":"{\\"a\\": NaN}"}'),
        ("{" * 5000, '{"raw":"' + "{" * 5000 + '"}'),
    ],
)
def test_a_record_that_is_no_object_on_one_line_becomes_one(raw: str, expected: str) -> None:
    encoded = FORMATS["raw"].encode(entry(body=orjson.dumps({"raw_data": raw})))

    assert encoded.decode() == expected
    assert isinstance(orjson.loads(encoded), dict)


def test_half_a_surrogate_pair_is_replaced_in_text() -> None:
    """A body cannot have one, since JSON with one is not read; a header of the bus could."""
    header, _ = read_cef(FORMATS["cef"].encode(entry(operation="a\ud800b")))

    assert header[4] == "a\N{REPLACEMENT CHARACTER}b"

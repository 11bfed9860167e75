"""Microsoft's records arrive in Elastic as its integrations' ingest pipelines read them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from aoc_exporter.formats import FORMATS
from aoc_exporter.item import fit
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from each import each
from golden_entries import CASES, SIGN_IN
from made_events import unified
from siem_entries import ROOMY, entry, entry_of, made_id

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry

NOON = "2026-11-23T07:30:00.000Z"


def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose members is there twice."""
    assert len(dict(members)) == len(members)
    return dict(members)


def sent(entry: Entry, limit: int = ROOMY, form: str = "elastic") -> tuple[str, dict[str, Any]]:
    """Where an entry goes, and its document."""
    sink = Elastic(ElasticOptions(url="https://elastic.example"))
    action, document, end = sink.framed([fit(entry, FORMATS[form], limit)]).split(b"\n")
    assert end == b""
    return orjson.loads(action)["create"]["_index"], json.loads(document, object_pairs_hook=once)


def of(name: str, source: str) -> Entry:
    return replace(CASES[name](), source=source)


def test_a_record_of_the_unified_log_is_what_the_integration_of_microsoft_365_reads() -> None:
    entry = of("inbox-rule", "o365-exchange")
    index, document = sent(entry)

    assert index == "logs-o365.audit-contoso"
    assert document.keys() == {"@timestamp", "event", "aoc", "o365audit"}
    assert document["@timestamp"] == entry.timestamp
    assert document["event"] == {"dataset": "o365.audit"}
    assert document["o365audit"] == orjson.loads(entry.event["raw_data"])
    assert document["aoc"]["id"] == entry.id


@each(
    "changes",
    [{"revision": 2}, {"id": str(made_id(1))}, {"tenant": "contoso-eu"}],
    ids=["a later version", "beside an event of another operation", "of somebody else"],
)
def test_what_shares_its_id_with_another_record_is_no_repeat_of_it(changes: dict[str, Any]) -> None:
    """The pipeline of `o365.audit` makes the document's id of the record's: a second one would be answered with 409."""
    index, document = sent(replace(of("inbox-rule", "o365-exchange"), **changes))

    assert index == f"logs-aoc.event-{changes.get('tenant', 'contoso')}"
    assert document["ecs"] == {"version": "8.17.0"}
    assert document["aoc"]["revision"] == changes.get("revision", 1)


def test_of_data_losses_with_one_id_none_takes_the_others_place() -> None:
    """They are events of their own, by operation, and first versions."""
    index, _ = sent(replace(entry_of(unified("DlpRuleMatch", "Exchange", 13)), source="o365-dlp"))

    assert index == "logs-aoc.event-contoso"


@each("identity", ['"\\ud800"', "7", "{}", '""'])
def test_an_id_that_is_none_of_ours_is_no_reason_to_stop(identity: str) -> None:
    text = f'{{"Id":{identity},"Operation":"x"}}'
    index, _ = sent(entry(source="o365-general", body=orjson.dumps({"class_uid": 6003, "raw_data": text})))

    assert index == "logs-aoc.event-contoso"


def test_only_a_document_of_this_format_says_its_stream() -> None:
    text = '{"event":{"dataset":"o365.audit"},"@timestamp":"2026-11-23T07:30:00Z"}'
    written = entry(body=orjson.dumps({"class_uid": 6003, "raw_data": text}))

    assert sent(written, form="raw")[0] == "logs-aoc.event-contoso"


@each(
    ("source", "category"),
    [
        ("graph-signins", "SignInLogs"),
        ("graph-signins-noninteractive", "NonInteractiveUserSignInLogs"),
        ("graph-signins-serviceprincipal", "ServicePrincipalSignInLogs"),
        ("graph-signins-managedidentity", "ManagedIdentitySignInLogs"),
    ],
)
def test_a_sign_in_is_a_line_of_the_diagnostic_settings(source: str, category: str) -> None:
    index, document = sent(of("sign-in-failed", source))

    assert index == "logs-azure.signinlogs-contoso"
    assert json.loads(document["message"], object_pairs_hook=once) == {
        "time": NOON,
        "category": category,
        "operationName": "Sign-in activity",
        "durationMs": 0,
        "correlationId": SIGN_IN["correlationId"],
        "callerIpAddress": "2001:db8::17",
        "identity": "Kim Vale",
        "properties": SIGN_IN,
    }


def test_a_change_in_the_directory_has_the_name_that_rules_look_for() -> None:
    entry = of("user-created", "graph-directory-audits")
    index, document = sent(entry)

    assert index == "logs-azure.auditlogs-contoso"
    assert document["event"] == {"dataset": "azure.auditlogs"}
    assert json.loads(document["message"], object_pairs_hook=once) == {
        "time": NOON,
        "category": "AuditLogs",
        "operationName": "Add user",
        "durationMs": 0,
        "correlationId": "eeeeeeee-5555-4555-8555-00000000000e",
        "properties": orjson.loads(entry.event["raw_data"]),
    }


def test_what_no_integration_reads_is_ecs_in_a_data_stream_of_ours() -> None:
    whole = of("user-created", "graph-directory-audits")
    others = [CASES["audit-trail"](), of("user-created", "graph-intune"), entry(source="graph-signins")]
    found = [sent(one) for one in others] + [sent(whole, len(FORMATS["elastic"].encode(whole)) - 1)]

    assert [index for index, _ in found] == ["logs-aoc.audit-contoso", *["logs-aoc.event-contoso"] * 3]
    assert all(document["ecs"] == {"version": "8.17.0"} for _, document in found)
    assert found[-1][1]["aoc"]["truncated"] is True


@each("text", ['{"status":7,"correlationId":{"a":[1]},"ipAddress":null}', "no JSON", "[1]", '{"a":"\\ud800"}'])
@each("source", ["graph-signins", "graph-directory-audits", "o365-general"])
def test_a_record_of_any_shape_makes_one_document(source: str, text: str) -> None:
    index, document = sent(entry(source=source, body=orjson.dumps({"class_uid": 6003, "raw_data": text})))

    assert not index.startswith("logs-aoc")
    assert document.keys() == {"@timestamp", "event", "aoc", "o365audit" if source == "o365-general" else "message"}
    assert type(json.loads(document.get("message", "{}"))) is dict

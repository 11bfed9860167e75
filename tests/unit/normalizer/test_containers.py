"""What tools put around records: the records inside count, and what nobody can open is put aside whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext
from each import each

CONTEXT = RecordContext("default", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))


def rule(name: str = "r1", **more: object) -> dict[str, object]:
    return {
        "Id": name,
        "CreationTime": "2026-11-20T10:00:00",
        "Operation": "Set-InboxRule",
        "RecordType": 1,
        "Workload": "Exchange",
        "UserId": "kim@contoso.example",
        **more,
    }


def read(document: object) -> tuple[list[str], list[str]]:
    """The ids of the events, and the reasons of what was rejected."""
    events, rejected = normalise_page(json.dumps(document).encode(), CONTEXT)
    return [event.ocsf["metadata"].get("uid") for event in events], [part.reason for part in rejected]


TEXT = json.dumps(rule())
SIGN_IN = {
    "id": "s1",
    "createdDateTime": "2026-11-20T10:00:00Z",
    "userPrincipalName": "kim@contoso.example",
    "appDisplayName": "Portal",
    "ipAddress": "198.51.100.9",
    "status": {"errorCode": 0},
}
WRAPPED = {
    "event-hub": {"records": [rule()]},
    "event-hub-capitals": {"Records": [rule()]},
    "event-hub-of-texts": {"records": [TEXT]},
    "event-hub-consumer": {"body": {"records": [rule()]}, "offset": "1", "sequenceNumber": 2},
    "event-hub-consumer-text": {"Body": json.dumps({"records": [rule()]}), "PartitionKey": None},
    "graph-list": {"@odata.context": "x", "value": [rule()], "@odata.nextLink": "https://next"},
    "powershell": {"value": [rule()], "Count": 1},
    "powershell-list-of-lists": [{"value": [rule()], "Count": 1}],
    "graph-sdk-list": {"Value": [rule()], "OdataNextLink": None, "AdditionalData": {}},
    "hunting-answer": {"schema": [{"name": "Id", "type": "String"}], "results": [rule()]},
    "splunk-export": {"preview": False, "offset": 0, "result": rule()},
    "splunk-raw": {"preview": False, "result": {"_raw": TEXT, "_time": "2026-11-20", "sourcetype": "o365"}},
    "splunk-results": {"preview": False, "results": [{"_raw": TEXT}]},
    "splunk-collector": {"time": 1795168800, "sourcetype": "o365:management:activity", "event": rule()},
    "elastic-document": {"_index": "x", "_id": "1", "_source": {"event": {"original": TEXT}, "@timestamp": "2026"}},
    "elastic-flat": {"@timestamp": "2026-11-20T10:00:00Z", "event.original": TEXT},
    "elastic-search": {"took": 1, "hits": {"total": {"value": 1}, "hits": [{"_index": "x", "_source": rule()}]}},
    "filebeat": {"@timestamp": "2026-11-20T10:00:00Z", "o365": {"audit": rule()}, "agent": {"type": "filebeat"}},
    "logstash": {"@timestamp": "2026-11-20T10:00:00Z", "@version": "1", "message": TEXT},
    "wazuh": {"integration": "office365", "office365": rule()},
    "wazuh-alert": {
        "timestamp": "2026-11-20T10:00:01.000+0000",
        "rule": {"id": "91", "groups": ["office365"]},
        "id": "1700.1",
        "data": {"integration": "office365", "office365": rule()},
    },
    "wazuh-indexer": {"_index": "wazuh", "_source": {"data": {"office365": rule()}, "rule": {}, "id": "1700.1"}},
    "graph-sdk-audit-data": {
        "Id": "r1",
        "AuditLogRecordType": "exchangeAdmin",
        "Operation": "Set-InboxRule",
        "AuditData": {"AdditionalProperties": rule()},
    },
    "workflow-answer": {
        "statusCode": 200,
        "headers": {"Date": "x"},
        "body": {"@odata.context": "x", "value": [rule()]},
    },
    "workflow-history": [
        {"name": "List", "inputs": {"method": "get"}, "outputs": {"statusCode": 200, "body": {"value": [rule()]}}}
    ],
    "datadog-line": {"id": "AQ", "type": "log", "attributes": {"service": "m365", "attributes": rule()}},
    "datadog-archive": {"_id": "AQ", "date": "2026-11-20T10:00:00Z", "service": "m365", "attributes": rule()},
    "cloud-event": {"specversion": "1.0", "id": "1", "type": "x", "time": "2026-11-20T10:00:00Z", "data": rule()},
    "nothing-around": rule(),
    "list-in-lines": [rule()],
}


@each("document", WRAPPED.values(), ids=WRAPPED.keys())
def test_the_record_inside_counts_and_is_the_same_as_without_a_wrapper(document: object) -> None:
    [expected], _ = normalise_page(json.dumps(rule()).encode(), CONTEXT)
    [event], rejected = normalise_page(json.dumps(document).encode(), CONTEXT)

    assert rejected == []
    assert (event.id, event.ocsf["message"]) == (expected.id, expected.ocsf["message"])


def test_a_container_holds_as_many_events_as_records() -> None:
    assert read({"records": [rule("a"), SIGN_IN, rule("b")]}) == (["a", "s1", "b"], [])
    assert read([{"records": [rule("a")]}, rule("b"), {"value": [rule("c"), rule("d")], "Count": 2}]) == (
        ["a", "b", "c", "d"],
        [],
    )
    assert read({"value": [], "@odata.context": "x"}) == ([], [])


ROW = {
    "TimeGenerated": "2026-11-20T10:00:00Z",
    "Type": "SigninLogs",
    "Id": "s1",
    "ResultType": "0",
    "AppDisplayName": "P",
}
COLUMNS = [{"name": name, "type": "string"} for name in ROW]
STATISTICS = {"name": "QueryStatistics", "columns": [{"name": "x", "type": "long"}], "rows": [[1]]}


@each(
    "document",
    [
        {"tables": [{"name": "PrimaryResult", "columns": COLUMNS, "rows": [list(ROW.values())] * 2}]},
        {"tables": [STATISTICS, {"name": "PrimaryResult", "columns": COLUMNS, "rows": [list(ROW.values())] * 2}]},
        {
            "Tables": [
                {
                    "TableName": "Table_0",
                    "Columns": [{"ColumnName": name} for name in ROW],
                    "Rows": [list(ROW.values())] * 2,
                },
                {"TableName": "Table_1", "Columns": [{"ColumnName": "x"}], "Rows": [[1]]},
            ]
        },
        [
            {
                "FrameType": "DataTable",
                "TableKind": "QueryProperties",
                "Columns": [{"ColumnName": "x"}],
                "Rows": [[1]],
            },
            {
                "FrameType": "DataTable",
                "TableKind": "PrimaryResult",
                "Columns": [{"ColumnName": name} for name in ROW],
                "Rows": [list(ROW.values())] * 2,
            },
        ],
    ],
    ids=["log-analytics", "with-statistics", "kusto-1", "kusto-2"],
)
def test_each_row_of_a_table_is_a_record(document: object) -> None:
    assert read(document) == (["s1", "s1"], [])


@each(
    "document",
    [
        {"entries": [rule("a"), rule("b")]},
        {"export": {"entries": [rule("a")]}, "version": 2},
        {"entries": [rule("a"), {"door": "open"}]},
        {"entries": [rule("a")], "others": [rule("b")]},
        {"value": [rule("a"), 5], "name": "x"},
        {"tables": [{"columns": [{"name": ""}], "rows": []}]},
    ],
)
def test_a_container_that_nobody_knows_is_put_aside_whole_and_never_one_event(document: object) -> None:
    events, [rejected] = normalise_page(json.dumps(document).encode(), CONTEXT)

    assert events == []
    assert rejected.text == json.dumps(document)
    assert rejected.reason.startswith("an unknown container: no time or id of its own")


@each(
    "record",
    [
        rule("own", records=[rule("forged")]),
        rule("own", _source=rule("forged"), _index="x"),
        {"id": "own", "operation": "Log", "event": rule("forged")},
        {"id": "own", "time": "2026-11-20T10:00:00Z", "message": json.dumps(rule("forged"))},
        {"id": "own", "time": "2026-11-20T10:00:00Z", "records": [rule("forged")], "note": "x"},
        {"id": "own", "time": "2026-11-20T10:00:00Z", "_raw": "not JSON"},
    ],
)
def test_a_record_of_its_own_is_not_taken_for_what_it_carries(record: dict[str, object]) -> None:
    ids, rejected = read(record)

    assert (ids, rejected) == (["own"], [])


def test_containers_within_containers_end() -> None:
    deep: object = rule("deep")
    for _ in range(20):
        deep = {"records": [deep]}

    ids, rejected = read(deep)

    assert ids == []
    assert len(rejected) == 1


def test_the_text_of_an_event_is_the_record_s_own() -> None:
    raw = b'{"records":[{ "Id" : "r1","CreationTime":"2026-11-20T10:00:00","Operation":"x","RecordType":1,"n":1.50}]}'
    [event], _ = normalise_page(raw, CONTEXT)

    assert event.raw == raw[12:-2].decode()

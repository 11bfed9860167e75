"""Lists of objects that a store has spread over columns or names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aoc_normalizer.fields import flattened
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext
from each import each

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
RULE = {
    "CreationTime": "2026-11-20T10:00:00",
    "Id": "r1",
    "Operation": "New-InboxRule",
    "RecordType": 1,
    "Workload": "Exchange",
    "UserId": "dana@contoso.example",
    "ClientIP": "203.0.113.9",
}
PARAMETERS = [{"Name": "Name", "Value": "Payroll"}, {"Name": "ForwardTo", "Value": "drop@bad.example"}]
ELASTIC = {f"o365.audit.{name}": value for name, value in RULE.items()}
SPREAD = {
    "splunk-rows": RULE | {"Parameters{}.Name": "Name\nForwardTo", "Parameters{}.Value": "Payroll\ndrop@bad.example"},
    "splunk-json": RULE | {"Parameters{}.Name": ["Name", "ForwardTo"],
                           "Parameters{}.Value": ["Payroll", "drop@bad.example"]},
    **{
        f"numbered-{number}": RULE
        | {form.format(at, name): pair[name] for at, pair in enumerate(PARAMETERS) for name in ("Name", "Value")}
        for number, form in enumerate(("Parameters.{}.{}", "Parameters_{}_{}", "Parameters[{}].{}"))
    },
    "elastic-names": {"@timestamp": "2026", **ELASTIC, "o365.audit.Parameters.Name": "Payroll",
                      "o365.audit.Parameters.ForwardTo": "drop@bad.example"},
    "elastic-object": {"@timestamp": "2026", **ELASTIC,
                       "o365.audit.Parameters": {"Name": "Payroll", "ForwardTo": "drop@bad.example"}},
    "elastic-nested": {"@timestamp": "2026", "o365": {"audit": RULE | {
        "Parameters": {"Name": "Payroll", "ForwardTo": "drop@bad.example"}}}},
    "elastic-fields": {"_index": "x", "fields": {
        **{name: [value] for name, value in ELASTIC.items()},
        "o365.audit.Parameters.Name": ["Payroll"], "o365.audit.Parameters.ForwardTo": ["drop@bad.example"]}},
}  # fmt: skip


def event_of(record: dict[str, Any]) -> Event:
    [event], rejected = normalise_page(json.dumps(record).encode(), CONTEXT)
    assert rejected == []
    return event


WHOLE = event_of(RULE | {"Parameters": PARAMETERS})


@each("record", SPREAD.values(), ids=SPREAD.keys())
def test_a_list_that_was_spread_is_the_list(record: dict[str, Any]) -> None:
    event = event_of(record)

    assert event.ocsf["message"] == WHOLE.ocsf["message"]
    assert (event.id, event.ip, event.terms) == (WHOLE.id, WHOLE.ip, WHOLE.terms)


def test_an_address_that_elastic_keeps_elsewhere_is_the_record_s() -> None:
    without = {name: value for name, value in ELASTIC.items() if name != "o365.audit.ClientIP"}

    assert event_of({"source.ip": "203.0.113.9", **without}).ip == "203.0.113.9"


@pytest.mark.parametrize(
    "record",
    [
        {"Parameters{}.Name": ["a", "b"], "Parameters{}.Value": ["x"]},
        {"Parameters{}.Name": "a", "Parameters": [{"Name": "own", "Value": "y"}]},
        {"A{}.Name": {"not": "a list"}, "A{}.Value": ["x", "y"]},
    ],
)
def test_columns_that_do_not_fit_stay_as_they_are(record: dict[str, Any]) -> None:
    assert flattened.rebuilt(record, json.dumps(record).encode()) == record


def test_a_few_names_of_elastic_make_no_record() -> None:
    assert flattened.of_elastic({"o365.audit.Operation": "x", "o365.audit.Id": "y", "other": 1}) is None

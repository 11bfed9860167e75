"""Rows whose AuditData was cut: what is left is read, completed by the row's columns, and marked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_normalizer.mappers.envelopes.cut_rows import INCOMPLETE, salvaged
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

CONTEXT = RecordContext("default", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
PARAMETERS = [{"Name": "ForwardTo", "Value": "x@bad.example"}, {"Name": "Name", "Value": "a" * 100}]
WHOLE = {
    "Id": "r1",
    "CreationTime": "2026-11-20T10:00:00",
    "Operation": "New-InboxRule",
    "RecordType": 1,
    "Workload": "Exchange",
    "UserId": "kim@contoso.example",
    "Parameters": PARAMETERS,
}
TEXT = json.dumps(WHOLE)
ROW = {
    "RecordId": "r1",
    "CreationDate": "2026-11-20T10:00:00Z",
    "RecordType": "ExchangeAdmin",
    "Operation": "New-InboxRule",
    "UserId": "kim@contoso.example",
}


def event_of(record: dict[str, object]):
    return normalise(json.dumps(record).encode(), CONTEXT)


def test_what_stands_before_the_cut_is_read_and_the_event_has_the_id_of_the_whole_record() -> None:
    event = event_of({**ROW, "AuditData": TEXT[:-60]})

    assert event.id == event_of(WHOLE).id
    assert event.mapper == "cut-row"
    assert INCOMPLETE in event.tags
    assert "forwarding to x@bad.example" in event.ocsf["message"]


@pytest.mark.parametrize("kept", [1, 5, 40])
def test_the_row_s_own_columns_say_what_the_cut_has_taken(kept: int) -> None:
    event = event_of({**ROW, "AuditData": TEXT[:kept]})

    assert event.id == event_of(WHOLE).id
    assert (event.operation, event.actor) == ("New-InboxRule", "kim@contoso.example")


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "AuditData": TEXT},
        {**ROW, "AuditData": '{"Id": oops}'},
        {"AuditData": TEXT[:-60]},
    ],
    ids=["whole", "broken", "no-columns"],
)
def test_only_a_cut_row_with_columns_of_its_own_is_one(row: dict[str, object]) -> None:
    event = event_of(row)

    assert event.mapper != "cut-row"


@pytest.mark.parametrize("status", ["True", "False"])
def test_how_it_ended_is_unknown_where_the_status_stood_behind_the_cut(status: str) -> None:
    behind = event_of({**ROW, "AuditData": json.dumps({**WHOLE, "ResultStatus": status})[:-15]})
    before = event_of({**ROW, "AuditData": json.dumps({"ResultStatus": status, **WHOLE})[:-60]})

    assert behind.result == "unknown"
    assert before.result == ("success" if status == "True" else "failure")


@given(cut=st.integers(0, len(TEXT)))
def test_wherever_the_cut_is_what_is_left_agrees_with_the_whole(cut: int) -> None:
    found = salvaged(TEXT[:cut])

    for name, value in found.items():
        if name == "Parameters":
            assert [left.items() <= right.items() for left, right in zip(value, PARAMETERS, strict=False)] == [
                True for _ in value
            ]
        else:
            assert value == WHOLE[name]


@given(st.text(alphabet='{}[],:"\\ab1 ', max_size=60))
def test_whatever_stands_there_nothing_is_raised(text: str) -> None:
    assert isinstance(salvaged(text), dict)

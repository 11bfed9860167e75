"""`aoc explain` says of each field where it goes: of what changes with it, not of what looks like it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli import destinations as module
from aoc_cli.destinations import MOST_FIELDS, destinations
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, tzinfo=UTC))
RULE = {
    "Id": "1f0c7e1e-1111-4222-8333-944444444444",
    "RecordType": 1,
    "Operation": "New-InboxRule",
    "CreationTime": "2026-11-23T08:00:00",
    "Workload": "Exchange",
    "UserId": "dana@contoso.example",
    "ResultStatus": "True",
    "ClientIP": "203.0.113.9:4711",
    "UserType": 0,
    "UserKey": "dana@contoso.example",
    "Parameters": [{"Name": "Name", "Value": "rule"}, {"Name": "ForwardTo", "Value": '["eve@evil.example"]'}],
    "Echo": "203.0.113.9",
    "Nested": {"a": [1, True, "True", None]},
}


def of(record) -> dict[str, module.Field]:
    return {field.name: field for field in destinations(json.dumps(record), CONTEXT)}


@each(
    ("name", "first"),
    [
        ("Id", "metadata.uid"),
        ("Operation", "api.operation"),
        ("CreationTime", "metadata.original_time"),
        ("UserId", "actor.user.email_addr"),
        ("ResultStatus", "status"),
        ("ClientIP", "src_endpoint.ip"),
        ("Parameters[0].Value", "entity.name"),
        ("Parameters[1].Value[0]", "api.request.data.parameters[1].value"),
    ],
)
def test_a_field_goes_where_the_event_changes_with_it(name, first) -> None:
    field = of(RULE)[name]

    assert first in field.places[:3]
    assert not field.unmapped


@each("name", ["UserKey", "Echo", "UserType", "Nested.a[0]", "Nested.a[1]", "Nested.a[2]", "Nested.a[3]"])
def test_a_value_that_also_stands_elsewhere_is_not_taken_for_what_stands_there(name) -> None:
    field = of(RULE)[name]

    assert (field.places, field.unmapped) == ((), True)


def test_a_field_that_another_one_overrules_goes_nowhere() -> None:
    fields = of(RULE | {"TimeGenerated": "2020-01-01T00:00:00Z"})
    without = of(
        {name: value for name, value in RULE.items() if name != "CreationTime"}
        | {"TimeGenerated": RULE["CreationTime"]}
    )

    assert "time" not in fields["TimeGenerated"].places
    assert "time" in without["TimeGenerated"].places


def test_a_sentence_made_of_a_field_names_it_and_severity_too() -> None:
    fields = of(RULE)

    assert {"message", "severity"} <= set(fields["Parameters[1].Name"].places)


def test_what_a_row_carries_as_json_in_a_cell_is_tried_inside() -> None:
    fields = of({"CreationDate": "x", "UserIds": "y", "Operations": "z", "AuditData": json.dumps(RULE)})

    assert "src_endpoint.ip" in fields["AuditData.ClientIP"].places
    assert fields["AuditData.Id"].value == RULE["Id"]


@pytest.mark.slow
def test_no_more_fields_are_tried_than_may_be_and_the_others_say_so() -> None:
    fields = of(RULE | {"Many": {f"f{n}": n for n in range(MOST_FIELDS + 20)}})

    assert sum(not field.tried for field in fields.values()) == len(fields) - MOST_FIELDS
    assert fields["Id"].tried


@each("source", ["graph-signins", "graph-directory-audits", "o365-exchange", "o365-azuread"])
def test_every_field_of_real_shapes_has_a_destination(source) -> None:
    for _, record in samples.records(3, 2, source):
        fields = destinations(record.decode(), CONTEXT)

        assert all(field.tried for field in fields)
        assert any("time" in field.places for field in fields)
        assert any("metadata.uid" in field.places for field in fields)


@pytest.mark.slow
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_no_record_is_too_strange_to_be_tried(record) -> None:
    fields = destinations(json.dumps(record), CONTEXT)

    assert len(fields) == len(list(module._leaves(record, ())))


@each(
    "text",
    ["1f0c7e1e-1111-4222-8333-944444444444", "203.0.113.9", "[2001:db8::1]:443", "2026-11-23T08:00:00Z", "17",
     "Success", "dana@contoso.example", "word", "9999-12-31T23:59:59", "{", "1" * 5000],
)  # fmt: skip
def test_another_value_is_another_one_of_its_kind(text) -> None:
    assert text not in module._others(text)

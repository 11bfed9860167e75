"""Rows of tables that portals, PowerShell, Sentinel and Defender export become the events of Microsoft's records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts.event import Event
from aoc_normalizer.mappers.envelopes.tables import TABLES, recognise_table
from aoc_normalizer.mappers.envelopes.tables.columns import column_key
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each
from table_rows import (
    AT,
    AUDIT,
    AZURE,
    INTUNE,
    LOGON,
    MESSAGES,
    PROVISIONING,
    SAME,
    SENTINEL_INCIDENT,
    SENTINEL_LOGON,
    UNIFIED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))


def event(record: dict[str, Any]) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


@each("kind", SAME)
def test_a_row_that_holds_the_id_is_the_same_event_with_the_same_sentence(kind: str, ocsf_faults) -> None:
    record, rows = SAME[kind]
    original = event(record)

    assert original.ocsf["message"] == MESSAGES[kind]
    for row in rows:
        made = event(row)
        assert ocsf_faults(made) == []
        assert (made.id, made.time_ms, made.result) == (original.id, original.time_ms, original.result), row
        assert made.ocsf["message"] == MESSAGES[kind]


def spelt(value: Any, spell: Callable[[str], str]) -> Any:
    """The same value with other names."""
    if isinstance(value, dict):
        return {spell(name): spelt(inner, spell) for name, inner in value.items()}
    return [spelt(inner, spell) for inner in value] if isinstance(value, list) else value


ENVELOPE = {
    "time": AT,
    "category": "AuditLogs",
    "operationName": "wipe ManagedDevice",
    "resultType": "Success",
    "properties": {
        "AuditEventId": "i-7",
        "ActivityDate": "11/20/2026 10:00:00 AM",
        "Actor": {"UPN": "tove@contoso.example", "ApplicationName": "Intune portal"},
        "TargetObjectIds": ["d-7"],
        "Targets": [{"Name": "PC-7", "ModifiedProperties": [{"Name": "keepUserData", "Old": None, "New": "False"}]}],
    },
}
ROW = {"CreationDate": AT, "UserIds": "tove@contoso.example", "Operations": "FileDownloaded", "AuditData": UNIFIED}


@each("spell", [str.lower, str.upper, lambda name: f"{name[:1].upper()}{name[1:]}"])
@each(
    ("record", "kind"),
    [(AUDIT, "audit"), (INTUNE, "intune"), (ENVELOPE, "intune"), (AZURE, "azure"), (PROVISIONING, "provisioning")],
)
def test_names_in_another_case_are_the_same_record(record, kind, spell, ocsf_faults) -> None:
    made = event(spelt(record, spell))

    assert ocsf_faults(made) == []
    assert made.id == event(SAME[kind][0]).id
    assert made.ocsf["message"] == MESSAGES[kind]


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_row_around_a_record_is_known_in_any_case(spell, ocsf_faults) -> None:
    made = event({spell(name): json.dumps(cell) if name == "AuditData" else cell for name, cell in ROW.items()})

    assert ocsf_faults(made) == []
    assert made.id == event(UNIFIED).id
    assert made.ocsf["message"] == MESSAGES["unified"]


@given(st.data())
def test_case_order_and_blanks_of_columns_say_nothing(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(SAME)))
    original, rows = SAME[kind]
    row = data.draw(
        st.sampled_from([row for row in rows if all(isinstance(cell, str) for cell in row.values())] or rows)
    )
    spell = data.draw(st.sampled_from([str.upper, str.lower, lambda text: f"{text} "]))
    columns = data.draw(st.permutations(list(row)))
    other = {spell(column): row[column] for column in columns}

    if kind != "incident" or row is SENTINEL_INCIDENT:
        assert recognise_table(other) is not None
        assert event(other).id == event(original).id


def test_a_table_of_sentinel_tells_hunting_to_the_millisecond_only() -> None:
    made = event(SENTINEL_LOGON)

    assert made.ocsf["message"] == MESSAGES["logon"]
    assert made.time_ms == event(LOGON).time_ms


def test_every_column_of_a_description_is_a_column_key() -> None:
    for table in TABLES:
        for key in {*table.places, *table.lacks, *(key for group in table.needs for key in group)}:
            assert key == column_key(key), (table.name, key)
        for group in table.needs:
            # A column that tells a table has a place in it, but for one; two words that have run together have none.
            assert {key for key in group if table.place(key) is None} <= {"endpointcall"}, table.name


@pytest.mark.slow
@each("odd", [None, "", "[", "{}", "@{a=b", "\x00", "; ;", "##", 7, True, "1e999", "é" * 3000])
def test_an_odd_cell_costs_only_itself(odd: object, ocsf_faults) -> None:
    rows = [row for _, rows in SAME.values() for row in rows]
    for row in rows:
        for column in row:
            made = event({**row, column: odd})
            assert "None" not in made.ocsf["message"]
    for row in rows:
        assert ocsf_faults(event(dict.fromkeys(row, odd))) == []

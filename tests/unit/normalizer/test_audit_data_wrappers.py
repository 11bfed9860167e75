"""A record that carries another one in `AuditData` hides neither, and two such records are two events."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from aoc_cli.importing.records import Record, items
from aoc_cli.importing.streams import CountingFile
from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
INSIDE = {
    "Id": "inner-1",
    "CreationTime": "2026-11-23T07:30:00",
    "Operation": "FileAccessed",
    "RecordType": 6,
    "Workload": "SharePoint",
    "UserId": "somebody@contoso.example",
    "ObjectId": "https://contoso.sharepoint.example/a.docx",
}
OWN = {
    "Id": "outer-1",
    "CreationTime": "2026-11-23T07:31:00",
    "Operation": "Add member to role.",
    "RecordType": 8,
    "Workload": "AzureActiveDirectory",
    "UserId": "dana@contoso.example",
    "ObjectId": "sam@contoso.example",
    "ModifiedProperties": [{"Name": "Role.DisplayName", "OldValue": "", "NewValue": "Global Administrator"}],
}
DIRECTORY = {
    "id": "outer-2",
    "activityDateTime": "2026-11-23T07:31:00Z",
    "activityDisplayName": "Add member to role",
    "initiatedBy": {"user": {"id": "d", "userPrincipalName": "dana@contoso.example"}},
    "targetResources": [{"type": "User", "userPrincipalName": "sam@contoso.example"}],
}
#: The columns of real exports; `{}` where they say the record's own.
ROW = {"RecordType": "SharePointFileOperation", "CreationDate": "11/23/2026 7:30:00 AM", "Identity": "row-1",
       "UserIds": "somebody@contoso.example", "Operations": "FileAccessed", "ResultIndex": 1}  # fmt: skip
PURVIEW = {"RecordId": "inner-1", "CreationDate": "2026-11-23T07:30:00.0000000Z", "RecordType": "6",
           "Operation": "FileAccessed", "UserId": "Somebody@contoso.example"}  # fmt: skip
SEARCH = {"id": "inner-1", "createdDateTime": "2026-11-23T07:30:00Z", "auditLogRecordType": "sharePointFileOperation",
          "operation": "FileAccessed", "userId": "a key", "userPrincipalName": "somebody@contoso.example",
          "clientIp": None}  # fmt: skip
DEFENDER = {"Timestamp": "2026-11-23T07:30:00Z", "ActionType": "FileAccessed", "ApplicationId": 20892,
            "ReportId": "106_20892_inner-1"}  # fmt: skip
WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "row": (ROW, "AuditData"),
    "purview": (PURVIEW, "AuditData"),
    "search": (SEARCH, "auditData"),
    "search of PowerShell": ({name[:1].upper() + name[1:]: said for name, said in SEARCH.items()}, "AuditData"),
    "defender": (DEFENDER, "RawEventData"),
}


def event(record: dict[str, Any], mapper: str | None = None) -> Event:
    made = normalise(orjson.dumps(record), RecordContext("contoso", "import", NOW))
    assert isinstance(made, Event)
    assert mapper in {None, made.mapper}
    return made


@each("as_text", [True, False])
@each("holder", ["AuditData", "auditData", "RawEventData"])
@each(("own", "mapper"), [(OWN, "unified"), (DIRECTORY, "directory")])
def test_a_record_of_its_own_is_no_wrapper_whatever_it_carries(own, mapper, holder, as_text, ocsf_faults):
    made = event({**own, holder: json.dumps(INSIDE) if as_text else INSIDE}, mapper)
    without = event(own)

    assert (made.id, made.operation, made.actor) == (without.id, "Add member to role", "dana@contoso.example")
    assert (made.class_uid, made.ocsf["severity_id"], made.ocsf["message"]) == (
        3005,
        4,
        without.ocsf["message"],
    )
    assert ocsf_faults(made) == []


def test_two_records_that_carry_the_same_one_are_two_events():
    assert event({**OWN, "AuditData": INSIDE}).id != event({**OWN, "Id": "outer-9", "AuditData": INSIDE}).id


@each("way", WAYS)
@each("as_text", [True, False])
def test_the_wrappers_of_real_exports_are_what_they_were(way, as_text):
    around, holder = WAYS[way]
    made = event({**around, holder: json.dumps(INSIDE) if as_text else INSIDE}, "wrapped")

    assert (made.id, made.operation, made.actor) == (event(INSIDE).id, "FileAccessed", "somebody@contoso.example")
    assert made.tags == ()


@each(
    ("way", "column", "told", "about"),
    [
        ("purview", "RecordId", "other-7", "metadata.uid"),
        ("search", "id", "other-7", "metadata.uid"),
        ("defender", "ReportId", "106_20892_other-7", "metadata.uid"),
        ("row", "Operations", "Add member to role.", "metadata.event_code"),
        ("purview", "Operation", "Add member to role.", "metadata.event_code"),
        ("search", "operation", "Add member to role.", "metadata.event_code"),
        ("row", "UserIds", "dana@contoso.example", "actor.user"),
        ("purview", "UserId", "dana@contoso.example", "actor.user"),
        ("search", "userPrincipalName", "dana@contoso.example", "actor.user"),
        ("row", "CreationDate", "11/24/2026 7:30:00 AM", "time"),
        ("search", "createdDateTime", "2026-11-23T08:30:00Z", "time"),
    ],
)
def test_a_wrapper_that_contradicts_its_record_is_tagged_and_both_can_be_found(way, column, told, about, ocsf_faults):
    around, holder = WAYS[way]
    made = event({**around, column: told, holder: INSIDE}, "wrapped")

    assert made.tags == ("wrapper-contradicts",)
    assert made.ocsf["metadata"]["labels"] == ["wrapper-contradicts"]
    [fact] = [one for one in made.ocsf["enrichments"] if one["type"] == "wrapper"]
    assert (fact["name"], fact["data"]) == (about, {"told": told})
    if about == "actor.user":
        assert {"dana", "somebody"} <= set(made.terms)
    elif about == "metadata.event_code":
        assert {"member", "role", "fileaccessed"} <= set(made.terms)
        # As severe as the more severe of both.
        assert made.ocsf["severity_id"] == 4
    elif about == "metadata.uid":
        assert "other" in made.terms
        assert made.id != event(INSIDE).id
    assert ocsf_faults(made) == []


def test_two_wrappers_of_other_ids_around_the_same_record_are_two_events():
    first, second = (event({**SEARCH, "id": uid, "auditData": INSIDE}) for uid in ("a", "b"))

    assert first.id != second.id


@each("said", ["5/6/2026 7:30:00 AM", "6/5/2026 7:30:00 AM", "", "somewhen"])
def test_a_day_that_may_be_a_month_and_silence_contradict_nothing(said):
    inside = {**INSIDE, "CreationTime": "2026-05-06T07:30:00"}

    assert event({**ROW, "CreationDate": said, "AuditData": inside}).tags == ()


@each(
    ("said", "tags"),
    [
        ("5/6/2026 7:30", ()),
        ("06.05.2026 07:30", ()),
        ("2026-05-06 07:30", ()),
        ("6/5/2026 7:30 AM", ()),
        ("5/6/2026 7:31", ("wrapper-contradicts",)),
        ("5/6/2026 7:30:00 AM", ("wrapper-contradicts",)),
    ],
)
def test_a_time_that_excel_has_saved_without_its_seconds_contradicts_nothing(said, tags):
    inside = {**INSIDE, "CreationTime": "2026-05-06T07:30:41"}

    assert event({**ROW, "CreationDate": said, "AuditData": inside}).tags == tags


def imported(data: bytes, tmp_path) -> list[bytes]:
    path = tmp_path / "export"
    path.write_bytes(data)
    with CountingFile(path) as file:
        found = list(items(file))
    assert all(isinstance(one, Record) for one in found)
    return [one.data for one in found]


def as_csv(row: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(row)
    writer.writerow(row.values())
    return text.getvalue().encode()


@pytest.mark.parametrize("written", ["json", "csv"])
def test_an_import_keeps_what_is_around_a_record_where_it_says_more(written, tmp_path):
    def through(around: dict[str, Any]) -> dict[str, Any]:
        row = {**around, "AuditData": json.dumps(INSIDE)}
        [data] = imported(as_csv(row) if written == "csv" else json.dumps([row]).encode(), tmp_path)
        return json.loads(data)

    assert through(PURVIEW) == INSIDE
    assert through({**PURVIEW, "Operation": "Add member to role."})["Operation"] == "Add member to role."
    own = {name: value for name, value in OWN.items() if isinstance(value, str)}
    assert event(through(own)).operation == "Add member to role"

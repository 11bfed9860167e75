"""Ambiguous records: repeated keys, invisible characters, foreign tenants, odd times, unknown operations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.doctor.remarks import of_remarks
from aoc_cli.importing.records import items
from aoc_cli.importing.streams import CountingFile
from aoc_collector.findings import Grade
from aoc_common.contracts import ids, spelling, terms
from aoc_common.contracts.event import Event
from aoc_common.store.remarks import REMARKABLE, Remark
from aoc_normalizer.enrich.lookup import EnrichmentData, nowhere
from aoc_normalizer.fields.duplicate_keys import has_duplicate_keys, has_pairs_twice
from aoc_normalizer.fields.times import parse_ms
from aoc_normalizer.normalise import normalise
from aoc_normalizer.operations import scopes
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OURS = "3fe4ff9b-0a72-4c2d-9d8f-5faa9b9dbad8"
THEIRS = "9b1762d6-2667-4c2d-ad8f-5faa9b9dbad8"
KNOWING = EnrichmentData({}, nowhere, organisation=OURS)


def ual(**more: Any) -> dict[str, Any]:
    return {
        "Id": "r1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "Add member to role.",
        "RecordType": 8,
        "Workload": "AzureActiveDirectory",
        "UserId": "dana@contoso.example",
        "ObjectId": "sam@contoso.example",
        **more,
    }


def event(record: dict[str, Any] | str, knowledge: EnrichmentData = KNOWING) -> Event:
    text = record.encode() if isinstance(record, str) else orjson.dumps(record)
    made = normalise(text, RecordContext("contoso", "o365-general", NOW), knowledge)
    assert isinstance(made, Event)
    return made


# Keys that are said twice


@each(
    "text",
    [
        '{"Id":"r1","Operation":"Add member to role.","Operation":"FileAccessed","RecordType":8}',
        '{"Id":"r1", "Operation" : "A", "RecordType":8, "Operation" : "B"}',
        '{"Id":"r1","Operation":"A","\\u004fperation":"B","RecordType":8}',
        '{"Id":"r1","Operation":"A","RecordType":8,"deep":[{"x":{"k":1,"k":2}}]}',
        '{"Id":"r1","Operation":"A","RecordType":8,"same":1,"same":1}',
        '{"Id":"r1","Operation":"A","RecordType":8,"a\\"":1,"a\\u0022":"\\u0022\\u0022"}',
        '{"Id":"r1","Operation":"A","RecordType":8,"k":1,"k":2,"u":"\\u0022\\u0022"}',
        '{"Id":"r1","Operation":"A","RecordType":8,"k":1,"k":2,"long":123456789012345678901234567890}',
        '{"Id":"r1","Operation":"A","RecordType":8,"k":1,"k":NaN}',
        '{"Id":"r1","Operation":"A","RecordType":8,"ModifiedProperties":"[{\\"Name\\":\\"a\\",\\"Name\\":\\"b\\"}]"}',
        '{"auditData":"{\\"Id\\":\\"r1\\",\\"Operation\\":\\"A\\",\\"Operation\\":\\"B\\",\\"RecordType\\":8}"}',
    ],
)
def test_a_repeated_key_is_tagged_and_the_record_stays_complete(text: str) -> None:
    made = event(text)

    assert "duplicate-keys" in made.tags
    assert "duplicate-keys" in made.ocsf["metadata"]["labels"]
    assert made.raw == text


def test_of_a_repeated_key_the_last_value_counts() -> None:
    made = event('{"Id":"r1","Operation":"FileAccessed","Operation":"Set-Mailbox","RecordType":1}')

    assert made.operation == "Set-Mailbox"


@pytest.mark.parametrize(
    "text",
    [
        '{ "Id" : "r1" , "Operation" : "A" , "RecordType" : 8 , "said" : "\\"k\\":1,\\"k\\":2" }',
        '{"Id":"r1","Operation":"A","RecordType":8,"said":"\\u0022k\\u0022:1","list":[{"k":1},{"k":2}]}',
        '{"Id":"r1","Operation":"A","RecordType":8,"long":123456789012345678901234567890,"f":1E5}',
    ],
)
def test_keys_of_other_objects_and_in_texts_are_not_repeated(text: str) -> None:
    assert "duplicate-keys" not in event(text).tags


keys = st.sampled_from(["a", "b", 'q"', "c\\", "é", ":", '":'])
values = st.one_of(st.integers(), st.booleans(), keys, st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def json_texts(draw: st.DrawFn, depth: int = 2) -> str:
    """JSON as anybody may write it: spaces, escapes, and keys more than once."""

    def word(text: str) -> str:
        way = draw(st.sampled_from(["plain", "ascii", "all"]))
        if way == "all":
            return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'
        return json.dumps(text, ensure_ascii=way == "ascii")

    space = draw(st.sampled_from(["", " ", "\n\t"]))
    members = []
    for _ in range(draw(st.integers(0, 4))):
        said = draw(values)
        inside = draw(json_texts(depth - 1)) if depth and draw(st.booleans()) else None
        value = inside or (word(said) if isinstance(said, str) else json.dumps(said))
        members.append(f"{word(draw(keys))}{space}:{space}{value}")
    return "{" + f"{space},{space}".join(members) + "}"


@pytest.mark.slow
@given(json_texts())
def test_what_is_cheap_to_ask_finds_exactly_what_reading_every_pair_finds(text: str) -> None:
    assert has_duplicate_keys(text.encode(), orjson.loads(text)) == has_pairs_twice(text)


def test_a_field_under_two_names_is_repeated() -> None:
    row = {"TimeGenerated": "2026-11-23T07:30:00Z", "Type": "AuditLogs", "Id": "g1", "id": "g2",
           "ActivityDisplayName": "Update user", "InitiatedBy": {}, "TargetResources": []}  # fmt: skip
    lower = {"creationtime": "2026-11-23T07:30:00", "operation": "A", "Operation": "B", "id": "r1"}

    assert "duplicate-keys" in event(row).tags
    assert "duplicate-keys" in event(lower).tags


def test_a_table_with_two_columns_of_one_name_is_tagged_and_stays_complete(tmp_path) -> None:
    path = tmp_path / "export.csv"
    inside = json.dumps(ual()).replace('"', '""')
    path.write_text(f'RecordId,UserId,UserId,AuditData,,\nr1,sam@contoso.example,dana@contoso.example,"{inside}",,\n')
    with CountingFile(path) as file:
        [record] = list(items(file))
    made = event(record.data.decode())

    assert made.tags == ("duplicate-keys",)
    assert (made.id, made.operation) == (event(ual()).id, "Add member to role")
    assert made.raw.count('"UserId"') == 2


# Characters that nobody sees

HIDDEN = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u2066", "\u034f", "\u3164", "\ufe0f",
          "\U000e0041", "\x00", "\x08"]  # fmt: skip


@each("hidden", HIDDEN)
@each(
    ("record", "field"),
    [
        (ual(), "Operation"),
        (ual(ResultStatus="Failed"), "ResultStatus"),
        (ual(), "Workload"),
        (ual(UserType="Admin"), "UserType"),
        (ual(), "UserId"),
        (ual(), "Id"),
        (ual(Operation="DlpRuleMatch", RecordType=11, Workload="SharePoint"), "Operation"),
    ],
)
def test_invisible_characters_change_no_meaning(record: dict[str, Any], field: str, hidden: str) -> None:
    plain = event(record)
    said = record[field]
    made = event({**record, field: f"{said[:3]}{hidden}{said[3:]}"})

    assert (made.id, made.operation, made.actor, made.result) == (
        plain.id,
        plain.operation,
        plain.actor,
        plain.result,
    )
    assert (made.class_uid, made.ocsf["severity_id"], made.terms) == (
        plain.class_uid,
        plain.ocsf["severity_id"],
        plain.terms,
    )
    if plain.twin_facts is not None:
        assert made.twin_facts is not None
        assert made.twin_facts.digest == plain.twin_facts.digest


@each("hidden", HIDDEN)
def test_invisible_characters_are_shown_by_their_codes_and_tagged(hidden: str, ocsf_faults) -> None:
    made = event(
        {
            "id": "g1",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "activityDisplayName": f"Update{hidden} user",
            "initiatedBy": {"user": {"displayName": f"Da{hidden}na", "userPrincipalName": "dana@contoso.example"}},
            "targetResources": [{"type": "User", "displayName": f"Sa{hidden}m", "id": "u1"}],
        }
    )
    code = f"<U+{ord(hidden):04X}>"
    without_raw = orjson.dumps({**made.ocsf, "terms": made.terms}).decode()

    assert made.tags == ("invisible-characters",)
    assert made.ocsf["message"] == f"Da{code}na changed user Sa{code}m"
    assert made.ocsf["metadata"]["event_code"] == f"Update{code} user"
    assert hidden not in without_raw
    assert ocsf_faults(made) == []


def test_joiners_that_a_script_or_a_picture_needs_stay() -> None:
    family, heart, persian = "👨\u200d👩\u200d👧", "❤\ufe0f", "می\u200cخواهم"

    assert [spelling.shown(text) for text in (family, heart, persian)] == [family, heart, persian]
    assert spelling.shown("Admin\u200d") == "Admin<U+200D>"


def test_a_search_finds_words_that_were_broken_by_invisible_characters() -> None:
    made = event(ual(ObjectId="mem\u200bber@contoso.example"))

    assert set(terms.query_terms("member@contoso.example")) <= set(made.terms)
    assert terms.query_terms("mem\u200bber") == ["member"]


# Other tenants


@each("named", [THEIRS, THEIRS.upper(), f"{{{THEIRS}}}", THEIRS.replace("-", "")])
def test_a_record_that_names_another_tenant_is_tagged(named: str) -> None:
    assert event(ual(OrganizationId=named)).tags == ("foreign-tenant",)


@each("named", [OURS, OURS.upper(), OURS.replace("-", ""), "", None, "00000000-0000-0000-0000-000000000000"])
def test_the_own_tenant_in_any_spelling_and_nobody_are_no_foreign_ones(named: str | None) -> None:
    assert event(ual(OrganizationId=named)).tags == ()


def test_where_people_come_from_is_no_foreign_tenant() -> None:
    guest = ual(OrganizationId=OURS, ActorContextId=THEIRS, TargetContextId=THEIRS, HomeTenantId=THEIRS)
    workspace = {"TimeGenerated": "2026-11-23T07:30:00Z", "Type": "AuditLogs", "Id": "g1", "TenantId": THEIRS,
                 "ActivityDisplayName": "Update user", "InitiatedBy": {}, "TargetResources": []}  # fmt: skip

    assert event(guest).tags == ()
    assert event(workspace).tags == ()


def test_a_tenant_without_a_known_id_has_no_foreign_records() -> None:
    assert event(ual(OrganizationId=THEIRS), EnrichmentData({}, nowhere)).tags == ()


def test_doctor_shows_each_remark_with_its_number_and_an_example() -> None:
    example = ids.event_id("contoso", "ual", "r1", 0)
    found = of_remarks([Remark("contoso", "o365-general", kind, 3, NOW, NOW, example) for kind in REMARKABLE])

    assert {one.grade for one in found} == {Grade.WARN}
    assert found[0].found.startswith("3 of o365-general name another tenant")
    assert all(str(example) in one.found and one.fix for one in found)
    assert [one.grade for one in of_remarks([])] == [Grade.OK]


# Times


@each(
    ("text", "same"),
    [
        ("2026-11-23T24:00:00", "2026-11-24T00:00:00"),
        ("2026-11-23T24:00:00Z", "2026-11-24T00:00:00Z"),
        ("2026-11-23T24:00:00.0000000Z", "2026-11-24T00:00:00Z"),
        ("2026-12-31T24:00:00+02:00", "2026-12-31T22:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.250Z", "2017-01-01T00:00:00.250Z"),
        ("2017-01-01T01:59:60+02:00", "2017-01-01T00:00:00Z"),
        ("2026-11-23T12:00:00+14:00", "2026-11-22T22:00:00Z"),
        ("2026-11-23T12:00:00-12:00", "2026-11-24T00:00:00Z"),
    ],
)
def test_midnight_at_the_end_of_a_day_and_leap_seconds_are_read(text: str, same: str) -> None:
    assert parse_ms(text) == parse_ms(same) != None  # noqa: E711  # all three at once
    made = event(ual(CreationTime=text))
    assert (made.time_ms, made.ocsf["metadata"]["original_time"], made.tags) == (parse_ms(same), text, ())


@each(
    "text",
    [
        "2026-11-23T24:00:01", "2026-11-23T24:01:00", "2026-11-23T25:00:00", "2026-11-23T12:00:61",
        "2026-11-23T12:00:00+25:00", "2026-11-23T7:00:00+25:00", "2026-11-23T12:00:00-19:00",
        "2026-11-23T12:00:00+02:75", "2026-11-23T7:00:00+02:75",
    ],
)  # fmt: skip
def test_what_is_no_time_is_undated_and_says_so(text: str) -> None:
    made = event(ual(CreationTime=text))

    assert (made.time_ms, made.tags, made.ocsf["metadata"]["original_time"]) == (0, ("no-time",), text)


# Operations of other services

YAMMER = {"Workload": "Yammer", "RecordType": 22}


@each(
    "operation",
    ["Add member to role.", "Add member to role", "Consent to application.", "UserLoggedIn", "Add user.",
     "Set federation settings on domain.", "New-TransportRule", "AnonymousLinkCreated", "Wipe ManagedDevice"],
)  # fmt: skip
@each("origin", [YAMMER, {"Workload": "Yammer"}, {"RecordType": 22}, {"RecordType": "Yammer"}])
def test_a_record_of_yammer_has_no_directory_operations_class_and_severity(
    operation: str, origin: dict[str, Any], ocsf_faults
) -> None:
    record = {name: said for name, said in ual().items() if name not in {"Workload", "RecordType"}}
    made = event({**record, "Operation": operation, **origin})

    assert (made.class_uid, made.ocsf["severity_id"], made.service) == (6003, 1, "viva-engage")
    assert (made.operation, made.tags) == (operation.rstrip("."), ("foreign-operation",))
    assert made.twin_facts is None
    assert ocsf_faults(made) == []


def test_parameters_are_dangerous_only_where_cmdlets_run() -> None:
    parameters = [{"Name": "UnifiedAuditLogIngestionEnabled", "Value": "False"}]
    cmdlet = ual(Operation="Set-AdminAuditLogConfig", Workload="Exchange", RecordType=1, Parameters=parameters)

    assert event(cmdlet).ocsf["severity_id"] == 5
    assert event({**cmdlet, **YAMMER}).ocsf["severity_id"] == 1


@pytest.mark.parametrize("workload", ["Nobody knows", "Zukunft"])
def test_a_workload_that_nobody_knows_has_no_special_operations(workload: str) -> None:
    made = event(ual(Workload=workload, RecordType=99_999))

    assert (made.class_uid, made.ocsf["severity_id"], made.tags) == (6003, 1, ("foreign-operation",))


def test_a_record_type_of_another_workload_is_tagged() -> None:
    assert event(ual(RecordType=22)).tags == ("workload-contradicts",)


def test_where_a_record_says_neither_its_operation_counts() -> None:
    record = {name: said for name, said in ual().items() if name not in {"Workload", "RecordType"}}

    assert (event(record).class_uid, event(record).ocsf["severity_id"]) == (3005, 4)


def test_every_workload_that_is_known_has_a_scope() -> None:
    assert {service for service, _ in scopes.SERVICES.values()} <= scopes.SCOPES.keys()


@pytest.mark.slow
def test_no_public_record_is_taken_for_another_services(real_records) -> None:
    foreign = {
        (name, made.operation, tag)
        for name, texts in real_records.items()
        for text in texts
        if isinstance(made := normalise(text, RecordContext("contoso", "import", NOW)), Event)
        for tag in made.tags
        if tag in {"foreign-operation", "workload-contradicts", "wrapper-contradicts", "duplicate-keys"}
    }

    assert foreign == set()

"""Nothing that a record can contain stops a service, or makes an event that the schema or the database refuses."""

from __future__ import annotations

import copy
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import orjson
import pytest
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_common.contracts.event import Event
from aoc_common.store.mongo.events import to_document
from aoc_normalizer.normalise import normalise, normalise_page
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples
from each import each

CODEC = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
ONE_OF_EACH = {
    source: next(iter([orjson.loads(text) for _, text in samples.records(3, 5, source)]))
    for source in (
        "graph-directory-audits",
        "graph-signins",
        "graph-intune",
        "graph-alerts",
        "graph-risk-detections",
        "graph-risky-users",
        "o365-azuread",
        "o365-exchange",
        "o365-sharepoint",
        "o365-general",
        "o365-dlp",
    )
}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from(
        ["<null>", "[", '{"a":', "[]", '["x"]', "\x1b[31m", "=cmd|' /C calc'!A0", "\u202e", "0001-01-01T00:00:00"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def check(made: Any, schema_faults: Any) -> None:
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags, made.unmapped["_mapper_error"]
    assert 0 <= made.time_ms < 2**48
    document = to_document(made, 1, CONTEXT.fetched_at, timedelta(days=1))
    assert bson.encode(document, codec_options=CODEC)
    assert schema_faults(orjson.loads(made.message())) == []
    assert not any(unicodedata.category(c) == "Cc" for c in made.ocsf["message"])
    assert len(made.ocsf["message"]) < 8192


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.dictionaries(st.text(max_size=12), ODD, max_size=8))
def test_any_object_becomes_an_event(schema_faults, record: dict[str, Any]) -> None:
    check(normalise(orjson.dumps(_fitting(record)), CONTEXT), schema_faults)


@pytest.mark.slow
@pytest.mark.parametrize("source", list(ONE_OF_EACH))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_record_with_odd_values_in_odd_places_is_mapped_all_the_same(schema_faults, source: str, data: Any) -> None:
    record = copy.deepcopy(ONE_OF_EACH[source])
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = record
        key = data.draw(st.sampled_from(sorted(record)))
        while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place[key] = _fitting(data.draw(ODD))

    check(normalise(orjson.dumps(record), CONTEXT), schema_faults)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_events_or_rejected_with_their_text(body: bytes) -> None:
    events, rejected = normalise_page(body, CONTEXT)

    assert all(part.text and part.reason for part in rejected)
    assert all(event.raw for event in events)


def test_a_record_of_a_hundred_thousand_levels_is_put_aside_whole() -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    events, rejected = normalise_page(b"[" + deep + b"]", CONTEXT)

    assert events == []
    assert "".join(part.text for part in rejected).count("a") == 100_000


def test_a_record_with_two_hundred_thousand_targets_is_bounded_and_keeps_its_text() -> None:
    record = {
        "activityDisplayName": "Add member to group",
        "id": "x",
        "activityDateTime": "2026-11-23T08:00:00Z",
        "targetResources": [{"id": str(n), "type": "User"} for n in range(200_000)],
    }
    text = orjson.dumps(record)
    made = normalise(text, CONTEXT)

    assert isinstance(made, Event)
    assert made.raw.encode() == text
    assert len(made.ocsf["observables"]) <= 300
    assert len(made.terms) <= 48


def _fitting(value: Any) -> Any:
    """Integers as JSON writers of the field have them; beyond 64 bits orjson itself refuses to write."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    if isinstance(value, dict):
        return {name: _fitting(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_fitting(item) for item in value]
    return value


def made_of(raw: bytes) -> Event:
    made = normalise(raw, CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def test_ids_of_more_than_64_bits_stay_apart() -> None:
    first, second = (
        made_of(f'{{"id":{10**40 + number},"activityDisplayName":"Update user","targetResources":[]}}'.encode())
        for number in (1, 2)
    )

    assert first.id != second.id
    assert first.ocsf["metadata"]["uid"] == str(10**40 + 1)


def test_records_without_an_id_that_differ_in_a_long_number_stay_apart() -> None:
    first, second = (made_of(f'{{"Operation":"x","Size":{10**40 + number}}}'.encode()) for number in (1, 2))

    assert first.id != second.id
    assert first.unmapped["Size"] == str(10**40 + 1)


@each("number", ["1" * 5000, "-" + "1" * 5000, "1e999", "18446744073709551616", "1234567890123456789012.5"])
def test_a_number_that_no_type_holds_is_kept_as_it_was_written(schema_faults, number: str) -> None:
    made = made_of(f'{{"id":"d-1","activityDisplayName":"Update user","targetResources":[],"n":{number}}}'.encode())

    check(made, schema_faults)
    assert made.unmapped["n"] == number


@each("number", [2**63 - 1, -(2**63), 10**18, 0])
def test_a_number_of_64_bits_stays_a_number(number: int) -> None:
    made = made_of(f'{{"id":"d-1","activityDisplayName":"Update user","targetResources":[],"n":{number}}}'.encode())

    assert made.unmapped["n"] == number


def test_half_a_character_beside_a_large_number_is_replaced() -> None:
    made = made_of(b'{"id":1e300,"activityDisplayName":"Update \\ud83d","targetResources":[]}')

    assert orjson.loads(made.message())["metadata"]["uid"] == "1e300"
    assert made.operation == "Update ?"


def test_names_hold_nothing_that_a_terminal_would_act_upon() -> None:
    made = made_of(
        orjson.dumps(
            {
                "id": "d-1",
                "activityDisplayName": "Update\x1b[31m user",
                "initiatedBy": {
                    "user": {"displayName": "Dana\u202egnp.exe", "userPrincipalName": "d\na@contoso.example"}
                },
                "targetResources": [{"type": "User", "displayName": "Sam\x07", "id": "u\u2028-1"}],
            }
        )
    )
    shown = orjson.dumps({"operation": made.operation, "actor": made.actor, **made.ocsf}).decode()

    assert not {"\x1b", "\u202e", "\x07", "\u2028"} & set(shown)
    assert "\\u001b" not in shown
    assert "\\n" not in shown
    assert "Sam<U+0007>" in shown
    assert "\\u001b" in made.raw


@each("source", list(ONE_OF_EACH))
def test_no_text_of_an_event_but_values_and_the_record_itself_turns_or_ends_a_line(source: str) -> None:
    def odd(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: odd(item) for name, item in value.items()}
        if isinstance(value, list):
            return [odd(item) for item in value]
        return f"{value[:3]}\x1b[31m\u202e\n{value[3:]}" if isinstance(value, str) and len(value) > 3 else value

    record = ONE_OF_EACH[source]
    for name in record:
        made = made_of(orjson.dumps(record | {name: odd(record[name])}))
        shown = {name: value for name, value in made.ocsf.items() if name != "enrichments"}
        shown.get("api", {}).pop("request", None)
        facets = [made.operation, made.actor, made.correlation_id, made.service]
        text = orjson.dumps([shown, facets]).decode()

        assert [found for found in ("\\u001b", "\\n", "\u202e") if found in text] == [], name


@each(
    "record",
    [
        {"title": "x", "severity": "low", "createdDateTime": "2026-11-23T08:00:00Z", "evidence": [{}] * 101},
        {"title": "x", "severity": "low", "createdDateTime": "2026-11-23T08:00:00Z", "userStates": [{}] * 101},
        {"activityDisplayName": "Update user", "targetResources": [{"id": str(n)} for n in range(501)]},
        {"activityDisplayName": "Update user", "targetResources": [{"modifiedProperties": ["a"] * 201}]},
        {"activityType": "x", "actor": {}, "resources": [{"resourceId": str(n)} for n in range(201)]},
        {
            "Operation": "Add-MailboxPermission",
            "Workload": "Exchange",
            "Parameters": [{"Name": "AccessRights", "Value": "a," * 201}],
        },
    ],
)
def test_an_event_that_shows_less_than_its_record_says_so(record: dict[str, Any]) -> None:
    assert "truncated" in made_of(orjson.dumps(record)).tags

"""Records that no mapper knows, and defects of mappers: still an event, with what can be found."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.mappers.base import Mapper
from aoc_normalizer.normalise import normalise, normalise_page
from aoc_normalizer.reading import records as module
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTEXT = RecordContext("contoso", "import", NOW)
AT = "2026-11-23T07:30:00Z"


def event(**record) -> Event:
    made = normalise(orjson.dumps(record), CONTEXT)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "generic"
    return made


def test_time_actor_operation_result_target_and_address_are_found_wherever_they_are(ocsf_faults):
    made = event(
        eventId="g-1",
        Timestamp=AT,
        ActionType="FileQuarantined",
        AccountUpn="Dana@contoso.example",
        RemoteIP="203.0.113.9:443",
        DeviceName="con-nb1",
        Result="Failed",
        correlationId="c-1",
        Depth={"kept": [1]},
    )

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.service) == (6003, 99, "m365")
    assert (made.time_ms, made.operation, made.result) == (1795419000000, "FileQuarantined", "failure")
    assert (made.actor, made.ip, made.correlation_id) == ("dana@contoso.example", "203.0.113.9", "c-1")
    assert "dana@contoso.example ran FileQuarantined on con-nb1" in made.ocsf["message"]
    assert made.unmapped == {"eventId": "g-1", "correlationId": "c-1", "Depth": {"kept": [1]}}
    assert made.tags == ()


def test_a_field_one_level_down_is_found_too():
    made = event(id="g-1", event={"time": AT}, who={"userPrincipalName": "dana@contoso.example"}, src={"src_ip": "::1"})

    assert (made.time_ms, made.actor, made.ip) == (1795419000000, "dana@contoso.example", "::1")


def test_a_time_or_address_that_cannot_be_read_does_not_hide_one_that_can():
    made = event(createdDateTime="0001-01-01T00:00:00Z", Timestamp=AT, ipAddress="localhost", ClientIP="203.0.113.9")

    assert (made.time_ms, made.ip) == (1795419000000, "203.0.113.9")


@each(
    ("word", "result"),
    [("OK", "success"), (0, "success"), (200, "success"), ("Denied", "failure"), (True, "success"), ("x", "unknown")],
)
def test_the_result_is_in_one_word(word, result):
    assert event(status=word).result == result


def test_an_empty_record_is_an_event_about_nothing(ocsf_faults):
    made = event()

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Somebody ran an unnamed operation"
    assert (made.operation, made.result, made.actor, made.ip) == ("Unknown", "unknown", None, None)
    assert made.tags == ("no-time", "no-id")


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], "x" * 9000, {"a": {"b": 1}}])
@each("field", ["id", "time", "operation", "user", "ipAddress", "target", "result", "correlationId"])
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    record = {"id": "g", "time": AT, "operation": "Do it", "user": "dana", "target": "t", "result": "ok"}
    made = event(**(record | {field: odd}))

    assert ocsf_faults(made) == []
    assert "None" not in made.ocsf["message"]
    assert len(made.ocsf["message"]) < 4096
    assert ("no-time" in made.tags) == (field == "time")


def test_keys_that_are_hostile_to_a_database_stay_out_of_the_ocsf_part(ocsf_faults):
    made = event(**{"$where": 1, "a.b": 2, "\x00": 3, "": 4, "__proto__": {"x": 1}})

    assert ocsf_faults(made) == []
    assert made.unmapped == {"$where": 1, "a.b": 2, "\x00": 3, "": 4, "__proto__": {"x": 1}}


def test_a_defect_of_a_mapper_costs_the_mapping_and_not_the_record(monkeypatch, ocsf_faults):
    def fill(_record, _draft):
        raise KeyError("a defect")

    monkeypatch.setattr(module, "recognise", lambda _record: Mapper("faulty", 1, lambda _: True, fill))
    made = normalise(orjson.dumps({"id": "g-1", "time": AT, "user": "dana@contoso.example"}), CONTEXT)

    assert isinstance(made, Event)
    assert ocsf_faults(made) == []
    assert (made.mapper, made.actor, made.time_ms) == ("generic", "dana@contoso.example", 1795419000000)
    assert "mapper-error" in made.tags
    assert made.unmapped["_mapper_error"] == "faulty: KeyError: 'a defect'"


def test_what_a_faulty_mapper_failed_to_find_is_not_said_of_the_event(monkeypatch):
    def fill(_record, draft):
        draft.class_uid = 1
        draft.tags.append("of-the-faulty-mapper")

    monkeypatch.setattr(module, "recognise", lambda _record: Mapper("faulty", 1, lambda _: True, fill))
    made = normalise(orjson.dumps({"id": "g-1", "time": AT}), CONTEXT)

    assert isinstance(made, Event)
    assert made.tags == ("mapper-error",)


def test_a_record_that_nothing_can_read_is_an_event_with_its_text(monkeypatch, ocsf_faults):
    def fill(_record, _draft):
        raise ValueError("x")

    broken = Mapper("generic", 1, lambda _: True, fill)
    monkeypatch.setattr(module, "recognise", lambda _record: broken)
    monkeypatch.setattr(module, "GENERIC", broken)
    first, second = (normalise(b'{"n":%d}' % number, CONTEXT) for number in (1, 2))

    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert ocsf_faults(first) == []
    assert first.ocsf["message"] == "A record that could not be read"
    assert first.raw == '{"n":1}'
    assert first.id != second.id


def test_one_odd_record_of_a_page_costs_no_other():
    events, rejected = normalise_page(b'[{"id":"1"},7,{"id":},{"id":"2"},null,{}]', CONTEXT)

    assert [made.raw for made in events] == ['{"id":"1"}', '{"id":"2"}', "{}"]
    assert sorted(part.text for part in rejected) == ["7", "null", '{"id":}']
    assert all(part.reason for part in rejected)


def test_a_record_of_no_known_shape_is_found_by_every_word_in_it_and_as_one_that_was_not_understood():
    made = event(
        foo="bar", when="2026-11-25T10:00:00Z", who="zed@contoso.example", deep={"list": [{"n": 4711}]}, on=True
    )

    assert made.terms[0] == "notunderstood"
    assert {"bar", "zed", "contoso", "4711"} <= set(made.terms)
    assert not {"true", "10", "00z"} & set(made.terms)


def test_the_words_of_a_record_of_no_known_shape_are_bounded():
    made = event(long="x" * 5_000, many=[f"word{number}" for number in range(5_000)])

    assert len(made.terms) == 48
    assert "cut-text" not in made.tags


def test_an_event_that_was_understood_is_not_among_those_that_were_not():
    record = {"Id": "1", "CreationTime": AT, "Operation": "FileAccessed", "Workload": "SharePoint", "RecordType": 6}
    record |= {"OrganizationId": "c0ffee00-0000-4000-8000-000000000001", "UserId": "a@contoso.example", "UserType": 0}
    made = normalise(orjson.dumps(record), CONTEXT)

    assert isinstance(made, Event)
    assert made.mapper != "generic"
    assert "notunderstood" not in made.terms

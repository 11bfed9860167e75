"""Pages are cut into the records' own bytes, and nothing of a page is lost."""

from __future__ import annotations

import json
import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_normalizer.split import split


def test_a_record_is_exactly_its_own_bytes():
    first, second = b'{ "a" : 1.50,\t"b":"\\u00e9" }', b'{"n":1180591620717411303424,"n":"\xc3\xa9"}'

    assert split(b"[" + first + b" ,\r\n" + second + b" ]") == ([first, second], [])


def test_a_page_is_cut_without_reading_what_is_in_its_records(monkeypatch):
    def never(*_args, **_kwargs):
        pytest.fail("a record was parsed while its page was cut")

    monkeypatch.setattr(orjson, "loads", never)
    monkeypatch.setattr(json.JSONDecoder, "raw_decode", never)
    monkeypatch.setattr(json, "loads", never)

    assert split(b'[{"id":"a"},{"id":"b"}]') == ([b'{"id":"a"}', b'{"id":"b"}'], [])


@given(
    st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.dictionaries(st.text(), st.none())))),
    st.sampled_from([None, 2]),
)
@settings(max_examples=60, deadline=None)
def test_every_page_comes_apart_into_what_it_was_made_of(records, indent):
    texts = [json.dumps(record, indent=indent).encode() for record in records]

    assert split(b"[" + b", ".join(texts) + b"]") == (texts, [])


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"[]", b"[ ]", b'{"value":[]}', b"\xef\xbb\xbf[]"])
def test_an_empty_page_has_no_records_and_nothing_broken(body):
    assert split(body) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf[{"id":1},{"id":2}]',
        b'  [{"id":1},{"id":2}]\r\n',
        b'{"@odata.context":"https://graph.contoso.example","value":[{"id":1},{"id":2}]}',
        b'\xef\xbb\xbf{"value":[{"id":1},{"id":2}]}',
        b'{"id":1}\n{"id":2}\n',
        b'{"id":1}\r\n\r\n{"id":2}',
        b'\xef\xbb\xbf{"id":1}\n{"id":2}',
        b'\x1e{"id":1}\n\x1e{"id":2}\n',
    ],
)
def test_arrays_graph_lists_and_lines_give_the_same_records_with_or_without_a_byte_order_mark(body):
    assert split(body) == ([b'{"id":1}', b'{"id":2}'], [])


def test_a_lone_record_is_a_page_of_one():
    assert split(b'{"id":1,"a":{"b":[1]}}') == ([b'{"id":1,"a":{"b":[1]}}'], [])


def test_a_lone_record_with_a_field_called_value_is_no_list():
    record = b'{"Id":"a","value":[1,2],"Operation":"x"}'

    assert split(record) == ([record], [])


def test_a_key_that_occurs_twice_stays_in_the_record():
    assert split(b'[{"a":1,"a":2}]') == ([b'{"a":1,"a":2}'], [])


@pytest.mark.parametrize(
    "broken", [b'{"id":2,}', b'{"id":2', b'{"id":2,"s":"a"b"}', b'{"id":\x002}', b"{'id':2}", b"oops", b'{"id":NULL}']
)
def test_broken_json_among_records_costs_only_the_broken_one(broken):
    records, rest = split(b'[{"id":1},' + broken + b',{"id":3,"a":{"b":"}"}}]')

    assert records == [b'{"id":1}', b'{"id":3,"a":{"b":"}"}}']
    assert [part.text for part in rest] == [broken.decode()]
    assert rest[0].reason.startswith("malformed page: ")


def test_a_broken_line_costs_only_that_line():
    records, broken = split(b'{"id":1}\n{"id":2,"a":\n{"id":3}\n')

    assert records == [b'{"id":1}', b'{"id":3}']
    assert [part.text for part in broken] == ['{"id":2,"a":']


def test_a_page_that_was_cut_off_keeps_its_whole_records():
    records, broken = split(b'[{"id":1},{"id":2},{"id":3,"na')

    assert records == [b'{"id":1}', b'{"id":2}']
    assert [part.text for part in broken] == ['{"id":3,"na']


@pytest.mark.parametrize("body", [b"oops", b"<html>503</html>", b"\xff\xfe\x00"])
def test_what_is_no_json_is_kept_whole_and_says_why(body):
    records, broken = split(body)

    assert records == []
    assert [part.text for part in broken] == [body.decode("utf-8", "replace")]
    assert broken[0].reason


def test_values_that_are_no_objects_are_handed_on_for_the_next_step_to_refuse():
    assert split(b'[1,"two",null,[3]]') == ([b"1", b'"two"', b"null", b"[3]"], [])


def test_invalid_utf8_in_one_record_leaves_the_others_as_they_are():
    records, broken = split(b'[{"id":1},{"id":"\xff"},{"id":3}]')

    assert records[0] == b'{"id":1}'
    assert records[-1] == b'{"id":3}'
    assert len(records) + len(broken) == 3


def test_a_page_of_ten_thousand_records_keeps_each():
    texts = [b'{"id":"%d","text":"%s"}' % (number, b"x" * 100) for number in range(10_000)]

    assert split(b"[" + b",".join(texts) + b"]") == (texts, [])


def test_a_record_of_a_megabyte_is_one_record():
    text = b'{"a":"' + b"x" * 2**20 + b'"}'

    assert split(b"[" + text + b"]") == ([text], [])


def test_a_record_too_deep_for_any_parser_costs_only_itself():
    deep = b'{"a":[' * 20_000 + b"]}" * 20_000
    records, broken = split(b'[{"id":1},' + deep + b',{"id":3}]')

    assert records == [b'{"id":1}', b'{"id":3}']
    assert [part.text for part in broken] == [deep.decode()]
    assert broken[0].reason == "malformed page: nested too deeply"


def test_braces_and_quotes_in_the_text_of_a_deep_record_do_not_end_it():
    deep = b'{"a":[' * 20_000 + rb'"}]\"}\\"' + b"]}" * 20_000
    records, broken = split(b"[" + deep + b',{"id":3}]')

    assert records == [b'{"id":3}']
    assert [part.text for part in broken] == [deep.decode()]


@pytest.mark.parametrize("unit", [b'{"a":[', b"[", b'{"a":', b'{"a":[{"b":1},', b'{"a":["'])
def test_a_page_of_nothing_but_openings_is_put_aside_in_time_that_grows_with_its_size(unit):
    body = b"[" + unit * (300_000 // len(unit))
    started = time.perf_counter()
    records, broken = split(body)

    assert time.perf_counter() - started < 5
    assert sum(len(part.text) for part in broken) + sum(len(record) for record in records) > len(body) * 0.9


@pytest.mark.parametrize(
    "broken",
    [
        '{"Id":"a","Parameters":[{"Name":"x","Value":"y"},{"Name":"z","Value":"1"}],"Result":BROKEN}',
        '{"Id":"a","Parameters":[{"Name":"x","Value":"a } in a string ]"},{"Name":"z"}],"Size":01}',
        '{"Id":"a","Items":[{"Subject":"tab\there"},{"Subject":"next"}]}',
    ],
)
def test_parts_of_a_broken_record_are_no_records(broken) -> None:
    records, parts = split(f'[{{"Id":"b"}},{broken},{{"Id":"c"}}]'.encode())

    assert [bytes(record) for record in records] == [b'{"Id":"b"}', b'{"Id":"c"}']
    assert [part.text for part in parts] == [broken]


def test_a_record_that_is_never_closed_does_not_take_the_next_lines_with_it() -> None:
    records, parts = split(b'{"Id":"a","Items":[{"n":1}\n{"Id":"b"}\n{"Id":"c"}\n')

    assert [bytes(record) for record in records] == [b'{"Id":"b"}', b'{"Id":"c"}']
    assert [part.text for part in parts] == ['{"Id":"a","Items":[{"n":1}']


@pytest.mark.timeout(10)
def test_a_page_of_many_records_that_are_never_closed_takes_no_longer_than_another() -> None:
    records, parts = split(b"[" + b",".join([b'{"Id":"a","Items":[{"n":1},{"n":BROKEN}'] * 7_000) + b"]")

    assert parts
    assert len(records) < 7_000

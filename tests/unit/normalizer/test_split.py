"""Pages are cut into the records' own bytes, and nothing of a page is lost."""

from __future__ import annotations

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_normalizer.reading.split import split
from each import each


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
@pytest.mark.slow
@settings(max_examples=60, deadline=None)
def test_every_page_comes_apart_into_what_it_was_made_of(records, indent):
    texts = [json.dumps(record, indent=indent).encode() for record in records]

    assert split(b"[" + b", ".join(texts) + b"]") == (texts, [])


@each("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"[]", b"[ ]", b'{"value":[]}', b"\xef\xbb\xbf[]"])
def test_an_empty_page_has_no_records_and_nothing_broken(body):
    assert split(body) == ([], [])


@each(
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


@each(
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


@pytest.mark.slow
@each("unit", [b'{"a":[', b"[", b'{"a":', b'{"a":[{"b":1},', b'{"a":["'])
def test_a_page_of_nothing_but_openings_is_put_aside_in_time_that_grows_with_its_size(unit):
    body = b"[" + unit * (150_000 // len(unit))
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


@each(
    "broken",
    [
        '{"Id":"a","P":[{"Name":"x"},{"Name":"z"}, BROKEN}',
        '{"Id":"a","P":[{"Name":"x"},{"Name":"z"}, BROKEN]}',
        '{"Id":"a","P":[{"Name":"x",{"Name":"z"}],"R":1}',
        '{"Id":"a","P":{"Name":"x"},{"Name":"z"}],"R":1}',
        '{"Id":"a","P":["Name":"x"},{"Name":"z"}],"R":1}',
        '{"Id":"a","P":[{"Name":"x"}},{"Name":"z"}],"R":1}',
        '{"Id":"a","P":[[{"Name":"x"},{"Name":"z"}],"R":1}',
        '{"Id":"a","Said":"it is "{x}" and [y","P":{"Name":"x"}}',
    ],
)
def test_brackets_that_do_not_match_cost_only_their_record(broken) -> None:
    records, parts = split(f'[{{"Id":"b"}},{broken},{{"Id":"c"}}]'.encode())

    assert records == [b'{"Id":"b"}', b'{"Id":"c"}']
    assert [part.text for part in parts] == [broken]


RECORDS: list[dict[str, Any]] = [
    {"Id": "a", "P": [{"n": "x", "v": "y"}, {"n": "z, w"}], "R": 1, "X": {"n": {"v": [1, {"n": 2}]}, "v": "p"}},
    {"Id": "b", "L": [], "E": {}, "T": 'it\'s "quoted", {braced} [x]'},
    {"Id": "c", "P": [{"n": "x", "v": "y"}, {"n": "z"}], "X": {"n": 1}},
    {"Id": "d", "X": {"v": [[{"n": 1}, {"v": 2}], [{"n": 3}]]}, "R": True},
    {"Id": "e"},
]
ARRAY, LINES, LIST = "[{}]", "{}", '{{"@odata.context":"x","value":[{}],"@odata.nextLink":"y"}}'


def is_part(text: bytes) -> bool:
    """Whether it is an object from inside of one of RECORDS, or the beginning of one."""
    found = json.loads(text)
    if not isinstance(found, dict) or found in RECORDS or not found:
        return False
    return found.keys() <= {"n", "v"} or any(
        {"Id": record["Id"]}.items() <= found.items() < record.items() for record in RECORDS
    )


@pytest.mark.slow
@each(
    ("page", "between", "indent"),
    [(ARRAY, ", ", None), (ARRAY, ",\n", None), (ARRAY, ",\n", 1), (LINES, "\n", None), (LIST, ",", None)],
)
def test_a_character_more_or_less_anywhere_makes_no_record_of_a_part_and_loses_nothing(page, between, indent) -> None:
    text = page.format(between.join(json.dumps(record, indent=indent) for record in RECORDS))
    edits = [text[:at] + text[at + 1 :] for at in range(len(text))]
    edits += [text[:at] + more + text[at:] for at in range(len(text)) for more in '{}[],:"x\n\\']
    edits += [text[:at] for at in range(len(text))]
    wrong, lost, recovered = [], [], 0
    for edit in edits:
        records, broken = split(edit.encode())
        wrong += [(edit, record) for record in records if is_part(record)]
        kept = b"".join(records).decode() + "".join(part.text for part in broken)
        lost += [edit for letter in '{}:"' if kept.count(letter) != edit.count(letter) and page != LIST]
        recovered += len(records)

    assert wrong == []
    assert lost == []
    assert recovered / len(edits) > 3


def test_a_broken_graph_list_costs_only_its_broken_record() -> None:
    records, broken = split(b'{"@odata.context":"x","value":[{"Id":"a"},{"Id":BAD},{"Id":"c"}],"@odata.nextLink":"y"}')

    assert records == [b'{"Id":"a"}', b'{"Id":"c"}']
    assert [part.text for part in broken] == ['{"Id":BAD}']


def test_a_broken_record_with_a_field_called_value_is_no_list() -> None:
    body = '{"Id":"a","value":[{"n":1},{"n":BAD}],"Operation":"x"}'
    records, broken = split(body.encode())

    assert records == []
    assert [part.text for part in broken] == [body]


@pytest.mark.parametrize("between", ["", "\n", " \r\n"])
def test_arrays_that_were_put_together_are_one_page(between) -> None:
    assert split(f'[{{"Id":"a"}},{{"Id":"b"}}]{between}[{{"Id":"c"}}]'.encode()) == (
        [b'{"Id":"a"}', b'{"Id":"b"}', b'{"Id":"c"}'],
        [],
    )


def test_a_number_that_is_longer_than_python_reads_is_no_reason_to_stop() -> None:
    long = b'{"n":' + b"1" * 5000 + b"}"

    assert split(b"[" + long + b',BROKEN,{"Id":"b"}]')[0] == [long, b'{"Id":"b"}']


@pytest.mark.slow
@each("before", ["", "[", '{"@odata.context":"x","value":['])
@each(
    "unit", ["][", "}{", "x{", '",', '"  ', ':{"', ",\n{", "\n{", '{"a":1}}', "[{]", '],"@a":"b"', '\\"', '"\\', ",  {"]
)
def test_no_page_takes_longer_than_its_length_allows(before, unit) -> None:
    body = (before + unit * (150_000 // len(unit))).encode()
    started = time.process_time()
    _, broken = split(body)

    assert time.process_time() - started < 2
    assert len(broken) <= 500


def test_a_page_that_is_broken_all_over_is_put_aside_in_bounded_parts_that_hold_all_of_it() -> None:
    records, broken = split(b'{"Id":"a"}\n' + b'{"n":BAD}\n' * 5_000 + b'{"Id":"b"}')

    assert records == [b'{"Id":"a"}']
    assert len(broken) == 500
    assert "".join(part.text for part in broken).count("BAD") == 5_000
    assert broken[-1].text.endswith('{"Id":"b"}')


@pytest.mark.slow
@given(st.text('{}[],:"a\\ \n', max_size=60))
@settings(max_examples=500, deadline=None)
def test_every_letter_of_a_page_is_in_one_part_and_in_no_other(text) -> None:
    records, broken = split(text.encode())
    kept = b"".join(records).decode() + "".join(part.text for part in broken)

    assert {letter: kept.count(letter) for letter in '{}:"a\\'} == {letter: text.count(letter) for letter in '{}:"a\\'}


def test_what_follows_a_record_that_was_ended_too_early_is_put_aside_once() -> None:
    page = '[{"Id":"a"},"R":null},"P":[{"X":{"n":null},"v":null},"q":[1]]'
    records, broken = split(page.encode())

    assert records == []
    assert sum(part.text.count("null") for part in broken) == 3


def test_records_after_many_broken_ones_are_records_until_there_are_too_many() -> None:
    records, broken = split(b"BAD\n" + b'{"n":BAD}\n' * 498 + b'{"Id":"a"}\n' * 3)

    assert (len(records), len(broken)) == (3, 499)


@each(
    "odd",
    [
        rb'{"a":"\ud800"}',
        rb'{"\ud83d":1,"b":"\ud83d\ude00"}',
        b'{"a":NaN}',
        b'{"a":"x\ny"}',
        rb'{"a":"\x41, \"}]"}',
        b'{"a":01}',
        b'{"a":[1,2,],}',
    ],
)
def test_a_record_that_a_strict_parser_refuses_is_one_record_or_one_part_that_is_put_aside(odd):
    records, broken = split(b"[" + odd + b"]")

    assert [*records, *(part.text.encode() for part in broken)] == [odd]

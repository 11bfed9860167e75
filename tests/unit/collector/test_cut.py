from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_collector.microsoft import answers
from aoc_collector.microsoft.lenient_json import elements, members
from aoc_collector.sources.base import RawArray, cut, fitted
from aoc_common.contracts.raw import MAX_PAGE_BYTES, MAX_PAGE_RECORDS, MAX_RECORD_BYTES
from aoc_common.errors import Unreachable


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1", b"[1]x"])
def test_what_is_no_array_is_refused(body):
    with pytest.raises(Unreachable):
        cut(body, "test")


def test_an_empty_array_is_no_page():
    assert cut(b" [ ] ", "test").arrays == ()


def test_a_record_too_large_for_the_bus_is_reported_and_takes_no_other_with_it():
    huge = b'{"id":"huge","x":"' + b"x" * MAX_RECORD_BYTES + b'"}'

    batch = fitted(cut(b'[{"id":"1"},' + huge + b',{"id":"2"}]', "test"), MAX_RECORD_BYTES + 2)

    assert [array.body for array in batch.arrays] == [b'[{"id":"1"}]', b'[{"id":"2"}]']
    assert [huge[:65536]] == [loss.sample for loss in batch.losses]


@given(st.lists(st.integers(0, 3000), max_size=60), st.integers(600, 2000))
def test_pages_fit_what_the_bus_takes_at_this_moment_and_what_fits_nowhere_is_a_loss(sizes, room):
    records = [b'{"x":"' + b"x" * size + b'"}' for size in sizes]

    batch = fitted(cut(b"[" + b",".join(records) + b"]", "test"), room)

    assert all(len(array.body) <= room for array in batch.arrays)
    assert sum(array.records for array in batch.arrays) + len(batch.losses) == len(records)
    assert len(batch.losses) == sum(len(record) + 2 > room for record in records)
    assert all(str(room) in loss.reason for loss in batch.losses)


ODD = {
    "a lone surrogate": rb'{"a":"\ud800"}',
    "the second half of one": rb'{"a":"\udc00 x"}',
    "a lone surrogate in a name": rb'{"\ud83d":1,"b":"\ud83d\ude00"}',
    "no number": b'{"a":NaN}',
    "a bare line break": b'{"a":"x\ny"}',
    "an escape that is none": rb'{"a":"\x41, \"}]"}',
    "a number in another notation": b'{"a":01}',
    "a comma too many": b'{"a":[1,2,],}',
    "bytes of another encoding": b'{"a":"\xff\xfe","b":NaN}',
    "brackets without end": b'{"a":' + b"[" * 20_000 + b"NaN" + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_record_that_a_strict_parser_refuses_is_taken_as_it_came_and_takes_no_other_with_it(odd):
    clean = [b'{"id":"%d", "said":"[,\\"}"}' % number for number in range(MAX_PAGE_RECORDS + 100)]
    body = b" [" + b" ,\r\n".join([*clean[:7], odd, *clean[7:]]) + b"] "

    arrays = cut(body, "test").arrays

    assert [array.records for array in arrays] == [MAX_PAGE_RECORDS, 100, 1]
    assert arrays[2].body == b"[" + odd + b"]"
    assert b",".join(array.body[1:-1] for array in arrays[:2]) == b",".join(clean)
    assert [loss.reason for loss in fitted(cut(body, "test"), 30).losses if len(odd) + 2 <= 30] == []


@pytest.mark.parametrize(
    "body",
    [
        rb'[{"a":"\ud800"},{"b"',
        rb'[{"a":"\ud800"}',
        rb'[{"a":"\ud800"}]]',
        rb'[{"a":"\ud800"]}',
        rb'[{"a":"\ud800"}] <html>',
        rb'[{"a":"\ud800"},{"b":"x]',
        b"<html>[1]</html>",
        b'[{"a":1},\xff]',
        b'[{"a":1},<html>]',
    ],
)
def test_what_was_cut_short_is_refused_whatever_is_in_its_records(body):
    with pytest.raises(Unreachable):
        cut(body, "test")


def test_a_clean_array_is_cut_without_looking_at_its_brackets(monkeypatch):
    monkeypatch.setattr(answers, "elements", lambda _: pytest.fail("the slow way"))

    assert cut(b'[{"a":1}]', "test").arrays == (RawArray(b'[{"a":1}]', 1),)


VALUES = st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@pytest.mark.slow
@given(st.lists(VALUES))
def test_brackets_and_strings_tell_where_any_element_is(values):
    texts = [orjson.dumps(value) for value in values]

    assert elements(b"[" + b" , ".join(texts) + b"]") == texts
    named = b",".join(b'"%d" : %s' % pair for pair in enumerate(texts))
    assert members(b"{" + named + b"}") == {b"%d" % number: text for number, text in enumerate(texts)}


def test_a_large_record_travels_alone():
    large = b'{"x":"' + b"x" * (MAX_PAGE_BYTES + 1) + b'"}'

    arrays = cut(b"[1," + large + b",2]", "test").arrays

    assert [b"[1]", b"[" + large + b"]", b"[2]"] == [array.body for array in arrays]


@given(st.lists(st.binary(max_size=40).map(lambda raw: b'{ "x" :"' + raw.hex().encode() + b'"}'), max_size=1200))
def test_pages_hold_every_record_in_order_within_the_limits(records):
    arrays = cut(b"[" + b", ".join(records) + b"]", "test").arrays

    assert [orjson.loads(record) for record in records] == [
        record for array in arrays for record in orjson.loads(array.body)
    ]
    assert all(array.records <= MAX_PAGE_RECORDS and len(array.body) <= MAX_PAGE_BYTES for array in arrays)
    assert all(record in b"".join(array.body for array in arrays) for record in records)

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_collector.sources.base import cut, fitted
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

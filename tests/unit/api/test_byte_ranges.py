"""Which bytes a request asks for."""

from __future__ import annotations

import pytest

from aoc_api.export.byte_ranges import ByteRange, Unsatisfiable, asked_range

ETAG = '"abc"'


def of(header: str | None, if_range: str | None = None, size: int = 100) -> tuple[int, int] | None:
    found = asked_range(header, if_range, ETAG, size)
    return None if found is None else (found.first, found.end)


def test_ranges_are_read_as_http_has_them() -> None:
    assert of("bytes=0-9") == (0, 10)
    assert of("bytes=90-") == (90, 100)
    assert of("Bytes= 90-1000 ") == (90, 100)
    assert of("bytes=-7") == (93, 100)
    assert of("bytes=-700") == (0, 100)
    assert ByteRange(3, 10).size == 7


def test_what_cannot_be_read_and_several_ranges_are_all_of_the_file() -> None:
    for header in (None, "", "bytes=", "bytes=-", "bytes=a-b", "rows=0-1", "bytes=5-2", "bytes=0-1,5-6", "bytes=٣-٤",
                   f"bytes={'9' * 30}-", "0-1"):  # fmt: skip
        assert of(header) is None, header


def test_a_range_of_another_file_is_all_of_this_one() -> None:
    assert of("bytes=5-", ETAG) == (5, 100)
    assert of("bytes=5-", '"other"') is None
    assert of("bytes=5-", f"W/{ETAG}") is None
    assert of("bytes=5-", "Mon, 23 Nov 2026 08:00:00 GMT") is None


def test_bytes_that_are_not_there_are_none() -> None:
    for header, size in (("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)):
        with pytest.raises(Unsatisfiable):
            of(header, size=size)

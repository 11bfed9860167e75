"""Times in every shape that Microsoft's records have them: milliseconds since 1970 UTC, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts.ids import from_ms, to_ms
from aoc_normalizer.fields.times import parse_ms
from each import each

WHOLE = to_ms(datetime(2026, 11, 23, 7, 5, 9, tzinfo=UTC))


@each(
    ("text", "expected"),
    [
        ("2026-11-23T07:05:09", WHOLE),
        ("2026-11-23 07:05:09", WHOLE),
        ("2026-11-23T07:05:09Z", WHOLE),
        ("2026-11-23t07:05:09z", WHOLE),
        ("2026-11-23T07:05:09.1234567z", WHOLE + 123),
        ("  2026-11-23T07:05:09Z\r\n", WHOLE),
        ("2026-11-23T07:05:09+00:00", WHOLE),
        ("2026-11-23T07:05:09.1Z", WHOLE + 100),
        ("2026-11-23T07:05:09.123Z", WHOLE + 123),
        ("2026-11-23T07:05:09.1239999Z", WHOLE + 123),
        ("2026-11-23T07:05:09.123456789Z", WHOLE + 123),
        ("2026-11-23T07:05:09,123Z", WHOLE + 123),
        ("2026-11-23T7:5:9Z", WHOLE),
        ("2026-11-23T7:05:09.25Z", WHOLE + 250),
        ("2026-11-23T7:05:09.25-08:00", WHOLE + 250 + 8 * 3_600_000),
        ("2026-11-23T09:05:09+02:00", WHOLE),
        ("2026-11-23T9:05:09 +0200", WHOLE),
        ("2026-11-22T23:05:09.0000000-08:00", WHOLE),
        ("2026-11-23T12:35:09+05:30", WHOLE),
        ("20261123T070509Z", WHOLE),
        ("2026-11-23T07:05Z", WHOLE - 9000),
        ("2026-11-23", WHOLE - 9000 - 5 * 60_000 - 7 * 3_600_000),
    ],
)
def test_iso_8601_is_read_with_any_decimals_padding_and_zone_and_means_utc_without_one(text, expected):
    assert parse_ms(text) == expected


@each(
    ("text", "hour"),
    [
        ("11/23/2026 7:05:09 AM", 7),
        ("11/23/2026 7:05:09 PM", 19),
        ("11/23/2026 12:05:09 AM", 0),
        ("11/23/2026 12:05:09 pm", 12),
        ("11/23/2026 19:05:09", 19),
        ("11/23/2026T07:05:09Z", 7),
    ],
)
def test_american_times_of_exports_are_the_same_clock(text, hour):
    assert parse_ms(text) == WHOLE + (hour - 7) * 3_600_000


@each(
    ("value", "expected"),
    [
        ("/Date(1795417509123)/", 1795417509123),
        ("/Date(1795417509123+0200)/", 1795417509123),
        ("/Date(86400000)/", 86_400_000),
        (1795417509, 1795417509000),
        (1795417509.25, 1795417509250),
        (1795417509123, 1795417509123),
        ("1795417509", 1795417509000),
        ("1795417509.25", 1795417509250),
        ("1795417509123", 1795417509123),
    ],
)
def test_numbers_since_1970_are_read_as_seconds_or_milliseconds(value, expected):
    assert parse_ms(value) == expected


@given(st.integers(10**12, 2 * 10**12))
def test_milliseconds_in_a_string_are_never_read_as_a_calendar_day(number):
    assert parse_ms(str(number)) == parse_ms(number) == number


def test_milliseconds_that_look_like_a_compact_date_are_milliseconds():
    assert parse_ms("1768010112345") == 1768010112345


@pytest.mark.parametrize("value", ["2999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999Z"])
def test_a_time_in_the_future_is_what_the_record_says(value):
    assert from_ms(parse_ms(value)).isoformat()[:19] == value[:19]


@each(
    "value",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1/1/0001 12:00:00 AM",
        "/Date(-62135596800000)/",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T9:59:59-23:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_a_time_outside_of_1970_to_9999_is_no_time(value):
    assert parse_ms(value) is None


@each(
    "value",
    [
        None,
        True,
        False,
        [],
        {},
        ["2026-11-23T07:05:09Z"],
        "",
        "<null>",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T07:61:00",
        "13/23/2026 7:05:09 AM",
        "/Date()/",
        "/Date(99999999999999999)/",
        "/Date(9999999999999999)/",
        "12345",
        0,
        -1,
        -1795417509,
        float("nan"),
        float("inf"),
        float("-inf"),
        10**400,
        10**17,
        "\x00",
        "2026-11-23T07:05:09\ud800",
    ],
)
def test_what_is_no_time_is_none(value):
    assert parse_ms(value) is None


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", fullmatch=True)
    | st.integers()
    | st.floats()
)
def test_whatever_is_read_fits_a_date_of_the_database(value):
    found = parse_ms(value)

    assert found is None or from_ms(found).year >= 1970


@pytest.mark.slow
@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_an_iso_time_in_any_zone_is_the_moment_it_names(moment):
    assert parse_ms(moment.isoformat()) == to_ms(moment)

"""Stretches of time that begin at round times of a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from aoc_api.time_buckets import SIZES, TooMany, fitting, limits
from aoc_common.contracts.ids import EPOCH, LAST
from each import each

MOST = 500
MOMENTS = st.datetimes(timezones=st.just(UTC))
ZONES = st.sampled_from(
    ["UTC", "Europe/Amsterdam", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati",
     "Etc/GMT+12", "Africa/Cairo", "America/St_Johns"]
)  # fmt: skip


def shown(start: str, end: str, size: str, zone: str = "UTC") -> list[str]:
    begin, until = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    local = (limit.astimezone(ZoneInfo(zone)) for limit in limits(begin, until, size, ZoneInfo(zone), MOST))
    return [f"{limit:%Y-%m-%d %H:%M}" for limit in local]


@each(
    ("size", "expected"),
    [
        ("12h", ["2026-11-23 00:00", "2026-11-23 12:00", "2026-11-24 00:00"]),
        ("1d", ["2026-11-23 00:00", "2026-11-24 00:00"]),
        ("1w", ["2026-11-23 00:00", "2026-11-30 00:00"]),
        ("1mo", ["2026-11-01 00:00", "2026-12-01 00:00"]),
        ("3mo", ["2026-10-01 00:00", "2027-01-01 00:00"]),
        ("1y", ["2026-01-01 00:00", "2027-01-01 00:00"]),
        ("10y", ["2020-01-01 00:00", "2030-01-01 00:00"]),
    ],
)
def test_a_bucket_begins_at_a_round_time_of_its_zone(size, expected) -> None:
    assert shown("2026-11-23T08:00", "2026-11-23T20:00", size, "Europe/Amsterdam") == expected


def test_a_range_that_ends_where_a_bucket_begins_has_no_bucket_of_it() -> None:
    assert shown("2026-11-23T08:00", "2026-11-23T10:00", "1h") == [
        "2026-11-23 08:00", "2026-11-23 09:00", "2026-11-23 10:00",
    ]  # fmt: skip


def test_days_have_23_and_25_hours_when_clocks_change() -> None:
    spring = limits(*days(2026, 3, 28, 3), "1d", ZoneInfo("Europe/Amsterdam"), MOST)
    autumn = limits(*days(2026, 10, 24, 3), "1d", ZoneInfo("Europe/Amsterdam"), MOST)

    assert 23 in hours(spring)
    assert 25 in hours(autumn)
    assert {limit.astimezone(ZoneInfo("Europe/Amsterdam")).hour for limit in spring + autumn} == {0}
    # Shorter ones begin anew at midnight.
    assert min(hours(limits(*days(2026, 10, 25, 1), "6h", ZoneInfo("Europe/Amsterdam"), MOST))) == 1


def days(year: int, month: int, day: int, number: int) -> tuple[datetime, datetime]:
    start = datetime(year, month, day, tzinfo=ZoneInfo("Europe/Amsterdam"))
    return start, start + timedelta(days=number)


def hours(found: list[datetime]) -> list[float]:
    return [(until - begin).total_seconds() / 3600 for begin, until in pairwise(found)]


@given(MOMENTS, MOMENTS, st.sampled_from(SIZES), ZONES)
@example(EPOCH, LAST, "1000y", "Pacific/Kiritimati")
@example(LAST - timedelta(hours=30), LAST, "1h", "Etc/GMT+12")
@example(datetime(1, 1, 1, tzinfo=UTC), EPOCH + timedelta(days=3), "1d", "Etc/GMT+12")
def test_buckets_cover_any_range_without_a_gap_or_are_too_many(start, end, size, zone) -> None:
    try:
        found = limits(start, end, size, ZoneInfo(zone), MOST)
    except TooMany as many:
        advised = limits(start, end, many.advised, ZoneInfo(zone), MOST)
        assert 2 <= len(advised) <= MOST + 1
        return
    first, last = max(start, EPOCH), min(end, LAST)
    if first >= last:
        assert found == []
        return
    assert found[0] <= first < found[1]
    assert found[-2] < last <= found[-1]
    assert found == sorted(set(found))
    assert len(found) <= MOST + 1


@given(MOMENTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=36_500)), ZONES)
def test_the_size_that_fits_gives_about_as_many_as_were_meant(start, duration, zone) -> None:
    end = start + min(duration, LAST - start)
    size = fitting(start, end, 60)

    assert len(limits(start, end, size, ZoneInfo(zone), MOST)) - 1 <= 64

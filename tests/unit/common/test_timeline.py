"""How far back a number of events lies."""

from __future__ import annotations

from aoc_common.store.mongo.timeline import MS, Timeline

HOUR = 3_600_000 * MS
#: 2026-11-01 and 2026-10-01, in hours since 1970.
NOVEMBER, OCTOBER = 498_648, 497_904
NOW = (NOVEMBER + 100) * 3_600_000
LOADED: list[str] = []


async def hours(month: str) -> dict[int, int]:
    LOADED.append(month)
    return {"2026-11": {NOVEMBER + 90: 10, NOVEMBER + 10: 100}, "2026-10": {OCTOBER + 5: 1000}}[month]


def line() -> Timeline:
    LOADED.clear()
    return Timeline({"2026-10": 1000, "2026-11": 110}, hours, NOW)


async def test_hours_without_events_are_passed_at_once() -> None:
    assert await line().below(1 << 128, 5) == (NOVEMBER + 91) * HOUR - HOUR // 2


async def test_events_are_counted_over_hours_and_months() -> None:
    assert await line().below(1 << 128, 60) == (NOVEMBER + 11) * HOUR - HOUR // 2
    assert await line().below(1 << 128, 110 + 500) == (OCTOBER + 6) * HOUR - HOUR // 2


async def test_below_an_id_only_what_is_older_counts() -> None:
    middle = (NOVEMBER + 11) * HOUR - HOUR // 2

    assert await line().below(middle, 25) == middle - HOUR // 4
    assert await line().below(middle, 50 + 1000) == OCTOBER * HOUR + 5 * HOUR


async def test_beyond_all_events_there_is_nothing_to_pass() -> None:
    assert await line().below(1 << 128, 2_000) == 0
    assert await line().below(OCTOBER * HOUR, 1) == 0


async def test_only_months_that_are_walked_are_loaded() -> None:
    await line().below(1 << 128, 50)

    assert LOADED == ["2026-11"]


async def test_where_nothing_is_known_the_future_is_passed_at_once_and_steps_are_even() -> None:
    unknown = Timeline(None, hours, NOW)
    steps = [await unknown.below(NOW * MS, count) for count in (1, 2, 1 << 40)]

    assert await unknown.below(1 << 128, 5) == NOW * MS
    assert NOW * MS - steps[1] == 2 * (NOW * MS - steps[0])
    assert steps[2] == 0


async def test_of_the_hour_that_has_only_begun_all_events_are_before_now() -> None:
    half = Timeline({"2026-11": 110}, hours, (NOVEMBER + 90) * 3_600_000 + 1_800_000)

    assert await half.below(1 << 128, 5) == (NOVEMBER + 90) * HOUR + HOUR // 4

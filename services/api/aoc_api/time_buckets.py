"""Stretches of time that begin at round times of a clock that people read: what is counted over time stands in these.

A bucket of days or more begins at midnight of its time zone, weeks on Monday, months on their first. Shorter ones begin
anew with each midnight: a day of 23 hours has a shorter last one, and one of 25 hours has one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, get_args

from aoc_common.contracts.ids import EPOCH, LAST
from aoc_common.gateway.histogram import Size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

SIZES: Final[tuple[Size, ...]] = get_args(Size.__value__)
_DAY: Final = timedelta(days=1)
_WITHIN_A_DAY: Final[dict[Size, timedelta]] = {
    "1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30), "1h": timedelta(hours=1), "3h": timedelta(hours=3), "6h": timedelta(hours=6),
    "12h": timedelta(hours=12),
}  # fmt: skip
_DAYS: Final[dict[Size, int]] = {"1d": 1, "1w": 7}
_MONTHS: Final[dict[Size, int]] = {"1mo": 1, "3mo": 3, "1y": 12, "10y": 120, "100y": 1_200, "1000y": 12_000}
#: How long each is, about.
_ABOUT: Final[dict[Size, timedelta]] = {
    **_WITHIN_A_DAY,
    **{size: days * _DAY for size, days in _DAYS.items()},
    **{size: months * timedelta(days=30.436875) for size, months in _MONTHS.items()},
}


@dataclass(frozen=True, slots=True)
class TooMany(Exception):  # noqa: N818  # says what to do instead
    """There would be more buckets than `most`."""

    most: int
    advised: Size


def fitting(start: datetime, end: datetime, most: int) -> Size:
    """The smallest size of which there are about `most` buckets, or fewer, between two times."""
    return next((size for size in SIZES if (end - start) / _ABOUT[size] <= most), SIZES[-1])


def limits(start: datetime, end: datetime, size: Size, zone: ZoneInfo, most: int) -> list[datetime]:
    """The times at which buckets begin that cover [start, end), and last the end of the last one, in UTC.

    Empty for a range without any time in it. Raises `TooMany`; what is before 1970 has no events.
    """
    start, end = max(start, EPOCH), min(end, LAST)
    if start >= end:
        return []
    if (end - start) / _ABOUT[size] > 2 * most:  # not even begun to count
        raise TooMany(most, fitting(start, end, most // 2))
    found: list[datetime] = []
    for begin, until in pairwise(_limits(_local(start, zone), size, zone)):
        if until <= start:
            continue
        found = found or [begin]
        found.append(until)
        if until >= end:
            break
        if len(found) > most:
            raise TooMany(most, fitting(start, end, most // 2))
    return found


def _limits(local: datetime, size: Size, zone: ZoneInfo) -> Iterator[datetime]:
    """The limits from before this local time on, the last of which is the end of time."""
    day = _first_day(local, size)
    while True:
        midnight = _utc(day, zone)
        try:
            day = _next_day(day, size)
            next_midnight = _utc(day, zone)
        except OverflowError:
            yield midnight
            yield LAST
            return
        step = _WITHIN_A_DAY.get(size, next_midnight - midnight)
        while midnight < next_midnight:
            yield midnight
            midnight += step


def _first_day(local: datetime, size: Size) -> datetime:
    """The midnight, by the local clock, at which the bucket of a day or more begins that holds a local time."""
    day = datetime.combine(local.date(), time())
    if size == "1w":
        return day - local.weekday() * _DAY
    if size in _MONTHS:
        months = (day.year * 12 + day.month - 1) // _MONTHS[size] * _MONTHS[size]
        return datetime(max(months // 12, 1), months % 12 + 1, 1)  # noqa: DTZ001  # a time of the local clock
    return day


def _next_day(day: datetime, size: Size) -> datetime:
    """Raises `OverflowError` beyond the year 9999."""
    if size not in _MONTHS:
        return day + _DAYS.get(size, 1) * _DAY
    months = day.year * 12 + day.month - 1 + _MONTHS[size]
    if months // 12 > LAST.year:
        raise OverflowError
    return datetime(months // 12, months % 12 + 1, 1)  # noqa: DTZ001  # a time of the local clock


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError:  # on the last day that there is
        return at.astimezone(UTC)


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A time of the local clock in UTC. Raises `OverflowError` beyond the year 9999."""
    return local.replace(tzinfo=zone).astimezone(UTC)

"""Times, in every shape that Microsoft's records have them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aoc_common.contracts.ids import to_ms

_LOOSE: Final = re.compile(
    r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})[Tt ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r"\s*([Zz]|[+-]\d{2}:?\d{2})?$"
)
#: As PowerShell, portals and Excel write it in their user's language. Three-part days, with the year last.
_LOCAL: Final = re.compile(
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})(?P<comma>,?)[ T]"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<sec>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC)?$"
)
#: With the month's English name: `May 1, 2024 8:00:00 AM`, `Wed, 01 May 2024 08:00:00 GMT`.
_NAMED: Final = re.compile(
    r"^(?:[A-Z][a-z]{2,8},? )?"
    r"(?:(?P<month>[A-Z][a-z]{2,8}) (?P<day>\d{1,2})|(?P<day_first>\d{1,2}) (?P<then>[A-Z][a-z]{2,8}))"
    r",? (?P<year>\d{4}),? (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<sec>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|\+0000)?$"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: Characters of the longest of these.
_LONGEST: Final = 56
_DECEMBER: Final = 12
_DOT_NET: Final = re.compile(r"^/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/$")
_EPOCH: Final = re.compile(r"^\d{9,13}(?:\.\d+)?$")
#: Numbers above this are milliseconds, not seconds (the year 5138).
_MS_FROM: Final = 100_000_000_000
_LAST_MS: Final = 253_402_300_799_999
_NOON: Final = 12
_MIDNIGHT: Final = 24
_LEAP: Final = 60
#: The largest offset that a zone has had is 15:56; standards and libraries stop at 18:00 or before.
_LARGEST_OFFSET: Final = timedelta(hours=18)
_HOUR_MINUTES: Final = 60
_NO_OFFSET: Final = re.compile(r"[+-]\d\d:?[6-9]\d$")


def parse_ms(value: Any) -> int | None:
    """Milliseconds since 1970 UTC, or None for what is no time.

    ISO 8601 with 0 to 9 decimals, padded or not; no zone means UTC (as the unified log documents its CreationTime);
    `5/18/2021 9:13:33 PM`, `5/1/2024, 8:00:00.000 AM` and the like (`_from_local`); `May 1, 2024 8:00:00 AM`;
    `/Date(1658751973240)/`; seconds or milliseconds since 1970. `24:00:00` is the next day's midnight, a 60th second (a
    leap second) the beginning of the next minute. Offsets beyond 18 hours are none.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_number(value)
    return None


def open_day(value: Any) -> tuple[int, int, bool] | None:
    """The first two numbers of a time whose own form leaves open which of them is the month (`05/11/2026 10:00`).

    None for other times, and for what is none. True where a habit speaks for the month: only some of the countries that
    write AM and PM put the day first.
    """
    if not isinstance(value, str) or "/" not in value[1:3] or len(value) > _LONGEST:
        return None
    found = _LOCAL.match(value.strip())
    if found is None or found["mark"] != "/" or (found["comma"] and not found["half"]):
        return None
    return int(found["first"]), int(found["second"]), found["half"] is not None


def _from_text(text: str) -> int | None:
    # Before ISO: its compact form without a T would read some of these as a day in the 18th century.
    if text[4:5] != "-" and _EPOCH.match(text):
        return _from_number(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _from_odd_text(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elif moment.tzinfo is not UTC and (
        abs(moment.utcoffset() or timedelta()) > _LARGEST_OFFSET or _NO_OFFSET.search(text)
    ):
        return None
    return _bounded(moment)


def _from_odd_text(text: str) -> int | None:
    if found := _DOT_NET.match(text):
        milliseconds = int(found[1])
        return milliseconds if 0 < milliseconds <= _LAST_MS else None
    if ":" not in text or len(text) > _LONGEST:
        return None
    try:
        return _from_parts(text)
    except (ValueError, OverflowError):
        return None


def _from_parts(text: str) -> int | None:
    """A day and a time of day. Raises `ValueError` and `OverflowError` for such as there are none."""
    if found := _LOOSE.match(text):
        year, month, day, hour, minute = (int(part) for part in found.group(1, 2, 3, 4, 5))
        fraction = int(((found[7] or "") + "000000")[:6])
        moment = _moment(day=(year, month, day), hour=hour, minute=minute, second=int(found[6] or 0), fraction=fraction)
        return _bounded(moment - _offset(found[8] or "Z"))
    if found := _LOCAL.match(text):
        return _from_local(found)
    if found := _NAMED.match(text):
        month = _MONTHS.index((found["month"] or found["then"])[:3].lower()) + 1
        return _of_day((int(found["year"]), month, int(found["day"] or found["day_first"])), found)
    return None


def _from_local(found: re.Match[str]) -> int | None:
    """Which of the first two numbers is the month, the rest of the text tells, or else the United States' order.

    Dots and dashes are for days that come first. So is a comma before 24 hours (what browsers write outside the United
    States), and a number that is no month.
    """
    month, day = int(found["first"]), int(found["second"])
    if found["mark"] != "/" or (found["comma"] and not found["half"]) or (month > _DECEMBER >= day):
        month, day = day, month
    return _of_day((int(found["year"]), month, day), found)


def _of_day(day: tuple[int, int, int], found: re.Match[str]) -> int | None:
    """A day with the time that a text names after it."""
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % _NOON + (_NOON if found["half"][0] in "Pp" else 0)
    fraction = int(((found["fraction"] or "") + "000000")[:6])
    return _bounded(
        _moment(day=day, hour=hour, minute=int(found["minute"]), second=int(found["sec"] or 0), fraction=fraction)
    )


def _moment(*, day: tuple[int, int, int], hour: int, minute: int, second: int, fraction: int = 0) -> datetime:
    """A moment in UTC; also the two that `datetime` does not know. Raises `ValueError` for what is none."""
    if hour == _MIDNIGHT and not (minute or second or fraction):
        return datetime(*day, tzinfo=UTC) + timedelta(days=1)
    leap = second == _LEAP
    moment = datetime(*day, hour, minute, second - leap, fraction, tzinfo=UTC)
    return moment + timedelta(seconds=1) if leap else moment


def _offset(zone: str) -> timedelta:
    """What a zone is ahead of UTC. Raises `ValueError` for one that no place can have."""
    if zone in {"Z", "z"}:
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:])
    span = timedelta(hours=hours, minutes=minutes)
    if minutes >= _HOUR_MINUTES or span > _LARGEST_OFFSET:
        raise ValueError(zone)
    return -span if zone[0] == "-" else span


def _from_number(number: float | None) -> int | None:
    if number is None or not 0 < number < float(_LAST_MS):
        return None
    return int(number) if number >= _MS_FROM else int(number * 1000)


def _bounded(moment: datetime) -> int | None:
    milliseconds = to_ms(moment)
    return milliseconds if 0 <= milliseconds <= _LAST_MS else None

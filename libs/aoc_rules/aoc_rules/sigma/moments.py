"""Values that are moments: what `minute`, `hour`, `day`, `week`, `month` and `year` are taken of. Always UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from sigma.types import TimestampPart

if TYPE_CHECKING:
    from collections.abc import Callable

#: `2026-01-15T07:46:13.3116465Z`, also without zone (UTC), with one digit of the hour, or with a blank for the T.
_ISO: Final = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?)?\s*",
    re.ASCII | re.IGNORECASE,
)
#: `5/18/2021 9:13:33 PM`, as PowerShell writes it in its files.
_US: Final = re.compile(
    r"\s*(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?(?: (AM|PM))?\s*", re.ASCII | re.IGNORECASE
)
#: Numbers from here on are milliseconds since 1970, smaller ones seconds.
_MILLISECONDS: Final = 100_000_000_000
_LONGEST: Final = 40
_NOON: Final = 12

_PARTS: Final[dict[TimestampPart, Callable[[datetime], int]]] = {
    TimestampPart.MINUTE: lambda at: at.minute,
    TimestampPart.HOUR: lambda at: at.hour,
    TimestampPart.DAY: lambda at: at.day,
    TimestampPart.WEEK: lambda at: at.isocalendar().week,
    TimestampPart.MONTH: lambda at: at.month,
    TimestampPart.YEAR: lambda at: at.year,
}


def part_of(part: TimestampPart, value: Any) -> int | None:
    """A part of the moment that a value is; the week is that of ISO 8601. None for what is no moment."""
    at = moment(value)
    return None if at is None else _PARTS[part](at)


def moment(value: Any) -> datetime | None:
    """A text or a number (seconds or milliseconds since 1970) as a moment in UTC; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return _of_text(value) if isinstance(value, str) else _of_number(value)
    except (ValueError, OverflowError, OSError):
        return None


def _of_number(value: float) -> datetime:
    return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)


def _of_text(text: str) -> datetime | None:
    if len(text) > _LONGEST:
        return None
    if found := _ISO.fullmatch(text):
        year, month, day, hour, minute, second = (int(group or 0) for group in found.groups()[:6])
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone(found[7])).astimezone(UTC)
    if found := _US.fullmatch(text):
        month, day, year, hour, minute, second = (int(group or 0) for group in found.groups()[:6])
        if found[7]:
            hour = hour % _NOON + (_NOON if found[7].upper() == "PM" else 0)
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return _of_number(int(text)) if text.isascii() and text.isdigit() else None


def _zone(text: str | None) -> timezone:
    if not text or text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))

"""Times, in every shape that Microsoft's records have them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aoc_common.contracts.ids import to_ms

_LOOSE: Final = re.compile(
    r"^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?\s*([Zz]|[+-]\d{2}:?\d{2})?$"
)
_US: Final = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?\s*Z?$")
_DOT_NET: Final = re.compile(r"^/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/$")
_EPOCH: Final = re.compile(r"^\d{9,13}(?:\.\d+)?$")
#: Numbers above this are milliseconds, not seconds (the year 5138).
_MS_FROM: Final = 100_000_000_000
_LAST_MS: Final = 253_402_300_799_999
_NOON: Final = 12


def parse_ms(value: Any) -> int | None:
    """Milliseconds since 1970 UTC, or None for what is no time.

    ISO 8601 with 0 to 9 decimals, padded or not; no zone means UTC (as the unified log documents its CreationTime);
    `5/18/2021 9:13:33 PM`; `/Date(1658751973240)/`; seconds or milliseconds since 1970.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    return None


def _from_text(text: str) -> int | None:
    # Before ISO: its compact form without a T would read some of these as a day in the 18th century.
    if _EPOCH.match(text):
        return _from_number(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _from_odd_text(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded(moment)


def _from_odd_text(text: str) -> int | None:
    if found := _DOT_NET.match(text):
        milliseconds = int(found[1])
        return milliseconds if 0 < milliseconds <= _LAST_MS else None
    try:
        if found := _LOOSE.match(text):
            year, month, day, hour, minute = (int(part) for part in found.group(1, 2, 3, 4, 5))
            fraction = int(((found[7] or "") + "000000")[:6])
            zone = found[8] or "Z"
            moment = datetime(year, month, day, hour, minute, int(found[6] or 0), fraction, UTC)
            return _bounded(moment - _offset(zone))
        if found := _US.match(text):
            month, day, year, hour, minute = (int(part) for part in found.group(1, 2, 3, 4, 5))
            if found[7]:
                hour = hour % _NOON + (_NOON if found[7].lower() == "pm" else 0)
            return _bounded(datetime(year, month, day, hour, minute, int(found[6] or 0), tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return None


def _offset(zone: str) -> timedelta:
    if zone in {"Z", "z"}:
        return timedelta()
    digits = zone[1:].replace(":", "")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -span if zone[0] == "-" else span


def _from_number(number: float | None) -> int | None:
    if number is None or not 0 < number < float(_LAST_MS):
        return None
    return int(number) if number >= _MS_FROM else int(number * 1000)


def _bounded(moment: datetime) -> int | None:
    milliseconds = to_ms(moment)
    return milliseconds if 0 <= milliseconds <= _LAST_MS else None

"""One spelling for what Microsoft spells in several: instants, numbers, the letters of GUIDs, and what says nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d:?\d\d))?", re.ASCII
)
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GUID_LENGTH: Final = 36
_SHORTEST: Final = len("2026-11-23T07:30:00")
_LONGEST: Final = len("2026-11-23T07:30:00.123456789+00:00")
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})
#: Where floats stop being exact.
_EXACT: Final = float(1 << 53)


def canonical(value: Any) -> Any:
    """The same value with instants, GUIDs and numbers in one spelling each; an instant without a zone is UTC.

    A field that says nothing (null, or empty) is left out: servers of one service write it or not.
    """
    if isinstance(value, str):
        return _canonical_text(value)
    if isinstance(value, dict):
        return {name: made for name, inner in value.items() if (made := canonical(inner)) not in _NOTHING}
    if isinstance(value, float) and abs(value) < _EXACT and value.is_integer():
        return int(value)
    return [canonical(inner) for inner in value] if isinstance(value, list) else value


def instant(text: str) -> str:
    """An instant in one spelling: UTC, `Z`, no zeros at the end of its fraction. Other texts stay as they are."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return text
    day, time, fraction, zone = found.groups()
    if zone and zone[1:].strip("0:"):
        try:
            moment = datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC)
        except (ValueError, OverflowError):
            return text
        day, time = f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"
    decimals = (fraction or "").rstrip("0")
    return f"{day}T{time}.{decimals}Z" if decimals else f"{day}T{time}Z"


def _canonical_text(text: str) -> str:
    length = len(text)
    if length == _GUID_LENGTH and _GUID.fullmatch(text):
        return text.lower()
    return instant(text) if _SHORTEST <= length <= _LONGEST and text[4] == "-" else text

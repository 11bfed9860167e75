"""From a page's bytes to readings: each record's facts, before what else is known is added. Never raises.

The other half, from readings to events, is in `normalise`. Between them the names of a whole batch are looked up at
once.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_normalizer.bounds import LEVELS, depth_over
from aoc_normalizer.draft import Draft
from aoc_normalizer.mappers import GENERIC, recognise
from aoc_normalizer.split import split

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_normalizer.mappers.base import Mapper

#: Levels of a record. A deeper one is no audit record; it is put aside whole.
_MAX_DEPTH: Final = 200
#: Digits from which on an integer may not fit 64 bits; and where floats stop being exact.
_DIGITS: Final = 19
_EXACT: Final = float(1 << 53)
#: How a float is written that may have lost digits.
_INEXACT: Final = re.compile(r"-?\d+(?:\.\d+)?e\+\d+$|-?\d{16,}\.0$")


@dataclass(frozen=True, slots=True)
class RecordContext:
    """What is known of a record from outside it."""

    tenant: str
    source: str
    fetched_at: datetime


@dataclass(slots=True)
class Reading:
    """What one record says. `text` is its own; `deep`: it needs bounds; `note`: what its mapper stumbled over."""

    record: dict[str, Any]
    text: str
    context: RecordContext
    draft: Draft
    mapper: Mapper
    deep: bool = False
    note: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rejected:
    """What cannot become an event: its text, whole, and why."""

    text: str
    reason: str


def read_page(body: bytes, context: RecordContext) -> tuple[list[Reading], list[Rejected]]:
    """Every record of a raw page, and what could not be read."""
    records, broken = split(body)
    rejected = [Rejected(part.text, part.reason) for part in broken]
    readings: list[Reading] = []
    for record in records:
        made = read(record, context)
        if isinstance(made, Reading):
            readings.append(made)
        else:
            rejected.append(made)
    return readings, rejected


def read(raw: bytes, context: RecordContext) -> Reading | Rejected:
    """One record, or why it cannot become an event."""
    tags: list[str] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        tags.append("invalid-utf8")
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        record = _leniently(text, tags)
        if record is None:
            return Rejected(text, f"not JSON: {error}")
    if not isinstance(record, dict):
        return Rejected(text, "not a JSON object")
    deep = _deep(record, text)
    if deep and depth_over(record, _MAX_DEPTH):
        return Rejected(text, f"nested more than {_MAX_DEPTH} levels deep")
    reading = Reading(record, text, context, Draft(), GENERIC, deep, tags=tags)
    _fill(reading)
    return reading


def _fill(reading: Reading) -> None:
    try:
        reading.mapper = recognise(reading.record)
        _map(reading)
    except Exception as error:  # noqa: BLE001  # a defect of a mapper must not cost a record
        generically(reading, error)


def _map(reading: Reading) -> None:
    reading.mapper.fill(reading.record, reading.draft)
    if reading.draft.record_id and _INEXACT.match(reading.draft.record_id):
        # An integer of more than 64 bits is parsed as a float: two ids would become one.
        reading.record, reading.draft = _exactly(reading.text), Draft()
        reading.mapper.fill(reading.record, reading.draft)


def generically(reading: Reading, error: Exception) -> None:
    """Read again without the mapper that stumbled; at worst nothing of the record is left but its text."""
    reading.note = f"{reading.mapper.name}: {type(error).__name__}: {error}"[:500]
    reading.tags.append("mapper-error")
    reading.mapper, reading.draft = GENERIC, Draft()
    try:
        _map(reading)
    except Exception:  # noqa: BLE001  # nothing of this record can be read; what is left is its text
        unreadable(reading)


def unreadable(reading: Reading) -> None:
    """Keep the text alone."""
    reading.record = {}
    reading.draft = Draft(operation="Unreadable record", tell=lambda _: "A record that could not be read")


def _deep(record: dict[str, Any], text: str) -> bool:
    """Whether the record needs bounds. Most have fewer brackets than levels are allowed: counting is cheaper."""
    return text.count("{") + text.count("[") > LEVELS and depth_over(record, LEVELS)


def _leniently(text: str, tags: list[str]) -> Any:
    """What the fast parser refuses and Python's reads: lone surrogates, NaN, very long numbers."""
    try:
        parsed = json.loads(text)
        tags.append("repaired")
        return orjson.loads(json.dumps(_clean(parsed)).encode("utf-8", "replace"))
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        return None


def _exactly(text: str) -> dict[str, Any]:
    """A record that was parsed before, with numbers of more digits than its type holds as text."""
    record: dict[str, Any] = json.loads(
        text,
        parse_int=lambda digits: int(digits) if len(digits) < _DIGITS else digits,
        parse_float=lambda digits: float(digits) if abs(float(digits)) < _EXACT else digits,
    )
    return record


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124  # NaN
        return str(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value

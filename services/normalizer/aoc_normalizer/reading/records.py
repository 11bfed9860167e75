"""From a page's bytes to readings: each record's facts, before what else is known is added. Never raises.

The other half, from readings to events, is in `normalise`. Between them the names of several records are looked up
at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import subjects
from aoc_normalizer.bounds import LEVELS, cuts, depth_over
from aoc_normalizer.draft import Draft
from aoc_normalizer.fields import flattened, printed
from aoc_normalizer.fields.duplicate_keys import DUPLICATE_KEYS, has_duplicate_keys, has_pairs_twice
from aoc_normalizer.mappers import GENERIC, recognise
from aoc_normalizer.mappers.envelopes.cut_rows import INCOMPLETE
from aoc_normalizer.reading import containers, day_order
from aoc_normalizer.reading.split import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aoc_normalizer.mappers.base import Mapper

#: Tag of an event of whose record letters were lost: U+FFFD stands for them. The same record, whole, repairs it.
INVALID_UTF8: Final = "invalid-utf8"
_DAMAGE: Final = "\N{REPLACEMENT CHARACTER}"
#: Levels of a record. A deeper one is no audit record; it is put aside whole.
_MAX_DEPTH: Final = 200
#: Makes every digit a zero, every opening bracket the same one, and everything else none of these: one search finds a
#: long number, and one count all brackets. A microsecond a record.
_SHAPE: Final = bytes(
    ord("0") if chr(byte).isdecimal() else ord("{") if chr(byte) in "[{" else ord("x") for byte in range(256)
)
#: Digits from which on an integer may not fit 64 bits; and where floats stop being exact.
_LONG: Final = 19
_LONG_NUMBER: Final = b"0" * _LONG
_EXACT: Final = float(1 << 53)


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


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON object before its mapper is asked. `raw`: `text` in bytes. `tags`: what was to be put right in it."""

    record: dict[str, Any]
    text: str
    raw: bytes
    deep: bool
    tags: list[str]


class PageReader:
    """Reads the records of a page, also those in containers.

    `texts`: the text of each result, by its number, where there were containers; else empty.
    """

    def __init__(self, records: Sequence[bytes], context: RecordContext) -> None:
        self.texts: list[str] = []
        self._records = records
        self._context = context
        self._opened = False

    def results(self) -> Iterator[Reading | Rejected]:
        """What became of each record. To be asked once."""
        for number, record in enumerate(self._records):
            for result in self._read(record, containers.MAX_DEPTH):
                if self._opened:
                    if not self.texts:
                        self.texts = [before.decode("utf-8", "replace") for before in self._records[:number]]
                    self.texts.append(result.text)
                yield result

    def _read(self, raw: bytes, depth: int) -> Iterator[Reading | Rejected]:
        """The record in a JSON text, or those in a container. One that nobody here can open is rejected whole."""
        parsed = _parsed(raw)
        if isinstance(parsed, Rejected):
            yield parsed
        elif depth and (parts := containers.opened(parsed.record, parsed.raw)) is not None:
            self._opened = True
            for part in parts:
                yield from self._read(part, depth - 1)
        else:
            reading = _reading(parsed, self._context)
            if reading.mapper is GENERIC and containers.is_unknown(parsed.record):
                yield Rejected(parsed.text, containers.described(parsed.record))
            else:
                yield reading


def read_page(body: bytes, context: RecordContext) -> tuple[list[Reading], list[Rejected]]:
    """Every record of a raw page, and what could not be read."""
    records, broken = split(body)
    results = list(PageReader(records, context).results())
    readings = [result for result in results if isinstance(result, Reading)]
    rejected = [result for result in results if isinstance(result, Rejected)]
    return readings, [*(Rejected(part.text, part.reason) for part in broken), *rejected]


def read(raw: bytes, context: RecordContext) -> Reading | Rejected:
    """One record, whatever it holds, or why it cannot become an event."""
    parsed = _parsed(raw)
    return parsed if isinstance(parsed, Rejected) else _reading(parsed, context)


def _reading(parsed: Parsed, context: RecordContext) -> Reading:
    cuts.take()
    record = parsed.record
    if record.get(day_order.MARK) == day_order.DAY_FIRST:
        record = day_order.applied(record)
    record = flattened.rebuilt(record, parsed.raw)
    tags = parsed.tags
    if context.source == subjects.IMPORT_SOURCE and printed.is_cut(record, parsed.raw):
        # Nobody but who exports with PowerShell has such; of what others bring, its writer must not say that it is cut.
        record = printed.expanded(record)
        tags = [*tags, INCOMPLETE]
    reading = Reading(record, parsed.text, context, Draft(), GENERIC, parsed.deep, tags=tags)
    _fill(reading)
    reading.tags += cuts.take()
    return reading


def _parsed(raw: bytes) -> Parsed | Rejected:
    tags: list[str] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        raw = text.encode()
        tags.append(INVALID_UTF8)
    else:
        if _DAMAGE in text:
            tags.append(INVALID_UTF8)  # before it came here
    exact = True
    shape = raw.translate(_SHAPE)
    try:
        record = orjson.loads(text)
        if _LONG_NUMBER in shape:
            # The fast parser makes a float of an integer of more than 64 bits: two ids would become one.
            record = _exactly(text)
            exact = False
    except orjson.JSONDecodeError as error:
        record = _leniently(text, tags)
        exact = False
        if record is None:
            return Rejected(text, f"not JSON: {error}")
    if not isinstance(record, dict):
        return Rejected(text, "not a JSON object")
    # Most records have fewer brackets than levels are allowed: counting is cheaper.
    deep = shape.count(b"{") > LEVELS and depth_over(record, LEVELS)
    if deep and depth_over(record, _MAX_DEPTH):
        return Rejected(text, f"nested more than {_MAX_DEPTH} levels deep")
    if has_duplicate_keys(raw, record) if exact else has_pairs_twice(text):
        tags.append(DUPLICATE_KEYS)
    return Parsed(record, text, raw, deep, tags)


def _fill(reading: Reading) -> None:
    try:
        reading.mapper = recognise(reading.record)
        reading.mapper.fill(reading.record, reading.draft)
    except Exception as error:  # noqa: BLE001  # a defect of a mapper must not cost a record
        generically(reading, error)


def generically(reading: Reading, error: Exception) -> None:
    """Read again without the mapper that stumbled; at worst nothing of the record is left but its text."""
    reading.note = f"{reading.mapper.name}: {type(error).__name__}: {error}"[:500]
    reading.tags.append("mapper-error")
    reading.mapper, reading.draft = GENERIC, Draft()
    try:
        reading.mapper.fill(reading.record, reading.draft)
    except Exception:  # noqa: BLE001  # nothing of this record can be read; what is left is its text
        unreadable(reading)


def unreadable(reading: Reading) -> None:
    """Keep the text alone."""
    reading.record = {}
    reading.draft = Draft(operation="Unreadable record", sentence=lambda _: "A record that could not be read")


def _exactly(text: str) -> Any:
    """The value of a JSON text; numbers that their type does not hold as their own text. Raises `ValueError`."""
    return json.loads(text, parse_int=_integer, parse_float=_decimal, parse_constant=str)


def _integer(digits: str) -> int | str:
    """An integer of 64 bits, as a database holds it; else its digits."""
    if len(digits) > _LONG + 1:  # with a sign
        return digits
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 63 else digits


def _decimal(digits: str) -> float | str:
    number = float(digits)
    return number if abs(number) < _EXACT else digits


def _leniently(text: str, tags: list[str]) -> Any:
    """What the fast parser refuses and Python's reads: lone surrogates, NaN, numbers beyond any type's range."""
    try:
        record = _clean(_exactly(text))
    except (ValueError, RecursionError):
        return None
    tags.append("repaired")
    return record


def _clean(value: Any) -> Any:
    """The same without lone surrogates, which no UTF-8 can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value

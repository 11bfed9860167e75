"""Rows of the unified log's exports whose AuditData was cut: Excel keeps 32,767 characters of a cell, and is silent.

What stands whole before the cut is read, and what it lacks is taken from the row's own columns: time, operation, user,
id. So the event has the id of the whole record, and gives way to it once that comes (`write.versions`).

Source: Microsoft, Excel specifications and limits; Search-UnifiedAuditLog and Purview's export for the columns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from aoc_normalizer.fields import evidence, values
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft

#: Tag of an event whose record did not arrive whole.
INCOMPLETE: Final = "incomplete-record"
_HOLDER: Final = "AuditData"
#: Name in the record inside -> columns that say the same.
_COLUMNS: Final = {
    "Id": ("RecordId",),
    "CreationTime": ("CreationDate",),
    "Operation": ("Operation", "Operations"),
    "UserId": ("UserId", "UserIds"),
    "RecordType": ("RecordType",),
}
#: Fields that tell how an action ended.
_OUTCOMES: Final = frozenset({"ResultStatus", *evidence.FLAGS})
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: A string, a bracket, or a comma; what is left of a string that was cut matches as its first quote.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|"', re.DOTALL)
_CLOSES: Final = {"{": "}", "[": "]"}


def recognises(record: Record) -> bool:
    """A row with time and operation of its own, and a beginning of a JSON object for its record."""
    text = record.get(_HOLDER)
    if not isinstance(text, str) or not (_says(record, "Operation") and _says(record, "CreationTime")):
        return False
    return is_cut(text)


@lru_cache(maxsize=64)
def is_cut(text: str) -> bool:
    """Whether it is the beginning of a JSON object, as far as it goes."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        _OBJECT.decode(text.encode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        return False
    return False


def fill(record: Record, draft: Draft) -> None:
    """Map what is left of the record, completed by the row's columns."""
    inside = salvaged(record[_HOLDER])
    for name, columns in _COLUMNS.items():
        if values.text(inside.get(name)) is None and (text := values.first(record, *columns)) is not None:
            inside[name] = text
    draft.content = inside
    audit_log.MAPPER.fill(inside, draft)
    draft.rest = {name: value for name, value in inside.items() if name not in draft.used}
    draft.used |= {_HOLDER, *(column for columns in _COLUMNS.values() for column in columns)}
    if draft.result == "success" and _OUTCOMES.isdisjoint(inside):
        # Silence of a whole record means success; here, the status may stand behind the cut.
        draft.result, draft.result_stated = "unknown", False
    draft.tags.append(INCOMPLETE)


def salvaged(text: str) -> dict[str, Any]:
    """All that stands whole in an object that was cut: its members, and of the last one the items before the cut."""
    opened: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in _CLOSES:
            opened.append(_CLOSES[mark])
            if mark == "{" and len(opened) == 1:
                end, closing = token.end(), "}"
        elif mark in ("}", "]"):
            if not opened or opened.pop() != mark:
                break
            end, closing = token.end(), "".join(reversed(opened))
        elif mark == ",":
            end, closing = token.start(), "".join(reversed(opened))
    try:
        found = orjson.loads(text[:end] + closing)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _says(record: Record, name: str) -> bool:
    return values.first(record, *_COLUMNS[name]) is not None


MAPPER: Final = Mapper("cut-row", 3, recognises, fill)

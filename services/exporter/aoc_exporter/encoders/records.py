"""Microsoft's own record of an event, as text that is passed on without being parsed. Pure.

The record's text lies in the event (`raw_data`), and is all that is read of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from aoc_common.errors import Malformed
from aoc_exporter.encoders.lines import one_line

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry


class _Holding(msgspec.Struct):
    """All that is read of an event."""

    raw_data: str | None = None


_holding: Final = msgspec.json.Decoder(_Holding)
_checking: Final = msgspec.json.Decoder(msgspec.Raw)


def record(entry: Entry) -> bytes | None:
    """The record as a JSON object on one line; one that is no object as the member `raw` of one.

    None for an entry that has none: of the audit trail, an alert, or a shortened event. Raises `Malformed` for a body
    that is no JSON object.
    """
    try:
        held = _holding.decode(entry.body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(f"{entry.kind} {entry.key}: the body is no OCSF event: {error}") from None
    return _object(held.raw_data) if held.raw_data else None


def _object(text: str) -> bytes:
    found = one_line(text.encode("utf-8", "replace")).strip()
    if not found.startswith(b"{"):
        return orjson.dumps({"raw": text})
    try:
        _checking.decode(found)
    except (msgspec.DecodeError, UnicodeError):
        return _mended(text)
    return found


def _mended(text: str) -> bytes:
    """A record with what strict readers refuse, such as half a surrogate pair; text that is no JSON as a member."""
    try:
        parsed = json.loads(text)
        return json.dumps(parsed, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return orjson.dumps({"raw": text})

"""Rows of the unified log's exports: the record in the column AuditData, and the row where that says more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from aoc_cli.importing.items import EMPTY_ROW, Item, Record, Unreadable
from aoc_normalizer.fields import literals, printed, values
from aoc_normalizer.mappers.envelopes import cut_rows, wrapped
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUDIT_DATA: Final = "AuditData"
_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: Columns of the unified log's exports, in lower case -> as they are read elsewhere: some tools write them otherwise.
_COLUMNS: Final = {
    name.lower(): name
    for name in (AUDIT_DATA, "RecordId", "CreationDate", "RecordType", "Operation", "Operations", "UserId", "UserIds",
                 "Identity", "ResultIndex", "ResultCount")
}  # fmt: skip
_EXCEL_CELL: Final = 32_767


def flattened(record: Mapping[str, Any], raw: bytes) -> str | None:
    """What PowerShell has cut off a record, if anything."""
    if printed.is_cut(record, raw):
        return "PowerShell has cut what lies deeper (use ConvertTo-Json -Depth 20, not Export-Csv): its values are lost"
    return None


def tolerated(data: bytes, reason: str) -> str | None:
    """Why this is no record, for `reason` that the fast parser has; None where the normalizer can read it.

    It reads lone surrogates, NaN and deep nesting.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return f"not JSON: {reason}"
    return None if isinstance(parsed, dict) else "not a JSON object"


def audit_data(line: int, parsed: dict[str, Any], row: bytes, *, whole: bool = False) -> Item:
    """The record inside a row of `Search-UnifiedAuditLog`.

    The row itself where it says more: where it is a record, contradicts the one inside, or (`whole`) says a column
    twice; and where the record inside was cut, so that the row's own columns are needed.
    """
    data = parsed[AUDIT_DATA]
    if wrapped.is_own(parsed, {}) and wrapped.is_own(parsed, values.mapping(data)):
        return Record(line, row)
    if isinstance(data, dict):
        # As it stands there: what was parsed has lost the digits of long numbers.
        keep = whole or _contradicts(parsed, data)
        text = row if keep else bytes(_ROW.decode(row)[AUDIT_DATA])
        return Record(line, text, flattened(data, text))
    if not isinstance(data, str) or not data.strip():
        return Unreadable(line, EMPTY_ROW, row)
    return _in_text(line, data.strip().encode(), parsed, row, whole=whole)


def _in_text(line: int, text: bytes, parsed: dict[str, Any], row: bytes, *, whole: bool) -> Item:
    """The record in the text of a row's AuditData; see `audit_data`."""
    try:
        inside = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if cut_rows.recognises(parsed):
            return Record(line, row, _cut_at(len(parsed[AUDIT_DATA])))
        if isinstance(inside := literals.read(parsed[AUDIT_DATA]), dict):
            return Record(line, row if whole or _contradicts(parsed, inside) else json.dumps(inside).encode())
        if (fault := tolerated(text, str(error))) is not None:
            return Unreadable(line, f"AuditData is {fault}", row)
        return Record(line, text)
    if not isinstance(inside, dict):
        return Unreadable(line, "AuditData is not a JSON object", row)
    return Record(line, row if whole or _contradicts(parsed, inside) else text, flattened(inside, text))


def _cut_at(length: int) -> str:
    who = "Excel keeps no more of a cell: export again, and do not save it with Excel"
    return f"AuditData was cut after {length:,} characters" + (f" ({who})" if length >= _EXCEL_CELL else "")


def _contradicts(row: dict[str, Any], inside: dict[str, Any]) -> bool:
    """Whether a row says otherwise than its record, so that it must be kept around it."""
    return audit_log.MAPPER.recognises(inside) and next(wrapped.contradictions(row, inside), None) is not None


def named(header: Sequence[str]) -> list[str]:
    """The columns under the names by which they are read. The last of several AuditData counts, as in JSON."""
    taken: set[str] = set()
    named = []
    for name in header:
        known = _COLUMNS.get(name.strip().casefold(), name)
        # Two spellings of one column are two columns: who has written them has to be seen.
        named.append(known if known == AUDIT_DATA or known not in taken else name)
        taken.add(known)
    return named

"""From a file to records: which kind it is, and what is inside its rows."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
import orjson

from aoc_cli.importing import foreign
from aoc_cli.importing.scan import Scanner, Value
from aoc_cli.importing.streams import CountingFile, Reader, Unpacking, unpack
from aoc_common.errors import Malformed
from aoc_normalizer.fields import values
from aoc_normalizer.fields.duplicate_keys import has_duplicate_keys
from aoc_normalizer.mappers.envelopes import wrapped
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = 4096
_AUDIT_DATA: Final = "AuditData"
_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MAX_FIELD: Final = 32 << 20
#: Characters of a line: a row's largest field, and room for the others.
_MAX_LINE: Final = 48 << 20

csv.field_size_limit(_MAX_FIELD)


@dataclass(frozen=True, slots=True)
class Record:
    """One record's own JSON text, and the line of the file that it stands on."""

    line: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of a file that is no record. `data`: what stands there; empty when there is nothing to keep.

    `of_file`: not a part, but why the file is read no further; `stopped`: since it unpacks to more than it may.
    """

    line: int
    reason: str
    data: bytes = b""
    stopped: bool = False
    of_file: bool = False


type Item = Record | Unreadable

_EMPTY_ROW: Final = "AuditData is empty"


def is_empty_row(item: Item) -> bool:
    """Whether it is a row that holds no record, as exports have them."""
    return isinstance(item, Unreadable) and item.reason == _EMPTY_ROW


def items(file: CountingFile, bounds: Unpacking = Unpacking()) -> Iterator[Item]:  # noqa: B008  # frozen
    """The records of an export, recognised by content.

    A JSON array, NDJSON, Graph list responses, `Search-UnifiedAuditLog` rows (JSON or CSV with an AuditData column),
    gzip of each. Raises `Malformed` for a file of no such kind; a broken part of a good file is an `Unreadable`.
    """
    stream, packed = unpack(file, bounds)
    yield from _plain(stream)
    if packed is not None and packed.trouble is not None:
        kind = "is too large" if packed.stopped else "is broken"
        yield Unreadable(0, f"the gzip stream {kind}: {packed.trouble}", stopped=packed.stopped, of_file=True)


def _plain(stream: Reader) -> Iterator[Item]:
    head = stream.peek(_HEAD)
    foreign.refuse_archive(head)
    head = head.lstrip()
    if not head:
        stream.read(len(stream.peek(_HEAD)))
        if stream.peek(1):
            raise Malformed("it begins with more white space than any export does")
        return
    if head[:1] in {b"[", b"{"}:
        for value in _lines(stream) if _is_ndjson(head) else Scanner(stream).values():
            yield from _unwrap(value)
    else:
        yield from _csv(stream)


def _is_ndjson(head: bytes) -> bool:
    """Whether the first line is a whole object: then one broken line must not swallow the next ones."""
    line, newline, _ = head.partition(b"\n")
    if not line.startswith(b"{"):
        return False
    if not newline:
        return not line.lstrip(b"{ \t").startswith((b'"value"', b'"@odata'))
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(stream: Reader) -> Iterator[Value]:
    number = 0
    while line := stream.readline(_MAX_FIELD):
        number += 1
        text = line.strip().removesuffix(b",")
        if text:
            yield Value(number, text)


def _unwrap(value: Value) -> Iterator[Item]:
    if value.broken:
        yield Unreadable(value.line, value.broken, value.data, of_file=not value.data)
        return
    try:
        parsed = orjson.loads(value.data)
    except orjson.JSONDecodeError as error:
        yield _tolerated(value, str(error))
        return
    if not isinstance(parsed, dict):
        yield Unreadable(value.line, "not a JSON object", value.data)
    elif _AUDIT_DATA in parsed:
        repeated = has_duplicate_keys(value.data, parsed)
        yield _audit_data(value.line, parsed, value.data, whole=repeated)
    elif isinstance(parsed.get("value"), list) and any(key.startswith("@odata") for key in parsed):
        for item in Scanner(io.BytesIO(value.data)).values():
            yield from _unwrap(Value(value.line, item.data, item.broken))
    else:
        yield Record(value.line, value.data)


def _tolerated(value: Value, reason: str) -> Item:
    """JSON that the fast parser refuses but the normalizer can read (lone surrogates, NaN, deep nesting) goes in."""
    try:
        parsed = json.loads(value.data)
    except (ValueError, RecursionError):
        return Unreadable(value.line, f"not JSON: {reason}", value.data)
    if not isinstance(parsed, dict):
        return Unreadable(value.line, "not a JSON object", value.data)
    return Record(value.line, value.data)


def _audit_data(line: int, parsed: dict[str, Any], row: bytes, *, whole: bool = False) -> Item:
    """The record inside a row of `Search-UnifiedAuditLog`.

    The row itself where it says more: where it is a record, contradicts the one inside, or (`whole`) says a column
    twice.
    """
    data = parsed[_AUDIT_DATA]
    if wrapped.is_own(parsed, {}) and wrapped.is_own(parsed, values.mapping(data)):
        return Record(line, row)
    if isinstance(data, dict):
        # As it stands there: what was parsed has lost the digits of long numbers.
        keep = whole or _contradicts(parsed, data)
        return Record(line, row if keep else bytes(_ROW.decode(row)[_AUDIT_DATA]))
    if not isinstance(data, str) or not data.strip():
        return Unreadable(line, _EMPTY_ROW, row)
    return _in_text(line, data.strip().encode(), parsed, row, whole=whole)


def _in_text(line: int, text: bytes, parsed: dict[str, Any], row: bytes, *, whole: bool) -> Item:
    """The record in the text of a row's AuditData; see `_audit_data`."""
    try:
        inside = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found = _tolerated(Value(line, text), str(error))
        return found if isinstance(found, Record) else Unreadable(line, f"AuditData is {found.reason}", row)
    if not isinstance(inside, dict):
        return Unreadable(line, "AuditData is not a JSON object", row)
    return Record(line, row if whole or _contradicts(parsed, inside) else text)


def _contradicts(row: dict[str, Any], inside: dict[str, Any]) -> bool:
    """Whether a row says otherwise than its record, so that it must be kept around it."""
    return audit_log.MAPPER.recognises(inside) and next(wrapped.contradictions(row, inside), None) is not None


def _row_of(header: list[str], row: list[str]) -> bytes:
    """A row of a table as a JSON object; columns of one name are members of one name."""
    pairs = [(name, said) for name, said in zip(header, row, strict=False) if name or said]
    return b"{%s}" % b",".join([orjson.dumps(name) + b":" + orjson.dumps(said) for name, said in pairs])


class _Rows:
    """The lines of a text. A file without an end of line, such as a sparse one, must not be one string."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next line. Raises `csv.Error` for one that is too long, and goes on after it."""
        line = self._text.readline(_MAX_LINE)
        if len(line) < _MAX_LINE or line.endswith("\n"):
            if not line:
                raise StopIteration
            return line
        while line and not line.endswith("\n"):
            line = self._text.readline(_MAX_LINE)
        raise csv.Error(f"a line longer than {_MAX_LINE >> 20} million characters")


def _csv(stream: Reader) -> Iterator[Item]:
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="")
    reader = csv.reader(_Rows(text))
    try:
        header = next(reader, [])
        while header and header[0].startswith("#TYPE"):  # Export-Csv without -NoTypeInformation
            header = next(reader, [])
    except csv.Error as error:
        raise Malformed(f"neither JSON nor CSV ({error})") from None
    names = [name.strip().casefold() for name in header]
    if _AUDIT_DATA.casefold() not in names:
        shown = ", ".join(header[:6])[:120]
        said = f"the first line has: {shown!r}" if foreign.is_text(header) else "it is no text"
        raise Malformed(f"neither JSON nor a CSV with a column AuditData ({said})")
    # The last of several columns of one name counts, as the last of several members does.
    column = len(names) - 1 - names[::-1].index(_AUDIT_DATA.casefold())
    named = [name for name in names if name]
    repeated = len(set(named)) < len(named)
    spelt = {_AUDIT_DATA.casefold(): _AUDIT_DATA}
    header = [spelt.setdefault(name, as_given) for name, as_given in zip(names, header, strict=True)]
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Unreadable(line, f"not CSV: {error}")
            continue
        if row is None:
            return
        if not any(row):
            continue
        whole = _row_of(header, row)
        if len(row) <= column:
            yield Unreadable(line, f"the row has {len(row)} of {len(header)} columns", whole)
        else:
            parsed = {**dict(zip(header, row, strict=False)), _AUDIT_DATA: row[column]}
            yield _audit_data(line, parsed, whole, whole=repeated)

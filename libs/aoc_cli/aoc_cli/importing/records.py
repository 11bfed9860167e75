"""From a document to records: which kind it is, and what is inside its rows."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from aoc_cli.importing import kinds, tables
from aoc_cli.importing.archives import Opener
from aoc_cli.importing.encodings import DecodedText, Utf8Text, as_utf8
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.scan import Scanner, Value, values_inside
from aoc_cli.importing.streams import CountingFile, Reader, buffered
from aoc_cli.importing.tables import Content
from aoc_cli.importing.unpacking import Budget, Unpacking
from aoc_normalizer.fields import values
from aoc_normalizer.fields.duplicate_keys import has_duplicate_keys
from aoc_normalizer.mappers.envelopes import cut_rows, wrapped
from aoc_normalizer.mappers.unified import audit_log
from aoc_normalizer.reading import containers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_cli.importing.archives import Document

_AUDIT_DATA: Final = "AuditData"
_ROW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: Bytes of a line of JSON.
_MAX_JSON_LINE: Final = 32 << 20
#: Columns of the unified log's exports, in lower case -> as they are read elsewhere: some tools write them otherwise.
_COLUMNS: Final = {
    name.lower(): name
    for name in (_AUDIT_DATA, "RecordId", "CreationDate", "RecordType", "Operation", "Operations", "UserId", "UserIds",
                 "Identity", "ResultIndex", "ResultCount")
}  # fmt: skip
#: What large containers begin with, which are entered (`scan`).
_LONG_LISTS: Final = tuple(
    f'"{name}'.encode()
    for name in ("value", "records", "results", "tables", "hits", "took", "preview", "name", "schema", "stats", "count",
                 "columns", "frametype")
)  # fmt: skip
_EMPTY_ROW: Final = "AuditData is empty"
_EXCEL_CELL: Final = 32_767
#: Where an object ends and the next one begins, on one line.
_SIDE_BY_SIDE: Final = re.compile(rb"\}[ \t]*\{")
#: What PowerShell writes for what lies deeper than its ConvertTo-Json was asked to go: by default two levels.
_FLATTENED: Final = re.compile(rb'"(?:System\.(?:Object\[\]|Collections\.)|@\{\w+=)')


@dataclass(frozen=True, slots=True)
class Record:
    """One record's own JSON text, and the line of the file that it stands on; inside a container, that one's line.

    `cut`: what it has lost on its way, if anything.
    """

    line: int
    data: bytes
    cut: str | None = None


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


def is_empty_row(item: Item) -> bool:
    """Whether it is a row that holds no record, as exports have them."""
    return isinstance(item, Unreadable) and item.reason == _EMPTY_ROW


class Source:
    """One document of a file, read once. `encoding` and `lost`, once it is read: see `encodings`."""

    def __init__(self, document: Document, encoding: str | None = None) -> None:
        self.name = document.name
        self._document = document
        self._wanted = encoding
        self._text: Utf8Text | DecodedText | None = None

    @property
    def encoding(self) -> str:
        """What it was read as."""
        return self._text.encoding if self._text is not None else ""

    @property
    def lost(self) -> int:
        """Characters that could not be decoded."""
        return self._text.lost if self._text is not None else 0

    @property
    def cut_short(self) -> bool:
        """Whether what it is packed in ended too early."""
        return self._document.trouble is not None

    def items(self) -> Iterator[Item]:
        """Its records. Raises `NoLogError` for a document of no kind that holds any; a broken part is `Unreadable`."""
        document = self._document
        if document.refusal is not None or document.stream is None:
            raise document.refusal or NoLogError("nothing to be read")
        kinds.refuse_binary(document.stream.peek(kinds.HEAD))
        self._text = as_utf8(document.stream, self._wanted)
        yield from _items(buffered(self._text))
        if (layer := document.trouble) is not None:
            state = "is too large" if layer.stopped else "is broken"
            reason = f"the {layer.kind} {state}: {layer.trouble}"
            yield Unreadable(0, reason, stopped=layer.stopped, of_file=True)


def sources(file: CountingFile, limits: Unpacking, encoding: str | None = None) -> tuple[Opener, Iterator[Source]]:
    """The documents of a file, to be read one after the other."""
    opener = Opener(Budget(limits, file.size))
    return opener, (Source(document, encoding) for document in opener.documents(buffered(file)))


def items(file: CountingFile, limits: Unpacking = Unpacking()) -> Iterator[Item]:  # noqa: B008  # frozen
    """The records of all documents of a file. Raises `NoLogError` at the first that holds none."""
    _, documents = sources(file, limits)
    for source in documents:
        yield from source.items()


def _items(stream: Reader) -> Iterator[Item]:
    head = stream.peek(kinds.HEAD)[: kinds.HEAD]
    stripped = head.lstrip()
    if not stripped:
        stream.read(len(stream.peek(kinds.HEAD)))
        if stream.peek(1):
            raise NoLogError("it begins with more white space than any export does")
        return
    kinds.refuse_markup(stripped)
    if stripped[:1] in {b"[", b"{", b'"'} and kinds.is_json(stripped):
        for value in _lines(stream) if _is_in_lines(stripped) else Scanner(stream).values():
            yield from _unwrap(value)
    elif b"\x00" in head:
        raise NoLogError("neither JSON nor CSV: it is no text", harmless=True)
    else:
        yield from _rows(tables.read_table(stream))


def _is_in_lines(head: bytes) -> bool:
    """Whether the first line is a value of its own: then one broken line must not swallow the next ones."""
    line, newline, _ = head.partition(b"\n")
    if not newline:
        return line.startswith(b"{") and _opens_record(line) and not _SIDE_BY_SIDE.search(line)
    try:
        return isinstance(orjson.loads(line), (dict, list, str))
    except orjson.JSONDecodeError:
        return False


def _opens_record(line: bytes) -> bool:
    """Whether a line whose end is not in sight begins as a record does; the list of a container may be very long."""
    name = line.lstrip(b"{ \t")
    return not (name.startswith(b'"@odata') or name[:10].lower().startswith(_LONG_LISTS))


def _lines(stream: Reader) -> Iterator[Value]:
    number = 0
    while line := stream.readline(_MAX_JSON_LINE):
        number += 1
        text = line.strip().removesuffix(b",")
        if text.startswith(b"["):
            yield from Scanner(io.BytesIO(text), number).values()
        elif text:
            yield Value(number, text)


def _unwrap(value: Value, depth: int = containers.MAX_DEPTH) -> Iterator[Item]:
    """The record in a value, or those in a container."""
    if value.broken:
        yield Unreadable(value.line, value.broken, value.data, of_file=not value.data)
        return
    try:
        parsed = orjson.loads(value.data)
    except orjson.JSONDecodeError as error:
        yield from _tolerated_or_inside(value, str(error), depth)
        return
    if isinstance(parsed, str) and depth and isinstance(values.decoded(parsed.strip()), dict):
        # `Select -ExpandProperty AuditData | ConvertTo-Json`: each record is JSON text in a string.
        yield from _unwrap(Value(value.line, parsed.strip().encode()), depth - 1)
    elif not isinstance(parsed, dict):
        yield Unreadable(value.line, "not a JSON object", value.data)
    elif depth and (parts := containers.opened(parsed, value.data)) is not None:
        for part in parts:
            yield from _unwrap(Value(value.line, part), depth - 1)
    elif _AUDIT_DATA in parsed:
        repeated = has_duplicate_keys(value.data, parsed)
        yield _audit_data(value.line, parsed, value.data, whole=repeated)
    else:
        yield Record(value.line, value.data, _flattened(value.data))


def _tolerated_or_inside(value: Value, reason: str, depth: int) -> Iterator[Item]:
    """What can be made of a value that the fast parser refuses; of a container with a broken item, the others."""
    item = _tolerated(value, reason)
    inside = values_inside(value.data, value.line) if depth and isinstance(item, Unreadable) else None
    if inside is None and depth and isinstance(item, Unreadable) and _SIDE_BY_SIDE.search(value.data):
        inside = _side_by_side(value)
    if inside is None:
        yield item
        return
    for part in inside:
        yield from _unwrap(part, depth - 1)


def _side_by_side(value: Value) -> Iterator[Value] | None:
    """The objects of a line that has several, as collectors of Splunk are sent them; None for what is none of these."""
    found = list(Scanner(io.BytesIO(value.data), value.line).values())
    return iter(found) if len(found) > 1 and all(part.broken is None for part in found[:-1]) else None


def _flattened(data: bytes) -> str | None:
    if (b'"@{' in data or b'"System.' in data) and _FLATTENED.search(data):
        return "PowerShell has cut what lies deeper (ConvertTo-Json without -Depth): its values are lost"
    return None


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
    twice; and where the record inside was cut, so that the row's own columns are needed.
    """
    data = parsed[_AUDIT_DATA]
    if wrapped.is_own(parsed, {}) and wrapped.is_own(parsed, values.mapping(data)):
        return Record(line, row)
    if isinstance(data, dict):
        # As it stands there: what was parsed has lost the digits of long numbers.
        keep = whole or _contradicts(parsed, data)
        text = row if keep else bytes(_ROW.decode(row)[_AUDIT_DATA])
        return Record(line, text, _flattened(text))
    if not isinstance(data, str) or not data.strip():
        return Unreadable(line, _EMPTY_ROW, row)
    return _in_text(line, data.strip().encode(), parsed, row, whole=whole)


def _in_text(line: int, text: bytes, parsed: dict[str, Any], row: bytes, *, whole: bool) -> Item:
    """The record in the text of a row's AuditData; see `_audit_data`."""
    try:
        inside = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if cut_rows.recognises(parsed):
            return Record(line, row, _cut_at(len(parsed[_AUDIT_DATA])))
        item = _tolerated(Value(line, text), str(error))
        return item if isinstance(item, Record) else Unreadable(line, f"AuditData is {item.reason}", row)
    if not isinstance(inside, dict):
        return Unreadable(line, "AuditData is not a JSON object", row)
    return Record(line, row if whole or _contradicts(parsed, inside) else text, _flattened(text))


def _cut_at(length: int) -> str:
    who = "Excel keeps no more of a cell: export again, and do not save it with Excel"
    return f"AuditData was cut after {length:,} characters" + (f" ({who})" if length >= _EXCEL_CELL else "")


def _contradicts(row: dict[str, Any], inside: dict[str, Any]) -> bool:
    """Whether a row says otherwise than its record, so that it must be kept around it."""
    return audit_log.MAPPER.recognises(inside) and next(wrapped.contradictions(row, inside), None) is not None


def _rows(table: tables.Table) -> Iterator[Item]:
    header = table.header
    if table.content is Content.AUDIT_DATA:
        yield from _audit_rows(table, _named(header))
        return
    keys = containers.column_keys(_distinct(header))
    for row in table.rows():
        data = containers.row_object(keys, map(orjson.dumps, row.cells))
        if row.broken is not None:
            yield Unreadable(row.line, row.broken, data)
        elif table.content is Content.CARRIER:
            yield from _unwrap(Value(row.line, data))
        else:
            yield Record(row.line, data)


def _distinct(header: Sequence[str]) -> list[str]:
    """The columns of a table, a name's second with its number: Entra's portal has `Incoming token type` twice."""
    seen: Counter[str] = Counter()
    named = []
    for name in header:
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return named


def _named(header: Sequence[str]) -> list[str]:
    """The columns under the names by which they are read. The last of several AuditData counts, as in JSON."""
    taken: set[str] = set()
    named = []
    for name in header:
        known = _COLUMNS.get(name.strip().casefold(), name)
        # Two spellings of one column are two columns: who has written them has to be seen.
        named.append(known if known == _AUDIT_DATA or known not in taken else name)
        taken.add(known)
    return named


def _audit_rows(table: tables.Table, header: Sequence[str]) -> Iterator[Item]:
    column = len(header) - 1 - header[::-1].index(_AUDIT_DATA)
    keys = containers.column_keys(header)
    folded = [name.strip().casefold() for name in header if name.strip()]
    repeated = len(set(folded)) < len(folded)
    for row in table.rows():
        data = containers.row_object(keys, map(orjson.dumps, row.cells))
        if row.broken is not None:
            yield Unreadable(row.line, row.broken, data)
        elif len(row.cells) <= column:
            yield Unreadable(row.line, f"the row has {len(row.cells)} of {len(header)} columns", data)
        else:
            parsed = {**dict(zip(header, row.cells, strict=False)), _AUDIT_DATA: row.cells[column]}
            yield _audit_data(row.line, parsed, data, whole=repeated)

"""From a document to records: which kind it is, and what is inside its rows."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_cli.importing import kinds, tables
from aoc_cli.importing.archives import Opener
from aoc_cli.importing.audit_rows import AUDIT_DATA, audit_data, flattened, tolerated
from aoc_cli.importing.encodings import DecodedText, Utf8Text, as_utf8
from aoc_cli.importing.items import Ambiguity, Item, Record, Unreadable, is_empty_row
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.prose import ProseReader
from aoc_cli.importing.rows import rows
from aoc_cli.importing.scan import Scanner, Value, values_inside
from aoc_cli.importing.streams import CountingFile, Reader, buffered
from aoc_cli.importing.unpacking import Budget, Unpacking
from aoc_normalizer.fields import values
from aoc_normalizer.fields.duplicate_keys import has_duplicate_keys
from aoc_normalizer.mappers import GENERIC, recognise
from aoc_normalizer.reading import containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_cli.importing.archives import Document

__all__ = ["Ambiguity", "Item", "Record", "Source", "Unreadable", "is_empty_row", "items", "sources"]

#: Bytes of a line of JSON.
_MAX_JSON_LINE: Final = 32 << 20
#: What large containers begin with, which are entered (`scan`).
_LONG_LISTS: Final = tuple(
    f'"{name}'.encode()
    for name in ("value", "records", "results", "tables", "hits", "took", "preview", "name", "schema", "stats", "count",
                 "columns", "frametype")
)  # fmt: skip
_ANSWERED: Final = "an error that was answered in place of records: {}"
#: Members of an answer in a batch of Graph's; and characters of an error that are shown.
_ANSWERS: Final = frozenset({"id", "status", "headers", "body"})
_SHOWN: Final = 200
#: Where an object ends and the next one begins, on one line.
_SIDE_BY_SIDE: Final = re.compile(rb"\}[ \t]*\{")


class Source:
    """One document of a file, read once. `encoding` and `lost`, once it is read: see `encodings`.

    `day_first`: whether its local times begin with the day; None: as its table tells (`day_order`).
    """

    def __init__(self, document: Document, encoding: str | None = None, *, day_first: bool | None = None) -> None:
        self.name = document.name
        self._day_first = day_first
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
    def size(self) -> int:
        """Bytes that were unpacked of it; 0 for a file that is in no other one."""
        return self._document.layers[-1].size if self._document.layers else 0

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
        yield from _items(buffered(self._text), day_first=self._day_first)
        if (layer := document.trouble) is not None:
            state = "is too large" if layer.stopped else "is broken"
            reason = f"the {layer.kind} {state}: {layer.trouble}"
            yield Unreadable(0, reason, stopped=layer.stopped, of_file=True)


def sources(
    file: CountingFile, limits: Unpacking, encoding: str | None = None, *, day_first: bool | None = None
) -> tuple[Opener, Iterator[Source]]:
    """The documents of a file, to be read one after the other."""
    opener = Opener(Budget(limits, file.size))
    documents = opener.documents(buffered(file))
    return opener, (Source(document, encoding, day_first=day_first) for document in documents)


def items(file: CountingFile, limits: Unpacking = Unpacking()) -> Iterator[Item]:  # noqa: B008  # frozen
    """The records of all documents of a file. Raises `NoLogError` at the first that holds none."""
    _, documents = sources(file, limits)
    for source in documents:
        yield from source.items()


def _items(stream: Reader, *, day_first: bool | None) -> Iterator[Item]:
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
    elif isinstance(table := tables.read_table(stream), tables.Table):
        yield from rows(table, _unwrap, day_first=day_first)
    else:
        for part in ProseReader(table).values():
            yield from _unwrap(part) if isinstance(part, Value) else (part,)


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
        # Files that were put one behind the other have a byte order mark each.
        text = line.strip().removeprefix(codecs.BOM_UTF8).removesuffix(b",")
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
    if isinstance(parsed, dict) and (answer := _answered_error(parsed)) is not None:
        yield Unreadable(value.line, answer, value.data)
    elif isinstance(parsed, str) and depth and isinstance(values.decoded(parsed.strip()), dict):
        # `Select -ExpandProperty AuditData | ConvertTo-Json`: each record is JSON text in a string.
        yield from _unwrap(Value(value.line, parsed.strip().encode()), depth - 1)
    elif not isinstance(parsed, dict):
        yield Unreadable(value.line, "not a JSON object", value.data)
    elif depth and (parts := containers.opened(parsed, value.data)) is not None:
        for part in parts:
            yield from _unwrap(Value(value.line, part), depth - 1)
    elif AUDIT_DATA in parsed:
        repeated = has_duplicate_keys(value.data, parsed)
        yield audit_data(value.line, parsed, value.data, whole=repeated)
    elif value.uncertain and recognise(parsed) is GENERIC:
        yield Unreadable(value.line, "a part of what was cut before it", value.data)
    else:
        yield Record(value.line, value.data, flattened(parsed, value.data))


def _answered_error(answer: dict[str, Any]) -> str | None:
    """What an interface has answered in place of records, if this is that: of Graph, Azure, or the token service."""
    body = answer.get("body")
    if isinstance(body, dict) and "status" in answer and _ANSWERS.issuperset(answer):
        return _answered_error(body)
    error = answer.get("error", answer.get("odata.error"))
    if isinstance(error, str) and "error_description" in answer:
        return _ANSWERED.format(f"{error}: {answer['error_description']}"[:_SHOWN])
    if isinstance(error, dict) and len(answer) == 1 and isinstance(error.get("code"), str):
        message = error.get("message", "")
        text = message.get("value") if isinstance(message, dict) else message
        return _ANSWERED.format(f"{error['code']}: {text}"[:_SHOWN].rstrip(": "))
    return None


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


def _tolerated(value: Value, reason: str) -> Item:
    """JSON that the fast parser refuses but the normalizer can read goes in."""
    fault = tolerated(value.data, reason)
    return Record(value.line, value.data) if fault is None else Unreadable(value.line, fault, value.data)

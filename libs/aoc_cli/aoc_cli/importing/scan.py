"""Finds the records of a JSON file without parsing it: constant memory, each record's own bytes, line numbers.

A container that fits `_WHOLE` is a value as others are; who parses it opens it. A larger one, or one that was cut, is
entered where its list begins, if nothing stands before that but remarks about the list.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import msgspec
import orjson

from aoc_normalizer.reading.containers import column_keys, row_object

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 20
#: Bytes. A value longer than this is given up: it is no audit record, and memory is bounded.
MAX_VALUE: Final = 32 << 20
#: Bytes from which on a container is not held as a whole.
_WHOLE: Final = 4 << 20
#: Bytes in which the list of a container begins.
_HEAD: Final = 64 << 10

# Strings are skipped whole, so brackets inside them do not count. An unfinished string at the end of the buffer does
# not match, and the scan goes on from there when more has been read.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"|[{}\[\]]|"', re.DOTALL)
# Where files were put one behind the other, a byte order mark stands between values.
_SPACE: Final = re.compile(rb"(?:[\s,\x00\x1e]|\xef\xbb\xbf)*+")
_SCALAR: Final = re.compile(rb"[^\s,\[\]{}]++")
_TEXT: Final = rb'"(?:[^"\\]++|\\.)*+"'
_NAME: Final = re.compile(_TEXT + rb"\s*+:\s*+", re.DOTALL)
_FLAT: Final = rb'(?:[^\[\]{}"]++|' + _TEXT + rb")*+"
_OBJECT: Final = rb"\{" + _FLAT + rb"\}"
#: A value of a few levels: a text, number or word, or what holds only such.
_SMALL: Final = (
    rb"(?:" + _TEXT + rb"|[\w.+-]++|" + _OBJECT + rb"|\[(?:" + _OBJECT + rb"|[\s,]++|" + _TEXT + rb"|[\w.+-]++)*+\])"
)
_REMARKS: Final = (
    rb'(?:"(?:@[^"]*+|(?i:count|odatanextlink|odatacount|nextlink|schema|stats|preview|init_offset|messages|fields|took|'
    rb'timed_out|_scroll_id|_shards|total|max_score|name|tablename|tablekind|frametype|tableid))"\s*+:\s*+'
    + _SMALL
    + rb"\s*+,\s*+)*+"
)
_LIST: Final = rb'"(?i:records|value|results|hits)"\s*+:\s*+\['
_TABLE: Final = (
    rb'"(?i:columns)"\s*+:\s*+(?P<columns>\[(?:\s*+' + _OBJECT + rb'\s*+,?+)*+\])\s*+,\s*+"(?i:rows)"\s*+:\s*+\['
)


class _Opening(NamedTuple):
    """The beginning of a container up to its list. `frames`: what is open then, outermost first."""

    pattern: re.Pattern[bytes]
    frames: bytes


_OPENINGS: Final = (
    _Opening(re.compile(rb"\{\s*+" + _REMARKS + _LIST, re.DOTALL), b"{["),
    _Opening(re.compile(rb"\{\s*+" + _REMARKS + rb'"hits"\s*+:\s*+\{\s*+' + _REMARKS + _LIST, re.DOTALL), b"{{["),
    _Opening(re.compile(rb'\{\s*+"(?i:tables)"\s*+:\s*+\[\s*+\{\s*+' + _REMARKS + _TABLE, re.DOTALL), b"{[{["),
    _Opening(re.compile(rb"\{\s*+" + _REMARKS + _TABLE, re.DOTALL), b"{["),
)
#: Where reading can go on after a broken value: the start of the next object.
_RESYNC: Final = re.compile(rb"\}\s*,\s*(?=\{)|\n\s*(?=\{)")
#: Blanks before a value that begins a line of its own. More is no indentation.
_MOST_BLANKS: Final = 200
_ENDS_INSIDE: Final = "the file ends inside it"
_TOO_LARGE: Final = "a container that is larger than is held as a whole"
_CLOSES: Final = {b"]": ord("["), b"}": ord("{")}
_ROW: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value's own bytes and the line on which it starts. `broken`: why it cannot be one.

    Broken and without bytes: the stream ended where more was announced. `uncertain`: it stands behind what was broken,
    and may be a part of that.
    """

    line: int
    data: bytes
    broken: str | None = None
    uncertain: bool = False


class Scanner:
    """Iterates over the values of a stream: the elements of arrays and of large containers, or top-level values.

    The rows of a large table come as objects.
    """

    def __init__(self, stream: IO[bytes], line: int = 1) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._line = line
        self._ended = False
        #: What is open around the next value, as long as nothing was broken.
        self._frames: bytearray | None = bytearray()
        #: Whether anything was read; blanks before the next value, if it begins a line; whether that is `uncertain`.
        self._begun = False
        self._blanks: int | None = None
        self._uncertain = False
        #: The columns of the table whose rows come.
        self._columns: list[bytes] | None = None

    def enter(self) -> bool:
        """Go to the first item of the container that the stream begins with; whether it does."""
        return self._skip_space() and self._enter(self._at)

    def values(self) -> Iterator[Value]:
        """Every value, in order. Never raises for what the bytes are."""
        while self._skip_space():
            head = self._buffer[self._at : self._at + 1]
            if head in _CLOSES:
                self._close(_CLOSES[head])
                self._move(self._at + 1)
            elif head == b"[" and self._columns is None:
                self._open(b"[")
                self._move(self._at + 1)
            elif not (head == b'"' and self._skip_member()) and (value := self._value()) is not None:
                yield value
        if self._frames:
            yield Value(self._line, b"", "the file ends before its list does")

    def _open(self, frames: bytes) -> None:
        if self._frames is not None:
            self._frames += frames

    def _close(self, mark: int) -> None:
        if self._frames and self._frames[-1] == mark:
            self._frames.pop()
            self._columns = None

    def _skip_member(self) -> bool:
        """Pass over a member of a container that follows its list, such as a count or where the next page is."""
        if not self._frames or self._frames[-1] != ord("{"):
            return False
        while (name := _NAME.match(self._buffer, self._at)) is None:
            if len(self._buffer) - self._at > _HEAD or not self._fill():
                return False
        self._move(name.end())
        if self._skip_space():
            self._value()
        return True

    def _enter(self, start: int) -> bool:
        """Go to the first item of the container that begins here, if one does."""
        for opening in _OPENINGS:
            if head := opening.pattern.match(self._buffer, start, start + _HEAD):
                columns = head.groupdict().get("columns")
                names = _names(columns) if columns else []
                if columns and not names:
                    return False
                self._columns = column_keys(names) if columns else None
                self._open(opening.frames)
                self._move(head.end())
                return True
        return False

    def _value(self) -> Value | None:
        """The value that begins here; None for a container that is entered instead."""
        start, line = self._at, self._line
        if self._buffer[start : start + 1] not in (b"{", b'"', b"["):
            return self._scalar()
        depth, position = 0, start
        while True:
            depth, position, ended = walk(self._buffer, depth, position)
            if ended:
                data = self._buffer[start:position]
                self._move(position)
                return self._row(Value(line, data, uncertain=self._uncertain))
            if (broken := self._grow(start)) is not None:
                return None if self._enter(start) else self._broken(broken)
            position -= start  # filling drops what was consumed
            start = self._at

    def _grow(self, start: int) -> str | None:
        """Read more of the value that begins at `start`; why not, if it is to be read no further as one."""
        size = len(self._buffer) - start
        if size > MAX_VALUE:
            return f"longer than {MAX_VALUE >> 20} MiB, or not closed"
        if _WHOLE < size <= _WHOLE + _CHUNK and self._is_container(start):
            return _TOO_LARGE
        return None if self._fill() else _ENDS_INSIDE

    def _is_container(self, start: int) -> bool:
        return any(opening.pattern.match(self._buffer, start, start + _HEAD) for opening in _OPENINGS)

    def _row(self, value: Value) -> Value:
        """A value, or where rows of a table come, the object that a row stands for."""
        if self._columns is None:
            return value
        try:
            cells = _ROW.decode(value.data)
        except (msgspec.DecodeError, RecursionError):
            return Value(value.line, value.data, "no row of a table")
        return Value(value.line, row_object(self._columns, map(bytes, cells)))

    def _scalar(self) -> Value:
        while (scalar := _SCALAR.match(self._buffer, self._at)) and scalar.end() == len(self._buffer):
            if len(self._buffer) - self._at > MAX_VALUE or not self._fill():
                break
        line = self._line
        scalar = _SCALAR.match(self._buffer, self._at)
        end = scalar.end() if scalar else self._at + 1
        data = self._buffer[self._at : end]
        self._move(end)
        return Value(line, data, "not a JSON object")

    def _broken(self, reason: str) -> Value:
        """Give up this value; go on at the next object that starts after it, if there is one."""
        line = self._line
        self._frames = self._columns = None  # what is skipped may hold the end of one
        beside = _RESYNC
        if reason == _ENDS_INSIDE and self._blanks is not None:
            # What lies deeper than the broken value did is a part of it.
            beside = re.compile(rb"\n[ \t]{0,%d}(?=\{)" % self._blanks)
        self._uncertain = self._uncertain or (reason == _ENDS_INSIDE and beside is _RESYNC)
        resync = beside.search(self._buffer, self._at + 1)
        end = resync.end() if resync else len(self._buffer)
        data = self._buffer[self._at : end].rstrip(b", \r\n\t")
        self._move(end)
        return Value(line, data, reason)

    def _skip_space(self) -> bool:
        """Move to the next value; whether there is one."""
        blanks = None if self._begun else 0
        self._begun = True
        while True:
            space = _SPACE.match(self._buffer, self._at)
            end = space.end() if space else self._at
            if (newline := self._buffer.rfind(b"\n", self._at, end)) != -1:
                blanks = end - newline - 1
            elif blanks is not None:
                blanks += end - self._at
            self._move(end)
            if self._at < len(self._buffer):
                self._blanks = None if blanks is None or blanks > _MOST_BLANKS else blanks
                return True
            if not self._fill():
                return False

    def _move(self, to: int) -> None:
        self._line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    def _fill(self) -> bool:
        """Read more; False at the end. What was consumed is dropped, so `_at` becomes 0."""
        if self._ended:
            return False
        more = self._stream.read(_CHUNK)
        self._ended = not more
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)


def values_inside(data: bytes, line: int) -> Iterator[Value] | None:
    """The values in a container that is no JSON as a whole; None for what does not begin as a container."""
    scanner = Scanner(io.BytesIO(data), line)
    return scanner.values() if scanner.enter() else None


def walk(buffer: bytes, depth: int, position: int) -> tuple[int, int, bool]:
    """Follow brackets from a position on: how many are open, where that is, and whether the value has ended there."""
    for token in _TOKEN.finditer(buffer, position):
        mark = token[0]
        if mark == b'"' and len(mark) == 1:
            break  # a string that does not end in what was read so far
        position = token.end()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        if depth <= 0:
            return depth, position, True
    return depth, position, False


def _names(columns: bytes) -> list[str]:
    """The names of columns; empty where they have none."""
    try:
        described = orjson.loads(columns)
    except orjson.JSONDecodeError:
        return []
    names = [column.get("name") or column.get("Name") or column.get("ColumnName") for column in described]
    return names if all(isinstance(name, str) for name in names) else []

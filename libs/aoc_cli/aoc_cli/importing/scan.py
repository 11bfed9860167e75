"""Finds the records of a JSON file without parsing it: constant memory, each record's own bytes, line numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 20
#: Bytes. A value longer than this is given up: it is no audit record, and memory is bounded.
MAX_VALUE: Final = 32 << 20

# Strings are skipped whole, so brackets inside them do not count. An unfinished string at the end of the buffer does
# not match, and the scan goes on from there when more has been read.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"|[{}\[\]]|"', re.DOTALL)
_SPACE: Final = re.compile(rb"[\s,\x00\x1e]*")
_SCALAR: Final = re.compile(rb"[^\s,\[\]{}]+")
#: The head of a Graph list response: annotations, then `value` with an array.
_LIST_HEAD: Final = re.compile(
    rb'\{\s*(?:"@[^"]+"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\d.]+|true|false|null)\s*,\s*)*"value"\s*:\s*\['
)
_HEAD: Final = 4096
_MEMBER: Final = re.compile(rb'"@[^"]+"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\d.]+|true|false|null)')
#: Where reading can go on after a broken value: the start of the next object.
_RESYNC: Final = re.compile(rb"\}\s*,\s*(?=\{)|\n\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value's own bytes and the line on which it starts. `broken`: why it cannot be one.

    Broken and without bytes: the stream ended where more was announced.
    """

    line: int
    data: bytes
    broken: str | None = None


class Scanner:
    """Iterates over the values of a stream: the elements of arrays and of Graph lists, or top-level values."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._line = 1
        self._ended = False
        #: Lists that are open, as long as nothing was broken.
        self._lists: int | None = 0

    def values(self) -> Iterator[Value]:
        """Every value, in order. Never raises for what the bytes are."""
        while self._skip_space():
            head = self._buffer[self._at : self._at + 1]
            if head == b"[":
                self._count(1)
                self._move(self._at + 1)
            elif head in (b"]", b"}"):
                self._count(-1 if head == b"]" else 0)
                self._move(self._at + 1)  # the end of an array or of a list response
            elif head == b"{" and self._enter_list():
                continue
            elif head == b'"' and self._skip_member():
                continue  # what follows `value` in a list response, e.g. its nextLink
            else:
                yield self._value()
        if self._lists is not None and self._lists > 0:
            yield Value(self._line, b"", "the file ends before its list does")

    def _count(self, lists: int) -> None:
        if self._lists is not None:
            self._lists += lists

    def _enter_list(self) -> bool:
        while len(self._buffer) - self._at < _HEAD and self._fill():
            pass
        found = _LIST_HEAD.match(self._buffer, self._at)
        if found:
            self._count(1)
            self._move(found.end())
        return found is not None

    def _skip_member(self) -> bool:
        member = _MEMBER.match(self._buffer, self._at)
        if member:
            self._move(member.end())
        return member is not None

    def _value(self) -> Value:
        start, line = self._at, self._line
        if self._buffer[start : start + 1] not in (b"{", b'"'):
            return self._scalar()
        depth, position = 0, start
        while True:
            for token in _TOKEN.finditer(self._buffer, position):
                mark = token[0]
                if mark == b'"' and len(mark) == 1:
                    break  # a string that does not end in what was read so far
                position = token.end()
                if mark in (b"{", b"["):
                    depth += 1
                elif mark in (b"}", b"]"):
                    depth -= 1
                if depth <= 0:
                    data = self._buffer[start:position]
                    self._move(position)
                    return Value(line, data)
            offset, relative = position - start, start
            if len(self._buffer) - start > MAX_VALUE:
                return self._broken(f"longer than {MAX_VALUE >> 20} MiB, or not closed")
            if not self._fill():
                return self._broken("the file ends inside it")
            start += self._at - relative  # filling drops what was consumed
            position = start + offset

    def _scalar(self) -> Value:
        while (found := _SCALAR.match(self._buffer, self._at)) and found.end() == len(self._buffer):
            if len(self._buffer) - self._at > MAX_VALUE or not self._fill():
                break
        line = self._line
        found = _SCALAR.match(self._buffer, self._at)
        end = found.end() if found else self._at + 1
        data = self._buffer[self._at : end]
        self._move(end)
        return Value(line, data, "not a JSON object")

    def _broken(self, reason: str) -> Value:
        """Give up this value; go on at the next object that starts after it, if there is one."""
        line = self._line
        self._lists = None  # what is skipped may hold the end of one
        found = _RESYNC.search(self._buffer, self._at + 1)
        end = found.end() if found else len(self._buffer)
        data = self._buffer[self._at : end].rstrip(b", \r\n\t")
        self._move(end)
        return Value(line, data, reason)

    def _skip_space(self) -> bool:
        """Move to the next value; whether there is one."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._move(found.end() if found else self._at)
            if self._at < len(self._buffer):
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

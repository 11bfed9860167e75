"""Recovers the records of a malformed page, in one walk over its brackets and strings.

A record is an object at the page's top level; what is inside one must not become a record, however broken the record
is. So brackets are matched, and where they do not match:

1. A closing bracket ends the nearest opening one of its kind, and all that was left open within.
2. An object right after a comma in an object cannot be: the outer one was left open and ends before the comma.
3. What follows a colon or a word at the top level is part of a record that has lost its beginning.
4. A closing bracket with nothing open shows that a record was ended too early: all since then belongs to it.
5. In a page of lines, a line that begins with `{` begins a record, whatever was before.

Where two readings remain, the one that makes fewer records is taken: what is put aside can be put right by a person.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(r'[{\[,:]\s*+"|,\s*+(?=\{)|[{}\[\]]')
#: A string ends at the first quote that something follows which can follow a string: others should have been escaped.
_STRING: Final = re.compile(r'"(?:[^"\\\n]++|\\[^\n]|"(?!\s*+(?:[,:}\]]|\Z)))*+"')
_OPENED_BY: Final = {"}": "{", "]": "["}
_MEMBER: Final = r'"@[^"\\]*+"\s*+:\s*+"[^"\\]*+"\s*+'
#: What stands around the records: the brackets of an array, or those of a Graph list.
_HEAD: Final = re.compile(rf'\[|\{{\s*+(?:{_MEMBER},\s*+)++"value"\s*+:\s*+\[')
_TAIL: Final = re.compile(r"\]\s*+\Z")
_LIST_TAIL: Final = re.compile(rf"\]\s*+(?:(?:,\s*+{_MEMBER})*+\}}\s*+)?\Z")
#: A list that ends inside of a record.
_INSIDE: Final = re.compile(r"\]\s*+(?:[}\]]|,\s*+\S)")
#: What a record can stand after.
_BEFORE: Final = frozenset({"", ",", "[", "]", "}", "\x1e", "\x00"})
_AROUND: Final = ", \r\n\t"
_BETWEEN: Final = _AROUND + "[]\x1e\x00"

#: Parts of a page that are put aside, at most: the last is all the rest, records and all.
_MAX_BROKEN: Final = 500

#: Whoever reads the record later sees to its numbers: here they need not even fit a type.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)

type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a page that is no readable record. Nothing of the page is lost: parts and records cover it."""

    text: str
    reason: str


def recover(text: str) -> tuple[list[str], list[Broken]]:
    """The records of a malformed page, and what is none. Takes time in proportion to the page's length."""
    walk = _Walk(text)
    records: list[str] = []
    broken: list[Broken] = []
    for start, piece in _pieces(text, walk.spans(), walk.begin, walk.end):
        fault = _fault(piece)
        if fault is None:
            records.append(piece)
        elif len(broken) < _MAX_BROKEN - 1:
            broken.append(Broken(piece, f"malformed page: {fault}"))
        else:
            broken.append(Broken(text[start : walk.end].strip(_AROUND), f"malformed page: {fault}, and more"))
            break
    return records, broken


def _fault(piece: str) -> str | None:
    """What is wrong with a piece of JSON, if anything."""
    try:
        _DECODER.decode(piece)
    except json.JSONDecodeError as error:
        return error.msg
    except RecursionError:
        return "nested too deeply"
    return None


def _pieces(text: str, spans: list[Span], begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Each span, and what lies between them unless it is only commas and the like: where it starts, and its text."""
    edges = [(begin, begin), *spans, (end, end)]
    for (_, last), (start, stop) in pairwise(edges):
        if text[last:start].strip(_BETWEEN):
            yield last, text[last:start].lstrip(_BETWEEN).rstrip(_AROUND)
        if piece := text[start:stop].strip(_AROUND):
            yield start, piece


class _Walk:
    """One walk. `begin` and `end`: where the page's own wrapper leaves room for records."""

    def __init__(self, text: str) -> None:
        head = _HEAD.match(text)
        self.begin, self.end = head.end() if head else 0, len(text)
        self._text = text
        self._lines = head is None
        self._tail = _TAIL if head and head[0] == "[" else _LIST_TAIL
        self._spans: list[Span] = []
        self._open: list[str] = []
        self._count = Counter[str]()
        self._start = self._done = self.begin
        #: Whether the object at hand was ended by something else than its own bracket.
        self._forced = False
        # Places in `_spans`: the first that rule 4 would put together with what follows, if there is one; the last
        # without a beginning; and the first after what was surely the top level.
        self._doubtful: int | None = None
        self._headless: int | None = None
        self._certain = 0
        #: Between two arrays of a page there are none of its records.
        self._in_array = True

    def spans(self) -> list[Span]:
        """Where the top level's objects are. Walks; to be asked once."""
        text, at, no_string_before = self._text, self.begin, 0
        while at < self.end and (token := _TOKEN.search(text, at)) is not None:
            at = token.end()
            mark = token[0]
            self._mark(mark, token.start())
            if mark[-1] == '"' and at > no_string_before:
                if string := _STRING.match(text, at - 1):
                    at = string.end()
                else:
                    # No quote on the rest of this line can end a string: looking again would cost as much each time.
                    line_end = text.find("\n", at)
                    no_string_before = self.end if line_end == -1 else line_end
        if self._open:
            self._finish(self.end)
        return self._spans

    def _mark(self, mark: str, place: int) -> None:
        if mark[0] in "{[":
            self._opened(mark[0], place)
        elif mark == "]" and not self._lines and not self._count["["] and self._ends_array(place):
            self._cut(place)
            self._in_array = False
        elif mark in _OPENED_BY:
            self._closed(mark, place + 1)
        elif mark[0] == "," and mark[-1] != '"' and self._open and self._open[-1] == "{":
            self._forced = True
            self._pop()
            if not self._open:
                self._finish(place)

    def _opened(self, mark: str, place: int) -> None:
        if self._lines and mark == "{" and self._text[place - 1 : place] in {"", "\n"}:
            self._cut(place)
        if not self._open:
            before = self._text[self._done : place].rstrip()
            if mark == "[" and not self._in_array and not before.strip(_BETWEEN):
                self._in_array = True  # of the next file, where several were put together
                return
            self._start = place
            if before[-1:] not in _BEFORE:
                self._opened_without_beginning()
        self._open.append(mark)
        self._count[mark] += 1

    def _opened_without_beginning(self) -> None:
        """What follows a colon or a word is part of something: of the object before it, or of what has no beginning."""
        if self._headless == len(self._spans) - 1:
            self._start, _ = self._spans.pop()
        else:
            self._start, self._doubtful, self._headless = self._done, self._last(), len(self._spans)

    def _closed(self, mark: str, after: int) -> None:
        if not self._open:
            self._closed_too_early(mark, after)
        elif self._count[_OPENED_BY[mark]]:
            while self._pop() != _OPENED_BY[mark]:
                self._forced = True
            if not self._open:
                self._finish(after)

    def _closed_too_early(self, mark: str, after: int) -> None:
        """Put the last spans together: of an object the last one, of a list all that may be its items."""
        if self._doubtful is None:
            self._doubtful = self._certain if mark == "]" else self._last()
        if self._doubtful < len(self._spans):
            start, _ = self._spans[self._doubtful]
            self._spans[self._doubtful :] = [(start, after)]
            self._done = after

    def _ends_array(self, place: int) -> bool:
        """Whether this bracket, which closes nothing inside of a record, is the page's own."""
        if self._tail.match(self._text, place):
            self.end = place
            return True
        return _INSIDE.match(self._text, place) is None

    def _last(self) -> int:
        """The place of the last span, or of the next where there is none that may belong to the same record."""
        return max(self._certain, len(self._spans) - 1)

    def _pop(self) -> str:
        mark = self._open.pop()
        self._count[mark] -= 1
        return mark

    def _cut(self, place: int) -> None:
        """What comes now is surely at the top level."""
        if self._open:
            self._finish(place)
        self._open.clear()
        self._count.clear()
        self._done = place
        self._doubtful = self._headless = None
        self._certain = len(self._spans)

    def _finish(self, place: int) -> None:
        self._spans.append((self._start, place))
        self._done = place
        if self._forced:
            self._doubtful = len(self._spans) - 1
        self._forced = False

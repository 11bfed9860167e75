"""Records in a text of another kind: behind a prefix on each line, in a fence, after a warning, in a list.

Objects are looked for, and those that a mapper knows are records. That there is text around them is told, and so is an
object that nobody knows, and text that seems to hold a record all the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_cli.importing import kinds
from aoc_cli.importing.items import Ambiguity, Unreadable
from aoc_cli.importing.kinds import NoLogError
from aoc_cli.importing.scan import Value, walk
from aoc_normalizer.fields import literals
from aoc_normalizer.mappers import GENERIC, recognise
from aoc_normalizer.reading import containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_cli.importing.tables import UnreadableText

_START: Final = re.compile(rb"""\{\s*+["']""")
_WORD: Final = re.compile(rb"[^\W_]")
#: Bytes of an object in a text; and at the end of what was read, in which one may begin.
_LONGEST: Final = 8 << 20
_SEAM: Final = 256
#: Bytes without any record after which a text is taken for what it seems to be.
_LOOKED_THROUGH: Final = 16 << 20
#: Objects that do not end, after which no more are looked for.
_ENDLESS: Final = 50
#: Lines that are looked at for what PowerShell prints.
_LINES: Final = 400
_NOT_READ: Final = "text with records in it, in a form that is not read: export it as JSON or CSV"


class ProseReader:
    """Reads one text, once."""

    def __init__(self, prose: UnreadableText) -> None:
        self._prose = prose
        self._buffer = prose.begin.encode()
        self._at, self._line, self._passed = 0, 1, 0
        self._printed = ""
        self._records = self._endless = 0
        #: Whether text between objects seems to hold records; and lines in which no object is.
        self._evidence = False
        self._around = 0

    def values(self) -> Iterator[Value | Unreadable | Ambiguity]:
        """The records, and what seems to be some. Raises `NoLogError`, before anything else, where there are none."""
        while self._pass_text() and self._endless < _ENDLESS:
            line, data = self._line, self._object()
            part = self._part(line, data)
            self._skip(self._at + len(data))
            if isinstance(part, Value):
                self._records += 1
            elif not self._records:
                # A tool's log has objects, too. Only beside records they are missed ones.
                self._evidence = self._evidence or _holds_records(data)
                if self._passed > _LOOKED_THROUGH:
                    break
                continue
            yield part
        if not self._records:
            raise self._refusal()
        if self._endless >= _ENDLESS:
            yield Unreadable(self._line, "too much in it that begins as an object and does not end", of_file=True)
        if self._evidence:
            yield Unreadable(0, _NOT_READ, of_file=True)
        elif self._around:
            lines = f"{self._around:,} lines of text are around {self._records:,} records, and are not read"
            yield Ambiguity(self._line, f"{lines}: see whether it is an export")

    def _part(self, line: int, data: bytes) -> Value | Unreadable:
        """What an object in the text is."""
        try:
            parsed: Any = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            # Programs have such objects by the thousand; to parse each takes long.
            parsed = literals.read(data.decode("utf-8", "replace")) if _holds_records(data) else None
            if parsed is None:
                return Unreadable(line, f"not JSON: {error}", data)
            data = json.dumps(parsed).encode()  # integers of any length
        known = recognise(parsed) is not GENERIC or containers.opened(parsed, data) is not None
        if known or (self._records and containers.has_identity(parsed)):
            return Value(line, data)
        return Unreadable(line, "an object in a text, of a shape that no mapper knows", data)

    def _refusal(self) -> NoLogError:
        refusal = self._prose.refusal
        if (printed := kinds.printed(self._printed.splitlines()[:_LINES])) is not None:
            return NoLogError(printed)
        return NoLogError(f"{_NOT_READ} ({refusal})") if refusal.harmless and self._evidence else refusal

    def _pass_text(self) -> bool:
        """Go to the next object; whether there is one, within what is looked through."""
        while True:
            start = _START.search(self._buffer, self._at)
            end = start.start() if start else max(self._at, len(self._buffer) - _SEAM)
            self._pass_over(end)
            if start:
                return True
            if (not self._records and self._passed > _LOOKED_THROUGH) or not self._fill():
                self._pass_over(len(self._buffer))
                return False

    def _pass_over(self, end: int) -> None:
        """Take note of text in which no object is."""
        text = self._buffer[self._at : end]
        self._evidence = self._evidence or _holds_records(text)
        if len(self._printed) < _SEAM * _LINES:
            self._printed += text.decode("utf-8", "replace")
        *before, _ = text.split(b"\n")
        self._around += sum(_WORD.search(line) is not None for line in before)
        self._skip(end)

    def _object(self) -> bytes:
        """The object that begins here; of one that does not end, its first line."""
        depth, position = 0, self._at
        while True:
            depth, position, ended = walk(self._buffer, depth, position)
            if ended:
                return self._buffer[self._at : position]
            position -= self._at
            if len(self._buffer) - self._at > _LONGEST or not self._fill():
                break
        self._endless += 1
        newline = self._buffer.find(b"\n", self._at)
        return self._buffer[self._at : newline if newline != -1 else len(self._buffer)]

    def _skip(self, to: int) -> None:
        self._line += self._buffer.count(b"\n", self._at, to)
        self._passed += to - self._at
        self._at = to

    def _fill(self) -> bool:
        """Read more, and drop what was passed over, so `_at` becomes 0; False at the end."""
        more = self._prose.lines.part().encode()
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)


def _holds_records(text: bytes) -> bool:
    return kinds.holds_records(text.decode("utf-8", "replace"))

"""An entry in a format, and how it is made to fit a destination. Pure.

The rule by which an entry that is too large is cut is one for all formats and destinations: the entry's OCSF event is
replaced by the longest of its shorter forms (`contracts.shorter_events`) that fits once it is encoded. First goes the
record's own text, then what has no home in OCSF, then all but what every event of its class has. Whoever reads the
event sees `metadata.is_truncated`, and `truncated` in AOC's own marks. What fits in no form is refused, never sent
and never tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aoc_common.contracts.shorter_events import shorter_forms
from aoc_common.errors import Malformed, Permanent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_exporter.entry import Entry


class Shape(StrEnum):
    """What the bytes of an item are. Never with a line break in them.

    `OBJECT`: a JSON object of ours, whose members have names that we gave. `RECORD`: a JSON object as Microsoft wrote
    it. `TEXT`: a line of text in UTF-8.
    """

    OBJECT = "object"
    RECORD = "record"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, what its bytes are, and how they are made. `encode` may raise `Malformed`.

    - `dated`: its objects have `@timestamp`.
    - `shaped`: a source for each of the shapes that it has for records of Microsoft's alone.
    """

    name: str
    shape: Shape
    encode: Callable[[Entry], bytes]
    dated: bool = False
    shaped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as a destination gets it. `data`: in that format; `cut`: of a shorter form of the entry.

    `anew`: somebody wants it sent again, also where it is.
    """

    entry: Entry
    format: Format
    data: bytes
    cut: bool = False
    anew: bool = False

    @property
    def key(self) -> str:
        """By which it is known at the destination."""
        return self.entry.key

    @property
    def mark(self) -> bytes:
        """What AOC knows of it, as a JSON object."""
        return self.entry.mark(cut=self.cut)


class TooLarge(Permanent):
    """In no form does an entry fit its destination."""


def fit(entry: Entry, form: Format, limit: int) -> Item:
    """The entry in that format, in at most `limit` bytes, cut if it has to be.

    Raises `TooLarge` when nothing of it fits, and `Malformed` for an entry that cannot be read.
    """
    data = form.encode(entry)
    if len(data) <= limit:
        return Item(entry, form, data)
    for shorter in _shorter(entry):
        data = form.encode(shorter)
        if len(data) <= limit:
            return Item(shorter, form, data, cut=True)
    raise TooLarge(f"{entry.kind} {entry.key}: {limit:,} bytes hold it in no form")


def _shorter(entry: Entry) -> list[Entry]:
    try:
        return [entry.shortened(form) for form in shorter_forms(entry.event, len(entry.body))]
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"{entry.kind} {entry.key}: no OCSF event: {type(error).__name__} {error}") from None

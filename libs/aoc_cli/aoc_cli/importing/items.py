"""What reading a document gives: records, and what is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Why a row of an export is no record that is missed.
EMPTY_ROW: Final = "AuditData is empty"


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


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """What can be read in two ways in the table whose rows came before, and how it was read."""

    line: int
    reason: str


type Item = Record | Unreadable | Ambiguity


def is_empty_row(item: Record | Unreadable) -> bool:
    """Whether it is a row that holds no record, as exports have them."""
    return isinstance(item, Unreadable) and item.reason == EMPTY_ROW

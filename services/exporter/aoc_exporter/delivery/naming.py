"""Names of files, made of what is in them: the same entries make the same file again. Pure."""

from __future__ import annotations

import hashlib
import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aoc_exporter.item import Item

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")
#: The day of what says no time.
_UNDATED: Final = "1970-01-01"


def safe(text: str) -> str:
    """A text as one part of a path: what a path may not have is an underscore, and nothing leads elsewhere."""
    return _UNSAFE.sub("_", text)[:100] or "_"


def day(item: Item) -> str:
    """The day on which it happened, `YYYY-MM-DD`, in UTC."""
    return (item.entry.timestamp or _UNDATED)[:10]


def file_name(items: Iterable[Item]) -> str:
    """Of the entries' keys, whatever their order."""
    return hashlib.sha256("\n".join(sorted(item.key for item in items)).encode()).hexdigest()[:32]


def grouped[K: tuple[str, ...]](items: Sequence[Item], by: Callable[[Item], K]) -> Iterator[tuple[K, list[Item]]]:
    """Items that belong into one file, sorted by time."""
    for key, group in groupby(sorted(items, key=by), key=by):
        yield key, sorted(group, key=lambda item: (item.entry.time_ms, item.key))

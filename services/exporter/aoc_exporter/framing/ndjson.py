"""NDJSON: a document a line, with AOC's own marks in its member `aoc`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_exporter.framing.members import document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_exporter.item import Item


def line(item: Item) -> bytes:
    """One line, its end included."""
    return document(item) + b"\n"


def body(items: Iterable[Item]) -> bytes:
    """A line each."""
    return b"".join(map(line, items))

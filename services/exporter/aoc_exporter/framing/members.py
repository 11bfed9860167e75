"""JSON objects joined from bytes. Pure; nothing is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aoc_exporter.item import Shape

if TYPE_CHECKING:
    from aoc_exporter.item import Item


def quoted(text: bytes) -> bytes:
    """A JSON string of UTF-8."""
    return orjson.dumps(text.decode())


def value(item: Item) -> bytes:
    """The item as a JSON value: an object as it is, a text as a string."""
    return quoted(item.data) if item.format.shape is Shape.TEXT else item.data


def before(members: bytes, json: bytes) -> bytes:
    """A JSON object with members before its own. `members`: `"name":value` with commas between."""
    rest = json[1:].lstrip()
    return b"{" + members + (b"" if rest == b"}" else b",") + rest


def document(item: Item, *, dated: bool = False) -> bytes:
    """The item as one JSON object that says what AOC knows of it, in `aoc`.

    `dated`: with `@timestamp`, too. An object of ours has its members beside; a record, whose names are not ours, is
    the member `record`, and text is the member `message`.
    """
    members = b'"aoc":' + item.mark
    if dated and not item.format.dated:
        members = b'"@timestamp":"' + item.entry.dated.encode() + b'",' + members
    if item.format.shape is Shape.OBJECT:
        return before(members, item.data)
    name = b"record" if item.format.shape is Shape.RECORD else b"message"
    return b"{" + members + b',"' + name + b'":' + value(item) + b"}"

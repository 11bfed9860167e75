"""The `_bulk` body of Elasticsearch and OpenSearch. Pure.

`create` is what data streams take. `_id` is the entry's key, so that a repeat is refused with 409 and a version is a
document of its own. Records and texts travel as `message`: as fields their names would be a stranger's to choose. What
Elastic's own integrations read is a format of its own (`encoders.elastic`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aoc_exporter.framing.members import document, quoted
from aoc_exporter.item import Shape

if TYPE_CHECKING:
    from aoc_exporter.item import Item


def action(item: Item, index: str) -> bytes:
    """The line before a document. `index`: an index, or a data stream."""
    return orjson.dumps({"create": {"_index": index, "_id": item.key}})


def pair(item: Item, index: str) -> bytes:
    """Both lines of an item, their ends included."""
    if item.format.shape is Shape.OBJECT:
        source = document(item, dated=True)
    else:
        marks = b'{"@timestamp":"' + item.entry.dated.encode() + b'","aoc":' + item.mark
        source = marks + b',"message":' + quoted(item.data) + b"}"
    return action(item, index) + b"\n" + source + b"\n"

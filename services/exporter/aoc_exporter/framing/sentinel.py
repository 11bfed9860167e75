"""Rows of a table in Log Analytics, and the columns of that table. Pure.

The columns stand here once: a table, a rule and what is sent are made from them, so they cannot disagree. None has a
reserved name (`id`, `Type`, `Title`, `TenantId`, `UniqueId`), or more than 45 characters.

`TimeGenerated` older than 2 days is replaced by the time of receipt, so `EventTime` goes along. A field has 64 kB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from aoc_exporter.framing.members import value
from aoc_exporter.item import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_exporter.item import Item

#: Bytes of the longest field; the event is the only one that could be longer.
FIELD_BYTES: Final = 64_000
#: Name of the table without `_CL`, unless somebody chooses another one.
TABLE: Final = "AocEvents"
LONGEST_NAME: Final = 45
RESERVED: Final = frozenset({"id", "type", "title", "tenantid", "uniqueid"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type`: as Log Analytics calls it."""

    name: str
    type: str
    description: str


COLUMNS: Final = (
    Column("TimeGenerated", "datetime", "When it happened, or when it was received if that is not known or long ago"),
    Column("EventTime", "datetime", "When it happened"),
    Column("EventId", "string", "The same for all versions of an event"),
    Column("EventRevision", "int", "Number of the version, from 1"),
    Column("EventKind", "string", "event, alert or audit"),
    Column("AocTenant", "string", "Short name of the tenant in AOC"),
    Column("EventSource", "string", "Source of the record, e.g. graph-signins"),
    Column("ClassUid", "int", "OCSF class"),
    Column("Operation", "string", "What was done"),
    Column("EventFormat", "string", "Format of what is in Event or Text"),
    Column("Truncated", "boolean", "The event is a shorter form of what AOC has"),
    Column("Retrospective", "boolean", "It came long after it had happened"),
    Column("Labels", "dynamic", "What the sink says of all it sends"),
    Column("Event", "dynamic", "The event as an object"),
    Column("Text", "string", "The event as text, in formats that are no JSON"),
)


def stream(table: str) -> str:
    """The stream of a rule that fills this table. `table`: without `_CL`."""
    return f"Custom-{table}"


def row(item: Item) -> bytes:
    """One row, a JSON object."""
    entry = item.entry
    said = {
        "TimeGenerated": entry.dated,
        "EventTime": entry.timestamp,
        "EventId": entry.id,
        "EventRevision": entry.revision,
        "EventKind": entry.kind.value,
        "AocTenant": entry.tenant,
        "EventSource": entry.source,
        "ClassUid": entry.class_uid,
        "Operation": entry.operation,
        "EventFormat": item.format.name,
        "Truncated": item.cut or entry.truncated,
        "Retrospective": entry.retrospective,
        "Labels": dict(entry.labels),
    }
    name = b',"Text":' if item.format.shape is Shape.TEXT else b',"Event":'
    return orjson.dumps(said)[:-1] + name + value(item) + b"}"


def body(rows: Iterable[bytes]) -> bytes:
    """The body of a call: an array."""
    return b"[" + b",".join(rows) + b"]"

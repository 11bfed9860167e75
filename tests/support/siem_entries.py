"""Entries to export, made of made-up records by the project's own normalizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.ids import event_id
from aoc_exporter.entry import Entry, Kind
from aoc_exporter.formats import FORMATS
from aoc_exporter.item import Item, fit
from made_events import event_of

if TYPE_CHECKING:
    from uuid import UUID

#: More than any entry of these tests has.
ROOMY = 64 * 1024 * 1024
NOVEMBER = 1_795_419_000_000


def entry_of(record: dict[str, Any]) -> Entry:
    """The entry of the event that a record becomes."""
    event = event_of(record)
    message = EventMessage(
        event.id, event.tenant, event.source, event.class_uid, event.operation, 1, None, None, None, event.message()
    )
    return Entry.of_event(message)


def made_id(number: int, time_ms: int = NOVEMBER) -> UUID:
    """The id of the event with that number."""
    return event_id("contoso", "made", str(number), time_ms)


def entry(number: int = 1, body: bytes | None = None, **changes: Any) -> Entry:
    """An entry by its number, with a body that says it."""
    said = {"class_uid": 6003, "time": NOVEMBER, "message": f"number {number}", "metadata": {"version": "1.8.0"}}
    parts: dict[str, Any] = {
        "kind": Kind.EVENT,
        "id": str(made_id(number)),
        "revision": 1,
        "tenant": "contoso",
        "source": "graph-signins",
        "class_uid": 6003,
        "operation": "Made",
        "time_ms": NOVEMBER,
        "body": orjson.dumps(said) if body is None else body,
    }
    return Entry(**parts | changes)


def item(number: int = 1, form: str = "ocsf", **changes: Any) -> Item:
    """The same in a format."""
    return fit(entry(number, **changes), FORMATS[form], ROOMY)


def items(count: int, form: str = "ocsf", **changes: Any) -> list[Item]:
    """Items numbered from 1."""
    return [item(number, form, **changes) for number in range(1, count + 1)]

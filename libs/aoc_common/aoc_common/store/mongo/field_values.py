"""The values of some fields of the newest events that match: what is counted, and shown over time, is made of these.

They are read along the access path of the query, a bounded number of documents together, of each the fields that are
asked for and no more. For a reader from whom a query could tell what is hidden, whole events are read as he sees them
(`visible_events`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.ids import to_ms
from aoc_common.errors import Malformed, TimedOut, Unreachable
from aoc_common.store.mongo.tag_search import asks_for_tags
from aoc_common.store.mongo.visible_events import Find, VisibleEvents, hides_something_from
from aoc_common.store.searches import FIELDS, FieldRow, FieldValues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.privacy.fields import PrivateField
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

#: Documents that are read together.
_TOGETHER: Final = 5_001
#: Of a field that stands inside of the event: where.
_INSIDE: Final[Mapping[str, tuple[str, ...]]] = {"country": ("event", "src_endpoint", "location", "country")}
#: Fields whose values can be hidden -> their kind.
_PRIVATE: Final[Mapping[str, PrivateField]] = {"ip": "address", "country": "location"}


def check_fields(fields: Sequence[str]) -> None:
    """Raises `Malformed` for a field that is not one of `FIELDS`."""
    if unknown := set(fields) - set(FIELDS):
        raise Malformed(f"there is no such field: {', '.join(sorted(unknown))}")


async def field_values(
    find: Find, visible: VisibleEvents, query: EventQuery, fields: Sequence[str], most: int, pace: Pace | None
) -> FieldValues:
    """See `EventSearch.field_values`. Raises the driver's errors, and what `find` raises for its first documents."""
    if hides_something_from(query):
        return await _of_seen(visible, query, fields, most, pace)
    places = {"_id": 1, **dict.fromkeys(map(_place, fields), 1)}
    shown = [None if _hidden(field, query.scope) else _INSIDE.get(field, (field,)) for field in fields]
    rows: list[FieldRow] = []
    asked = query
    while True:
        size = min(_TOGETHER, most + 1 - len(rows))
        try:
            result = await find(asked, size, places, pace)
        except (Unreachable, TimedOut):
            if not rows:
                raise
            return FieldValues(rows[:most], complete=False, searched_to=asked.before)
        rows += [
            FieldRow(document["_id"].int >> 80, tuple([_text(document, place) for place in shown]))
            for document in result.documents
        ]
        if len(result.documents) < size or len(rows) > most:
            return _bounded(rows, most, result.searched_to)
        asked = replace(asked, before=result.documents[-1]["_id"])


async def value_counts(
    find: Find, visible: VisibleEvents, query: EventQuery, fields: Sequence[str], most: int, pace: Pace | None
) -> tuple[list[Counter[str | None]], FieldValues]:
    """Of each field how often each value is among the newest `most` events that match; how far these go (no rows)."""
    if hides_something_from(query) or asks_for_tags(query):
        found = await field_values(find, visible, query, fields, most, pace)
        counts = [Counter(row.values[position] for row in found.rows) for position in range(len(fields))]
        return counts, replace(found, rows=[])
    places = [None if _hidden(field, query.scope) else _INSIDE.get(field, (field,)) for field in fields]
    # Without their ids: to make a UUID costs four times as much as the rest of such a document.
    result = await find(query, most + 1, {"_id": 0, **dict.fromkeys(map(_place, fields), 1)}, pace)
    counted = result.documents[:most]
    counts = [Counter([_text(document, place) for document in counted]) for place in places]
    return counts, FieldValues([], len(result.documents) <= most and result.searched_to is None, result.searched_to)


async def _of_seen(
    visible: VisibleEvents, query: EventQuery, fields: Sequence[str], most: int, pace: Pace | None
) -> FieldValues:
    rows: list[FieldRow] = []
    searched_to: UUID | None = None
    async for batch in visible.batches(query, most + 1, pace):
        rows += [
            FieldRow(to_ms(event.time), tuple(_of_event(event, field, query.scope) for field in fields))
            for event in batch.events
        ]
        searched_to = batch.searched_to
    return _bounded(rows, most, searched_to)


def _bounded(rows: list[FieldRow], most: int, searched_to: UUID | None) -> FieldValues:
    return FieldValues(rows[:most], complete=len(rows) <= most and searched_to is None, searched_to=searched_to)


def _of_event(event: StoredEvent, field: str, scope: Scope) -> str | None:
    """The value of an event that is shown."""
    if _hidden(field, scope):
        return None
    value = _text({"event": event.ocsf}, _INSIDE[field]) if field in _INSIDE else getattr(event, field)
    return value if isinstance(value, str) else None


def _text(document: Mapping[str, Any], place: tuple[str, ...] | None) -> str | None:
    """The text that stands there; None where there is none, or its place is hidden."""
    if place is None:
        return None
    value: object = document
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _place(field: str) -> str:
    return ".".join(_INSIDE.get(field, (field,)))


def _hidden(field: str, scope: Scope) -> bool:
    """Whether all values of a field are hidden."""
    return _PRIVATE.get(field, field) in scope.hidden.fields

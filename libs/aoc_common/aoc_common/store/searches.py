"""What is asked of stored events. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.query.filters import Clause
    from aoc_common.store.pace import Pace

#: Fields whose values can be counted.
FIELDS: Final = ("source", "service", "operation", "result", "actor", "ip", "country")


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A search over one tenant's events, as a reader may see them, newest first.

    `where`: clauses that must all match (see `contracts.query`). `start` inclusive, `end` exclusive, UTC.
    `before`: only ids below this one (keyset pagination). `twins`: False leaves out the second of two twins.
    """

    scope: Scope
    where: tuple[Clause, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    before: UUID | None = None
    twins: bool = True
    limit: int = 50

    @property
    def tenant(self) -> str:
        """Whose events."""
        return self.scope.tenant


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events newest first; `more` tells whether older ones match.

    `searched_to`: set when the search stopped before its end and before the page was full; ids below it were not looked
    at, and `EventQuery.before` goes on there.
    """

    events: tuple[StoredEvent, ...]
    more: bool
    searched_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Field -> (value, count), most frequent first. Not `complete`: more events match than were looked at, or may.

    `searched_to`: as in `EventPage`.
    """

    fields: Mapping[str, list[tuple[str, int]]]
    complete: bool
    searched_to: UUID | None = None


class FieldRow(NamedTuple):
    """Of one event: when it happened, in ms since 1970, and its values, in the order in which fields were asked for.

    A value is None where the event has none, or none that its reader may see.
    """

    time_ms: int
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class FieldValues:
    """A row for each event, newest first. Not `complete`: more events match than were looked at, or may.

    `searched_to`: as in `EventPage`.
    """

    rows: list[FieldRow]
    complete: bool
    searched_to: UUID | None = None


class EventSearch(Protocol):
    """Reads events."""

    async def search(self, query: EventQuery, pace: Pace | None = None, *, raw: bool = False) -> EventPage:
        """One page, newest first; records' own text with `raw` only. Without a `pace`, it goes on to its end."""
        ...

    async def get(self, scope: Scope, event_id: UUID) -> StoredEvent | None:
        """One event with its raw text."""
        ...

    async def versions(self, scope: Scope, event_id: UUID, after: int = 0) -> list[StoredEvent]:
        """Versions of an event with their raw text, the first first; the event alone when it never changed.

        At most 200, those whose number is above `after`.
        """
        ...

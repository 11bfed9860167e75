"""Events as a reader sees them from whom something is hidden.

Hidden services and operations are conditions of every query (`conditions.not_hidden`, `access_paths`). What they leave
is looked at here:

- Hidden values are taken out (`contracts.privacy`).
- An event counts as found only if the query matches what is left of it: search terms are made of hidden values, too,
  and of versions that are hidden. What a query leaves out (`-word`) is therefore left out here, not by the database, or
  what is missing would tell what is hidden.
- A link to a twin that is hidden is no link, and a second event whose first one is hidden stands for itself.

So documents are read in batches until there are enough; all is bounded, and a search that stops says where.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING, Any, Final, Protocol

from aoc_common.contracts.privacy.seen import found_by, seen
from aoc_common.contracts.query.matching import matches
from aoc_common.errors import TimedOut, Unreachable
from aoc_common.store.mongo import conditions
from aoc_common.store.mongo.client import BATCH_SIZE
from aoc_common.store.mongo.stored_event import stored
from aoc_common.store.searches import EventPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from uuid import UUID

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.query.filters import Clause, Field
    from aoc_common.store.mongo.client import Document
    from aoc_common.store.mongo.event_walk import SearchResult
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery

#: Fields that no hidden value stands in. By all others events are found by what they, and their versions, tell.
_PLAIN: Final[frozenset[Field]] = frozenset(
    {"source", "service", "operation", "result", "actor", "correlation_id", "tag"}
)
#: Whole documents that are read together, each of them half a mebibyte at most, and of one search altogether.
_TOGETHER: Final = 50
_LEAST: Final = 16
_MOST: Final = 2_000
#: All of a document that an event is made of.
WHOLE: Final[Mapping[str, Any]] = {"expire_at": 0}


class Find(Protocol):
    """Finds documents."""

    async def __call__(
        self, query: EventQuery, limit: int, fields: Mapping[str, Any], pace: Pace | None
    ) -> SearchResult:
        """The newest `limit` documents that match; of each only `fields`."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are seen. `last`: none follow; `searched_to`: unless the search stopped before its end, there."""

    events: list[StoredEvent]
    last: bool
    searched_to: UUID | None = None


def hides_something_from(query: EventQuery) -> bool:
    """Whether what the database counts may be other than what the reader sees."""
    hidden = query.scope.hidden
    if not hidden:
        return False
    whole = hidden.services or hidden.operations
    return any(map(_tells, query.where)) or bool(whole and not query.twins)


class VisibleEvents:
    """Reads events for scopes that hide something. Every method may raise the driver's errors."""

    def __init__(self, events: AsyncIOMotorCollection[Document], find: Find) -> None:
        self._events = events
        self._find = find

    async def page(self, query: EventQuery, pace: Pace | None, *, raw: bool = False) -> EventPage:
        """One page, newest first; records' own text, as far as it is seen, with `raw` only."""
        events: list[StoredEvent] = []
        searched_to = None
        async for batch in self.batches(query, query.limit + 1, pace):
            events += batch.events if raw else [replace(event, raw=None) for event in batch.events]
            searched_to = batch.searched_to
        more = len(events) > query.limit
        return EventPage(tuple(events[: query.limit]), more, None if more else searched_to)

    async def count(self, query: EventQuery, most: int, pace: Pace | None) -> tuple[int, bool]:
        """How many are seen, at most `most`, and whether these are all."""
        number, searched_to = 0, None
        async for batch in self.batches(query, most + 1, pace):
            number += len(batch.events)
            searched_to = batch.searched_to
        return min(number, most), number <= most and searched_to is None

    async def batches(self, query: EventQuery, enough: int, pace: Pace | None) -> AsyncIterator[Batch]:
        """The events that are seen, newest first, until there are enough of them or none follow."""
        asked = replace(query, where=_pushed(query.where), twins=query.twins or bool(_whole(query.scope)))
        number = looked_at = 0
        while True:
            size = min(_TOGETHER, max(enough - number, _LEAST))
            try:
                result = await self._find(asked, size, WHOLE, pace)
            except (Unreachable, TimedOut):
                if asked.before is query.before:
                    raise
                # There was no time for another batch.
                yield Batch([], last=True, searched_to=asked.before)
                return
            events = await self._seen(result.documents, query)
            number, looked_at = number + len(events), looked_at + len(result.documents)
            if len(result.documents) < size or number >= enough:
                searched_to = result.searched_to if number < enough else None
                yield Batch(events, last=True, searched_to=searched_to)
                return
            lowest = result.documents[-1]["_id"]
            if looked_at >= _MOST:
                yield Batch(events, last=True, searched_to=lowest)
                return
            yield Batch(events, last=False)
            asked = replace(asked, before=lowest)

    async def of(self, documents: Iterable[Document], scope: Scope) -> list[StoredEvent]:
        """Documents of a tenant as the reader sees them, without those that he does not see."""
        return await self._linked(await asyncio.to_thread(_shown, documents, scope, ()), scope)

    async def _seen(self, documents: Sequence[Document], query: EventQuery) -> list[StoredEvent]:
        told = [clause for clause in query.where if _tells(clause)]
        # Records can be large, and are written by others: nobody else waits for them to be looked through.
        found = await asyncio.to_thread(_shown, documents, query.scope, told)
        events = await self._linked(found, query.scope)
        return events if query.twins else [event for event in events if event.twin_of is None]

    async def _linked(self, events: Sequence[tuple[StoredEvent, StoredEvent]], scope: Scope) -> list[StoredEvent]:
        """What is shown of events, with their links to twins that are seen."""
        if not _whole(scope):
            return [shown for _event, shown in events]
        linked = {other for event, _ in events for other in (event.twin, event.twin_of) if other is not None}
        visible: set[UUID] = set()
        for some in batched(linked, BATCH_SIZE):
            selected = {"tenant": scope.tenant, "_id": {"$in": list(some)}, "$and": conditions.not_hidden(scope.hidden)}
            visible |= {document["_id"] async for document in self._events.find(selected, {"_id": 1})}
        return [
            replace(
                shown,
                twin=event.twin if event.twin in visible else None,
                twin_of=event.twin_of if event.twin_of in visible else None,
            )
            for event, shown in events
        ]


def _shown(
    documents: Iterable[Document], scope: Scope, told: Sequence[Clause]
) -> list[tuple[StoredEvent, StoredEvent]]:
    """Events that the reader sees and that match what he asks for, as they are and as he sees them."""
    found = []
    # Of an event that has neither hidden values nor other versions, the database knows whether it matches.
    left_out = [clause for clause in told if clause.excluded]
    for document in documents:
        event = stored(document)
        shown = seen(event, scope.hidden)
        unknown = told if scope.hidden.fields or event.versions > 1 else left_out
        if shown is not None and _is_found(shown, unknown, document):
            found.append((event, shown))
    return found


def _is_found(shown: StoredEvent, told: Sequence[Clause], document: Document) -> bool:
    """Whether what is left of an event matches."""
    return not told or matches(told, found_by(shown, document.get("terms", ())))


def _tells(clause: Clause) -> bool:
    """Whether what a clause finds may tell what is hidden."""
    return clause.field not in _PLAIN


def _whole(scope: Scope) -> frozenset[str]:
    """What hides events as a whole."""
    return scope.hidden.services | scope.hidden.operations


def _pushed(where: Iterable[Clause]) -> tuple[Clause, ...]:
    """What the database may filter by: not by the absence of what may be hidden."""
    return tuple(clause for clause in where if not (clause.excluded and _tells(clause)))

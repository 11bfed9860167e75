"""Whether somebody used something for the first time, by the events that are stored: bounded in events and in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.query import values
from aoc_common.contracts.uses import used
from aoc_common.errors import TimedOut
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.uses import Use
    from aoc_common.store.searches import EventSearch

#: Events of an actor that are looked at: the newest before the one in question.
MOST_EVENTS: Final = 5_000
#: Seconds for one question, and for all that it asks of the store.
_SECONDS: Final = 2.0
_AT_MOST_S: Final = 5.0
_FIRST_PAGE: Final = 50
_PAGE: Final = 500


class FirstUses:
    """Looks for earlier uses by the index over what events are found by."""

    def __init__(self, search: EventSearch) -> None:
        self._search = search

    async def is_first(self, scope: Scope, use: Use) -> bool | None:
        """Whether none of the actor's stored events before this one has the same; None: not to be said in time.

        Raises `Transient` when the store is away.
        """
        try:
            async with asyncio.timeout(_AT_MOST_S):
                return await self._is_first(scope, use)
        except (TimedOut, TimeoutError):
            return None

    async def _is_first(self, scope: Scope, use: Use) -> bool | None:
        where = [values.clause("actor", use.actor)]
        pace = _InTime(_SECONDS)
        if use.known_since is not None:
            before = EventQuery(scope, tuple(where), end=use.known_since, limit=1)
            page = await self._search.search(before, pace)
            if not page.events:
                return None if page.searched_to is not None else False
        if use.kind == "operation":
            where.append(values.clause("operation", next(iter(use.names))))
        query = EventQuery(scope, tuple(where), start=use.since, before=use.event, limit=_FIRST_PAGE)
        looked = 0
        while True:
            page = await self._search.search(query, pace)
            if any(_is_one(event, use) for event in page.events):
                return False
            looked += len(page.events)
            if page.searched_to is not None:
                return None
            if not page.more or looked >= MOST_EVENTS:
                return True
            query = replace(query, before=page.events[-1].id, limit=_PAGE)


def _is_one(event: StoredEvent, use: Use) -> bool:
    """Whether an event is another use of the same by the same actor, and no twin of the one in question."""
    own = {use.event, use.same}
    if event.id in own or event.twin_of in own or event.twin in own:
        return False
    if event.actor is None or spelling.actor(event.actor) != use.actor:
        return False
    return not used(use.kind, event.operation, event.ocsf).isdisjoint(use.names)


class _InTime:
    """`Pace` of what others wait for: it stops when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:  # noqa: ARG002
        """What is left of it."""
        left = self._ends - time.monotonic()
        yield left if left > 0 else None

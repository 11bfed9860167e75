"""The event that a path names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.problems import Problem
from aoc_common.gateway.events import FieldError

if TYPE_CHECKING:
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.searches import EventSearch


async def event_of(search: EventSearch, scope: Scope, event_id: UUID) -> StoredEvent:
    """The event. Raises a problem for an id that the tenant does not have, or that is hidden: wrong id, or tenant."""
    found = await search.get(scope, event_id)
    if found is None:
        error = FieldError(location="path", name="event_id", detail=f"tenant {scope.tenant} has no event {event_id}")
        raise Problem("not-found", "There is no such event in this tenant.", [error])
    return found

"""Events as readers see them: made once for all from whom the same is hidden, and not by the loop that serves them.

What is hidden is taken out before anything is compared with a query, as in every search (docs/adr/0041). Where a
message does not tell enough to know what has to be hidden, the store is asked; what it does not know is not shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cachetools import LRUCache

from aoc_common.contracts.access import Scope
from aoc_common.contracts.live_event import stored_of
from aoc_common.contracts.privacy.seen import seen
from aoc_common.contracts.query.matching import Facts, facts_in
from aoc_common.gateway.events import EventSummary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_api.tail.entries import Entry
    from aoc_common.contracts.access import Hidden
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.event_message import EventMessage

#: Bytes of the events whose views are remembered; each counts for this much at most.
_REMEMBERED: Final = 4 << 20
_COUNTED: Final = 1 << 20

type Get = Callable[[Scope, UUID], Awaitable[StoredEvent | None]]
"""One event of the store, as it may be seen. May raise `Transient`."""


@dataclass(frozen=True, slots=True)
class View:
    """An event as it is shown.

    `text`: its summary as JSON, in one line. `second`: another one stands for it. `size`: bytes of its message.
    """

    text: str
    facts: Facts
    time: datetime
    second: bool
    size: int


class Views:
    """Makes views of one tenant's events."""

    def __init__(self, tenant: str, get: Get) -> None:
        self._tenant = tenant
        self._get = get
        self._known: LRUCache[tuple[Hidden, UUID, int], View | None] = LRUCache(_REMEMBERED, _size)
        self._making = asyncio.Lock()

    async def of(self, entries: Sequence[Entry], hidden: Hidden, *, shared: bool) -> list[View | None]:
        """Of each entry its view; None where it is not seen. `shared`: others will ask for the same.

        May raise `Transient`.
        """
        messages = [entry.message for entry in entries]
        if not shared:
            return await self._made(messages, hidden)
        async with self._making:
            keys = [(hidden, *message.key) for message in messages]
            views = {key: self._known[key] for key in keys if key in self._known}
            lacking = {key: message for key, message in zip(keys, messages, strict=True) if key not in views}
            if lacking:
                made = dict(zip(lacking, await self._made(list(lacking.values()), hidden), strict=True))
                self._known.update(made)
                views |= made
            return [views[key] for key in keys]

    async def _made(self, messages: Sequence[EventMessage], hidden: Hidden) -> list[View | None]:
        if not hidden:
            return await asyncio.to_thread(_shown, messages)
        found = [await self._known_event(message, hidden) for message in messages]
        firsts = [await self._sees_first(message, hidden) for message in messages]
        # In a thread: records can be large, and are written by others.
        return await asyncio.to_thread(_redacted, messages, found, firsts, hidden)

    async def _known_event(self, message: EventMessage, hidden: Hidden) -> StoredEvent | None:
        """The event, with all by which it is known what has to be hidden; None where that is not known."""
        untold = hidden.services and not message.service
        # Of a record that is not whole, values are not known by their names.
        if untold or (hidden.fields and message.truncated):
            return await self._get(Scope(self._tenant), message.id)
        return stored_of(message)

    async def _sees_first(self, message: EventMessage, hidden: Hidden) -> bool:
        """Whether the event whose twin this one is can be seen; where it is hidden, this one stands for itself."""
        if message.twin_of is None or not (hidden.services or hidden.operations):
            return True
        return await self._get(Scope(self._tenant, hidden), message.twin_of) is not None


def _size(view: View | None) -> int:
    return 1 if view is None else min(view.size, _COUNTED)


def _shown(messages: Sequence[EventMessage]) -> list[View | None]:
    return [_view(message, stored_of(message), facts_in(message.event, message)) for message in messages]


def _redacted(
    messages: Sequence[EventMessage], found: Sequence[StoredEvent | None], firsts: Sequence[bool], hidden: Hidden
) -> list[View | None]:
    views: list[View | None] = []
    for message, event, sees_first in zip(messages, found, firsts, strict=True):
        shown = None
        if event is not None and not hidden.hides(event.service, message.operation):
            shown = seen(event, hidden)
        if shown is None:
            views.append(None)
            continue
        shown = replace(shown, twin_of=message.twin_of if sees_first else None)
        whole: dict[str, Any] = {**shown.ocsf, "raw_data": shown.raw, "unmapped": shown.unmapped}
        views.append(_view(message, shown, facts_in(whole, replace(message, service=shown.service))))
    return views


def _view(message: EventMessage, shown: StoredEvent, facts: Facts) -> View:
    text = EventSummary.of(shown).model_dump_json()
    return View(text, facts, shown.time, shown.twin_of is not None, len(message.body))

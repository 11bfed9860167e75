"""All events of a search, page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_api.export.rights import Rights
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery, EventSearch

#: Events of a page: of the first one, and of any. One can have half a mebibyte.
_FIRST: Final = 50
_LEAST: Final = 10
_MOST: Final = 200
#: Bytes that a page is aimed to have, as JSON.
_AIM: Final = 2 << 20


async def pages(
    search: EventSearch, query: EventQuery, pace: Pace, rights: Rights, *, raw: bool
) -> AsyncGenerator[Sequence[StoredEvent]]:
    """The events that match, newest first, each once; with `raw`, with their records' own text.

    Goes on below the last id of the page before, so events that are stored meanwhile neither repeat nor shift others;
    one whose time lies behind is left out. The larger events are, the fewer are in memory at once.
    Raises `Transient` when the store is away, `RightsLost` when its reader may not see them any more.
    """
    limit = _FIRST
    while True:
        page = await search.search(replace(query, limit=limit), pace, raw=raw)
        if page.events:
            yield page.events
            limit = max(_LEAST, min(_MOST, _AIM // _size_of(page.events)))
        before = page.events[-1].id if page.more else page.searched_to
        if before is None:
            return
        await rights.check()
        query = replace(query, before=before)


def _size_of(events: Sequence[StoredEvent]) -> int:
    """Bytes of an event, about: of the largest of a few."""
    some = events[:: max(1, len(events) // 8)]
    sizes = [len(event.raw or "") + len(orjson.dumps([event.ocsf, event.unmapped])) for event in some]
    return max(1, *sizes)

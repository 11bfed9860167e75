"""Searching back in time along an access path, window by window of ids: a search costs what it examines.

Windows are measured in events (`timeline`). They start small and grow while nothing matches, so a page reads about as
many documents as it shows, not all that match. Where nothing matches, all documents of the path are examined, a turn a
window. The duration of the last window limits the width of the next one. The server knows the end of the turn
(`maxTimeMS`); MongoDB obeys, SecantusDB only once it has read the whole window. A window that was cut off is repeated
with fewer ids and in twice the time: a database that is slow today needs longer even for few.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo.errors import ExecutionTimeout

from aoc_common.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.store.mongo.access_paths import AccessPath
    from aoc_common.store.mongo.client import Document
    from aoc_common.store.mongo.event_scans import Scanner
    from aoc_common.store.mongo.timeline import Timeline
    from aoc_common.store.pace import Pace

#: Events that the first window passes when there is a residual filter.
_FIRST: Final = 64
#: Growth of windows: of an exact path that had no documents, and of others.
_FAST_GROWTH: Final = 8
_GROWTH: Final = 4
#: As narrow as a window gets, in ids: so little of one ms that a million events in it are many windows.
_NARROWEST: Final = 1 << 60
#: Seconds that a window should take. The local server does nothing else while it reads one, however it is limited.
_AIM_S: Final = 0.03
#: Documents that a window should examine at most.
_MOST: Final = 1_000
#: Events are not spread evenly: a window is so much wider than the density demands.
_MARGIN: Final = 1.25


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The number of documents, their fields, and the pace of the search."""

    limit: int
    fields: Mapping[str, Any]
    pace: Pace


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Documents, newest first. `searched_to`: where the search stopped before its end; ids below were not looked at."""

    documents: list[Document]
    searched_to: UUID | None = None


async def walk(
    scanner: Scanner,
    path: AccessPath,
    ids: tuple[int, int],
    timeline: Timeline,
    density: float | None,
    request: PageRequest,
) -> SearchResult:
    """Windows back in time, until there are enough documents, the ids are exhausted, or the pace ends it.

    `ids`: the range [low, high). `density`: documents of the path per event, about; None when it is not known.
    Raises `TimedOut` when there was no time for a first window, and the driver's errors.
    """
    lowest, high = ids
    result: list[Document] = []
    windows = _Windows(exact=not path.residual, density=density, rereads=scanner.rereads(path))
    needed_s = 0.0
    while high > lowest and len(result) < request.limit:
        missing = request.limit - len(result)
        low = max(await timeline.below(high, windows.events(missing)), windows.lowest(high), lowest)
        async with request.pace.turn(needed_s) as seconds:
            if seconds is None:
                if high == ids[1]:
                    raise TimedOut("events: there was no time to look at any", retry_after=1)
                return SearchResult(result, UUID(int=high))
            started = time.perf_counter()
            try:
                documents = await _window(scanner, path, (low, high), missing, request.fields, seconds)
            except ExecutionTimeout:
                if high - low <= _NARROWEST and seconds < needed_s:
                    raise
                windows.cut_off(high - low)
                needed_s = 2 * seconds
                continue
        result += documents
        took_s = time.perf_counter() - started
        windows.done(len(documents), took_s)
        # Not all of it, once the database is itself again; as much, while it is slow with each question.
        needed_s = min(needed_s, 2 * took_s)
        high = low
    return SearchResult(result)


async def _window(
    scanner: Scanner, path: AccessPath, ids: tuple[int, int], limit: int, fields: Mapping[str, Any], seconds: float
) -> list[Document]:
    """The newest documents of a path between two ids, from all of its prefixes."""
    if len(path.prefixes) == 1:
        return await scanner.documents(scanner.scan(path, path.prefixes[0], *ids), limit, fields, seconds)
    deadline = time.monotonic() + seconds
    # Their ids tell which are the same, and the newest, also where nobody else asks for them.
    fields = {name: shown for name, shown in fields.items() if name != "_id" or shown}
    by_id: dict[UUID, Document] = {}
    for prefix in path.prefixes:
        remaining = max(deadline - time.monotonic(), 0.001)
        documents = await scanner.documents(scanner.scan(path, prefix, *ids), limit, fields, remaining)
        by_id |= {document["_id"]: document for document in documents}
    newest = sorted(by_id, key=lambda identity: identity.int, reverse=True)
    return [by_id[identity] for identity in newest[:limit]]


class _Windows:
    """The widths of the windows of one walk, in events. `exact`: all documents of the path match."""

    def __init__(self, *, exact: bool, density: float | None, rereads: bool) -> None:
        self._exact = exact
        self._density = density
        self._rereads = rereads
        self._passed = self._width = 0.0
        self._next: float | None = None
        self._most_ids: int | None = None
        self._missing = self._matches = 0

    def events(self, missing: int) -> float:
        """The width of the next window, when so many documents are missing."""
        self._missing = missing
        if self._next is None:
            self._next = min(missing * _MARGIN if self._exact else _FIRST, _MOST) / (self._density or 1)
        if self._rereads and not (self._exact and self._matches):
            # It reads the windows before it, too: their sum is small when each is much wider than the last.
            self._next = max(self._next, 3 * self._passed)
        self._width = self._next
        return self._width

    def lowest(self, high: int) -> int:
        """The lowest id of the next window."""
        return 0 if self._most_ids is None else high - self._most_ids

    def cut_off(self, ids: int) -> None:
        """The last window, of so many ids, was not read to its end."""
        self._most_ids = max(ids // _FAST_GROWTH, _NARROWEST)
        self._next = max(self._width / _FAST_GROWTH, 1)

    def done(self, matches: int, seconds: float) -> None:
        """The last window had so many documents that match, and took so long."""
        self._passed += self._width
        self._matches += matches
        if self._most_ids is not None:
            self._most_ids *= 2
        if matches:
            needed = self._width * (self._missing - matches) * _MARGIN / matches
            width = min(needed, self._width * _GROWTH)
        else:
            width = self._width * (_FAST_GROWTH if self._exact else _GROWTH)
        if not self._rereads:
            # Where windows are read again with each one, more of them would only cost more.
            by_time = min(max(_AIM_S / max(seconds, 0.001), 1 / _GROWTH), _FAST_GROWTH)
            width = min(width, self._width * by_time, _MOST / self._density if self._density else width)
        self._next = max(width, 1)

"""Searching back in time, a window of ids after the other: what a search costs is what it has looked at.

SecantusDB (the local stand-in) reads *every* document of a range before it sorts and limits (50 us each), and scans the
whole collection as soon as a filter has a field beyond its index. So each window is an aggregation whose first `$match`
is the index and whose second is the rest. An empty window costs under a millisecond; windows start small and grow: a
page reads about as many documents as it shows, not all that match.

Where nothing matches, all has to be looked at, a turn a window. The time that the last one took tells how wide the next
one may be. The server is told the end of the turn (`maxTimeMS`); MongoDB obeys, SecantusDB only once it has read the
whole window. One that was cut off is tried again narrower.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo.errors import ExecutionTimeout

from aoc_common.contracts.ids import to_ms
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Document
    from aoc_common.store.pace import Pace

#: Above every id. An id is a time in ms and, below it, 80 bits.
TOP: Final = 1 << 128
_MS: Final = 1 << 80
_DAY_MS: Final = 86_400_000
_FIRST: Final = 1_000 * _MS
#: As narrow as a window gets: so little of one ms that a million events in it are many windows.
_NARROWEST: Final = 1 << 60
_GROWTH: Final = 4
#: Seconds that a window should take. The local server does nothing else while it reads one, however it is limited.
_AIM_S: Final = 0.03
#: Windows over silent time stay this narrow for the last years, where evidence lies in dense heaps: a wider one could
#: swallow a heap whole. Further back there is little but records without a time, so windows grow on.
_WIDEST: Final = 30 * _DAY_MS * _MS
_RECENT_MS: Final = 10 * 365 * _DAY_MS
_REMEMBERED: Final = 1_024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query in parts: what the index serves, the range of ids [low, high), and what is left.

    `few`: what few events have, and another index serves; None for most queries.
    """

    index: Document
    low: int
    high: int
    rest: Document
    few: Document | None = None

    def whole(self) -> Document:
        """The filter as one document, for a server that plans."""
        return {**self.index, **self.rest, **_ids(self.low, self.high)}


@dataclass(frozen=True, slots=True)
class Found:
    """Documents, newest first. `searched_to`: where the search stopped before its end; ids below were not looked at."""

    documents: list[Document]
    searched_to: UUID | None = None


class EventWalk:
    """Walks over `events`."""

    def __init__(self, events: AsyncIOMotorCollection[Document], clock: Clock) -> None:
        self._events = events
        self._clock = clock
        # Tenant -> the newest id seen. Only a hint where to look first: the time above it was silent once.
        self._newest: dict[str, int] = {}

    async def back(self, wanted: Wanted, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """Windows of ids back in time, until there are `limit` documents, the range is exhausted, or the pace ends it.

        Raises `Unreachable` when not even a first window could be looked at.
        """
        tenant = wanted.index["tenant"]
        now_ms = to_ms(self._clock.now())
        found: list[Document] = []
        high, width, dense = wanted.high, _FIRST, False
        while high > wanted.low and len(found) < limit:
            newest = None if found or dense else self._newest.get(tenant)
            low, width = _window(high, width, now_ms, newest, dense=dense)
            low = max(low, wanted.low)
            async with pace.turn() as seconds:
                if seconds is None:
                    if high == wanted.high:
                        raise Unreachable("events: there was no time to look at any", retry_after=1)
                    return Found(found, UUID(int=high))
                part = {**wanted.index, **_ids(low, high)}
                began = time.perf_counter()
                try:
                    documents = await questioned(self._events, part, wanted.rest, limit - len(found), fields, seconds)
                except ExecutionTimeout:
                    if high - low <= _NARROWEST:
                        raise
                    width, dense = max((high - low) // (2 * _GROWTH), _NARROWEST), True
                    continue
                used_s = time.perf_counter() - began
            found += documents
            width = _next_width(width, len(documents), limit - len(found), used_s)
            high = low
        if found and not wanted.rest and "terms" not in wanted.index and wanted.high >> 80 >= now_ms:
            self._remember(tenant, found[0]["_id"].int)
        return Found(found)

    def _remember(self, tenant: str, newest: int) -> None:
        known = self._newest.pop(tenant, 0)
        self._newest[tenant] = max(known, newest)
        if len(self._newest) > _REMEMBERED:
            del self._newest[next(iter(self._newest))]


async def questioned(
    events: AsyncIOMotorCollection[Document],
    index: Document,
    rest: Document,
    limit: int,
    fields: Mapping[str, Any],
    seconds: float,
) -> list[Document]:
    """One question: what `index` leads to and `rest` leaves, newest first. The server ends it after so many seconds."""
    most = max(1, int(seconds * 1000))
    if not rest or not index:
        found = events.find({**index, **rest}, fields, max_time_ms=most).sort("_id", -1).limit(limit)
        return await found.to_list(None)
    pipeline: list[Document] = [{"$match": index}, {"$match": rest}, {"$sort": {"_id": -1}}, {"$limit": limit}]
    pipeline.append({"$project": dict(fields)})
    return await events.aggregate(pipeline, maxTimeMS=most).to_list(None)


def _ids(low: int, high: int) -> Document:
    """The filter for ids in [low, high)."""
    bounds: Document = {"$gte": UUID(int=low)}
    if high < TOP:
        bounds["$lt"] = UUID(int=high)
    return {"_id": bounds}


def _window(high: int, width: int, now_ms: int, newest: int | None, *, dense: bool) -> tuple[int, int]:
    """Where the next window below `high` starts, and its width.

    - The future is one window: normally nothing is there. (`dense`: something is.)
    - The time above the newest event known is one window: it was silent when last looked at.
    """
    now = now_ms * _MS
    if high > now + _MS and not dense:
        return max(now, newest + 1 if newest is not None and newest + 1 < high else 0), _FIRST
    if newest is not None and high > newest + 1:
        return newest + 1, _FIRST
    if now_ms - (high >> 80) < _RECENT_MS:
        width = min(width, _WIDEST)
    return max(high - width, 0), width


def _next_width(width: int, got: int, needed: int, used_s: float) -> int:
    """The width that should hold what is still needed, by the density just seen; other by a bounded factor only.

    `used_s`: what the window took. The next one should take what a window should.
    """
    quarters = min(4 * _GROWTH, max(1, int(4 * _AIM_S / max(used_s, 0.001))))
    widest = max(width * quarters // 4, _NARROWEST)
    if got == 0:
        return widest
    return max(min(_FIRST, width), min(width * needed * 5 // (got * 4), widest))

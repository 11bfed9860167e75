"""What came before a channel's ring: from the stream, and what the stream has no more, from the store (ADR 0027)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from aoc_api.tail.entries import Entry
from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import Checkpoint, EventFilter, Hole, Reason, hole_in

if TYPE_CHECKING:
    from aoc_common.bus.live_events import LiveEvents
    from aoc_common.clock import Clock
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.reading import Portion

#: Events, and about how many bytes of them, that are read at once; and how many readers do it at a time.
_MOST: Final = 200
_MOST_BYTES: Final = 4 * 1024**2
_TOGETHER: Final = 4


class Log(Protocol):
    """What is asked of `store.publications.Publications`."""

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[EventMessage]:
        """The next events behind `after`, at most `limit`. May raise `Transient`."""
        ...


@dataclass(frozen=True, slots=True)
class PastPortion:
    """Some of what came before. `upto`: all up to there was looked at. `lacks`: why some of it cannot be had."""

    entries: list[Entry]
    upto: Position
    lacks: Reason | None = None


class Past:
    """Reads it, for all readers of a gateway, a few at a time."""

    def __init__(self, live: LiveEvents, log: Log, clock: Clock) -> None:
        self._live = live
        self._log = log
        self._clock = clock
        self._turns = asyncio.Semaphore(_TOGETHER)

    def of(self, tenant: str) -> ReaderPast:
        """For one reader."""
        return ReaderPast(tenant, self)

    async def hole(self, position: Position) -> Hole | None:
        """What the stream lacks of what is behind a place. Raises `Unreachable`."""
        stream = await self._live.view()
        # Messages that were taken out of the middle are those of deleted tenants.
        return hole_in(Checkpoint("tail", position, deleted=stream.deleted), stream, self._clock.now())

    async def portion(self, tenant: str, hole: Hole) -> Portion[EventMessage]:
        """Some of a hole. May raise `Transient`."""
        async with self._turns:
            return await self._log.portion(hole.after, hole.upto, EventFilter(tenant=tenant), _MOST)

    async def excerpt(self, tenant: str, position: Position) -> PastPortion:
        """Some of what the stream holds. Raises `Unreachable`."""
        async with self._turns:
            found = await self._live.excerpt(tenant, position.sequence, _MOST, _MOST_BYTES)
        entries = [Entry(Position(position.incarnation, one.sequence), one) for one in found.events]
        return PastPortion(entries, Position(position.incarnation, found.last))


class ReaderPast:
    """What one reader has missed, portion by portion."""

    def __init__(self, tenant: str, past: Past) -> None:
        self._tenant = tenant
        self._past = past
        self._hole: Hole | None = None
        self._lacking = False

    @property
    def has_more(self) -> bool:
        """Whether what the stream lacks is not all read yet."""
        return self._hole is not None

    async def next(self, position: Position) -> PastPortion:
        """What follows behind a place. May raise `Transient`."""
        if self._hole is None:
            self._hole, self._lacking = await self._past.hole(position), False
        if self._hole is None:
            return await self._past.excerpt(self._tenant, position)
        hole = self._hole
        portion = await self._past.portion(self._tenant, hole)
        self._lacking = self._lacking or bool(portion.missing or portion.unaccounted)
        entries = [Entry(Position(portion.incarnation, one.sequence), one) for one in portion.messages]
        if portion.after is not None:
            self._hole = replace(hole, after=portion.after)
            return PastPortion(entries, portion.after)
        self._hole = None
        return PastPortion(entries, hole.then, hole.reason if self._lacking else None)

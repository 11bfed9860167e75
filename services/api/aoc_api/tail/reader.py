"""One reader of the live tail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aoc_api import metrics
from aoc_api.problems import Problem
from aoc_api.tail import frames
from aoc_common.contracts.query.matching import matches
from aoc_common.errors import Transient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from aoc_api.access.note import Note
    from aoc_api.settings import TailOptions
    from aoc_api.tail.channel import Channel
    from aoc_api.tail.entries import Entry
    from aoc_api.tail.frames import Ending
    from aoc_api.tail.past import ReaderPast
    from aoc_api.tail.places import Places
    from aoc_api.tail.views import View
    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.publications import Position
    from aoc_common.store.searches import EventQuery

type Recheck = Callable[[], Awaitable[Scope]]
"""What its reader may see now. Raises a problem when that is nothing; `Transient`."""

#: Entries that are looked at together.
_TOGETHER: Final = 100
#: Seconds for which a channel may be without the bus before its readers are told.
_AWAY_S: Final = 5.0


@dataclass(slots=True)
class TailReader:
    """Gives what matches a query, from a place on, until something ends it.

    `monotonic`: seconds. `stopping`: whether the gateway stops. `note` follows how many events were sent.
    """

    channel: Channel
    past: ReaderPast
    places: Places
    query: EventQuery
    position: Position
    recheck: Recheck
    stopping: Callable[[], bool]
    options: TailOptions
    monotonic: Callable[[], float]
    note: Note
    #: Whether it reads from the ring, and how many breaks in the stream there were when it began to.
    _joined: bool = False
    _breaks: int = 0
    #: Whether its place is one of the stream as it is, is not known yet: the stream may be another one, or shorter.
    _unsure: bool = True
    _checked: float = field(init=False)
    _sent: float = field(init=False)

    def __post_init__(self) -> None:
        self._checked = self._sent = self.monotonic()

    async def frames(self) -> AsyncGenerator[bytes]:
        """Blocks of Server-Sent Events; the last one says why it ends."""
        self.note.rows = 0
        yield frames.begun(self._place)
        try:
            while True:
                await self._check()
                async for frame in self._next():
                    self._sent = self.monotonic()
                    yield frame
        except _EndedError as ended:
            ending = ended.reason
        except Transient:
            ending = "bus-away" if self.channel.trouble else "store-away"
        metrics.TAIL_ENDED.labels(ending).inc()
        self.note.about = f"ended: {ending}"
        yield frames.end(self._place, ending)

    @property
    def _place(self) -> str:
        return self.places.seal(self.position)

    async def _check(self) -> None:
        """Raise `_EndedError` for what ends it now; see from time to time what its reader may see."""
        if self.stopping():
            raise _EndedError("restarting")
        now = self.monotonic()
        if now - self._checked >= self.options.check_s:
            try:
                scope = await self.recheck()
            except Problem:
                raise _EndedError("not-allowed") from None
            except Transient:
                raise _EndedError("store-away") from None
            self._checked = now
            self.query = replace(self.query, scope=scope)
        away = self.channel.away_since
        if away is not None and now - away >= _AWAY_S:
            raise _EndedError("bus-away")

    async def _next(self) -> AsyncGenerator[bytes]:
        """What follows; a sign of life when nothing does for a while."""
        entries = self.channel.after(self.position, _TOGETHER)
        if self._joined and self._breaks != self.channel.breaks:
            self._joined, self._unsure = False, True
        if entries is None and self._joined:
            raise _EndedError("too-slow")
        if entries is None or self._unsure:
            caught = await self.past.next(self.position)
            async for frame in self._matching(caught.entries, shared=False):
                yield frame
            self.position, self._unsure = caught.upto, self.past.has_more
            if caught.lacks is not None:
                yield frames.gap(self._place, caught.lacks)
            return
        self._joined, self._breaks = True, self.channel.breaks
        if entries:
            async for frame in self._matching(entries, shared=True):
                yield frame
            return
        self.position = max(self.position, self.channel.head)
        quiet = self.monotonic() - self._sent
        if quiet >= self.options.heartbeat_s:
            yield frames.alive(self._place)
            return
        await self.channel.arrival(min(self.options.heartbeat_s - quiet, self.options.check_s))

    async def _matching(self, entries: Sequence[Entry], *, shared: bool) -> AsyncGenerator[bytes]:
        """Those that match, and are seen: a client can let wait for long, and then something else is hidden from it."""
        rest = list(entries)
        while rest:
            hidden = self.query.scope.hidden
            views = await self.channel.views.of(rest, hidden, shared=shared)
            for number, (entry, view) in enumerate(zip(rest, views, strict=True)):
                await self._check()
                if self.query.scope.hidden != hidden:
                    rest = rest[number:]
                    break
                self.position = entry.position
                if view is not None and _wanted(view, self.query):
                    self.note.rows = (self.note.rows or 0) + 1
                    yield frames.event(self._place, view.text)
            else:
                return


class _EndedError(Exception):
    """Something ends it."""

    def __init__(self, reason: Ending) -> None:
        super().__init__(reason)
        self.reason = reason


def _wanted(view: View, query: EventQuery) -> bool:
    if view.second and not query.twins:
        return False
    if (query.start and view.time < query.start) or (query.end and view.time >= query.end):
        return False
    return matches(query.where, view.facts)

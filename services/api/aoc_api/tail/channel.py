"""The newest events of one tenant, read once for all who look on: a ring, and where each of its readers stands in it.

A reader has no buffer of its own. It asks for what is behind its place, as fast as it can; who falls behind the ring
has to read what is in between from the stream, which costs nobody else anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from aoc_api.tail.entries import Entry
from aoc_common.contracts.publications import Position
from aoc_common.errors import Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_api.tail.views import Views
    from aoc_common.bus.live_events import Following, LiveEvents
    from aoc_common.contracts.event_message import EventMessage

_log = logs.get(__name__)

#: Seconds that one request for a message stays open, and of silence after which it is made sure that nothing was lost.
_IDLE_S: Final = 5.0
_SILENCE: Final = 6
#: Seconds between two tries while the bus is away.
_PAUSE_S: Final = 0.5


class Channel:
    """Follows one tenant's events. `room`: entries, and bytes of them, that are kept now."""

    def __init__(self, tenant: str, live: LiveEvents, room: Callable[[], tuple[int, int]], views: Views) -> None:
        self.tenant = tenant
        self.views = views
        self.readers = 0
        #: Of how many breaks in the stream its readers have to know: what was between is not in the ring.
        self.breaks = 0
        #: Why nothing comes, and since when (monotonic, of the loop); None while all is well.
        self.trouble: str | None = None
        self.away_since: float | None = None
        self._live = live
        self._room = room
        self._ring: deque[Entry] = deque()
        self._bytes = 0
        self._incarnation = ""
        self._behind = self._last = 0
        self._arrived = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Follow from now on. Raises `Transient`."""
        await self._stand()
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def head(self) -> Position:
        """All up to here has come."""
        return Position(self._incarnation, self._last)

    def after(self, position: Position, most: int) -> list[Entry] | None:
        """The next entries behind a place, at most so many; None where the ring does not reach back to it."""
        if position.incarnation != self._incarnation or position.sequence < self._behind:
            return None
        found: list[Entry] = []
        for entry in reversed(self._ring):
            if entry.position.sequence <= position.sequence:
                break
            found.append(entry)
        found.reverse()
        return found[:most]

    async def arrival(self, seconds: float) -> None:
        """Wait until something comes, or something is the matter; so many seconds at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """Wake all who wait."""
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._live.following(self.tenant, self._last) as following:
                    self.trouble = self.away_since = None
                    await self._follow(following)
            except Transient as error:
                self.trouble = str(error)
            except Exception as error:  # noqa: BLE001  # reported with its traceback; readers are told, and come again
                _log.exception("live_tail.failed", tenant=self.tenant)
                self.trouble = type(error).__name__
            if self.away_since is None:
                _log.warning("live_tail.interrupted", tenant=self.tenant, error=self.trouble)
                self.away_since = loop.time()
            self.wake()
            await asyncio.sleep(_PAUSE_S)
            await self._resume()

    async def _follow(self, following: Following) -> None:
        silent = 0
        while True:
            events = await following.next(_IDLE_S)
            silent = 0 if events else silent + 1
            if silent >= _SILENCE:
                await following.settle()
                silent = 0
            self._last = max(self._last, following.last)
            if events:
                self._add(events)
                self.wake()

    def _add(self, events: Sequence[EventMessage]) -> None:
        for message in events:
            self._ring.append(Entry(Position(self._incarnation, message.sequence), message))
            self._bytes += len(message.body)
        most, most_bytes = self._room()
        while len(self._ring) > 1 and (len(self._ring) > most or self._bytes > most_bytes):
            dropped = self._ring.popleft()
            self._bytes -= len(dropped.message.body)
            self._behind = dropped.position.sequence

    async def _stand(self) -> None:
        """Begin at the stream's end."""
        stream = await self._live.view()
        self._ring.clear()
        self._bytes = 0
        self._incarnation, self._behind, self._last = stream.incarnation, stream.last, stream.last

    async def _resume(self) -> None:
        """After the bus was away: go on where this was, unless the stream is another one, or lacks what follows."""
        try:
            stream = await self._live.view()
            same = stream.incarnation == self._incarnation
            if not same or stream.last < self._last or stream.first > self._last + 1:
                await self._stand()
                self.breaks += 1
        except Transient as error:
            self.trouble = str(error)

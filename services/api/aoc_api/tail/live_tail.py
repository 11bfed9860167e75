"""All live tails of a gateway: one channel for each tenant that somebody looks at."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aoc_api import metrics
from aoc_api.problems import not_now
from aoc_api.tail.channel import Channel
from aoc_api.tail.reader import TailReader
from aoc_api.tail.views import Views
from aoc_common.errors import Transient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_api.access.note import Note
    from aoc_api.settings import TailOptions
    from aoc_api.tail.past import Past
    from aoc_api.tail.places import Places
    from aoc_api.tail.reader import Recheck
    from aoc_api.tail.views import Get
    from aoc_common.bus.live_events import LiveEvents
    from aoc_common.clock import Clock
    from aoc_common.store.searches import EventQuery

#: Channels among which the room for events is divided, where there are fewer.
_CHANNELS: Final = 8


class LiveTail:
    """Opens live tails. `get`: one event of the store, as somebody may see it."""

    def __init__(
        self, live: LiveEvents, past: Past, places: Places, get: Get, options: TailOptions, clock: Clock
    ) -> None:
        self._live = live
        self._past = past
        self._places = places
        self._get = get
        self._options = options
        self._clock = clock
        self._channels: dict[str, Channel] = {}
        self._opening = asyncio.Lock()
        self._stopping = False

    def stop(self) -> None:
        """End all of them: the gateway stops."""
        self._stopping = True
        for channel in self._channels.values():
            channel.wake()

    @asynccontextmanager
    async def opened(
        self, query: EventQuery, place: str | None, recheck: Recheck, note: Note
    ) -> AsyncIterator[TailReader]:
        """A reader of what matches a query: from now on, or behind a place.

        Raises a problem for a place that was not made here, and when bus or stream are away.
        """
        position = None if place is None else self._places.read(place)
        channel = await self._join(query.tenant)
        try:
            with metrics.TAIL_READERS.track_inprogress():
                yield TailReader(
                    channel=channel,
                    past=self._past.of(query.tenant),
                    places=self._places,
                    query=query,
                    position=channel.head if position is None else position,
                    recheck=recheck,
                    stopping=lambda: self._stopping,
                    options=self._options,
                    monotonic=self._clock.monotonic,
                    note=note,
                )
        finally:
            await self._leave(channel)

    async def _join(self, tenant: str) -> Channel:
        async with self._opening:
            if (channel := self._channels.get(tenant)) is None:
                channel = Channel(tenant, self._live, self._room, Views(tenant, self._get))
                try:
                    await channel.begin()
                except Transient as error:
                    raise not_now(f"No events come: {error}.") from error
                self._channels[tenant] = channel
            elif channel.trouble:
                raise not_now(f"No events come: {channel.trouble}.")
            channel.readers += 1
            return channel

    async def _leave(self, channel: Channel) -> None:
        channel.readers -= 1
        if not channel.readers:
            self._channels.pop(channel.tenant, None)
            await channel.end()

    def _room(self) -> tuple[int, int]:
        """Events, and bytes of them, that one channel keeps."""
        return self._options.buffer_events, self._options.buffer_bytes // max(_CHANNELS, len(self._channels))

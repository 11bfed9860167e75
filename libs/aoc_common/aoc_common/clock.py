"""Time as a dependency."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    type ReadTime = Callable[[], Awaitable[datetime | None]]
    """Asks a server for its time, in UTC; None from one that does not say it."""

#: Seconds. What steps no further than this is believed at once; what steps further, when it has stayed so for so long.
_STEP_S: Final = 60.0
_BELIEVED_AFTER_S: Final = 30.0
#: Seconds. An answer that was on its way for longer says little of what the time is.
_SLOW_S: Final = 5.0
#: Seconds. By less than this a server's time is not corrected: that is how long answers take.
_CLOSE_S: Final = 0.25


class Clock(Protocol):
    """Where code gets the time and how it waits. Tests pass one that they move by hand."""

    def now(self) -> datetime:
        """The present, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)


class StoredClock:
    """A clock in whole milliseconds, as the store keeps times: what is answered is what is read later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """The present, in UTC."""
        now = self._clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await self._clock.sleep(seconds)


class ServerClock:
    """The time of a server that all who work together share, kept up by this machine's seconds between two looks.

    Once it was looked at, it is no matter how this machine's clock is set. Before that it goes by this one's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: What is added to monotonic seconds.
        self._offset: float | None = None

    async def look(self, read: ReadTime) -> float | None:
        """Compare. Gives the seconds by which this machine's clock is ahead. Raises what `read` does.

        None where the answer says nothing: the server does not say its time, or was slow to.
        """
        began = self._clock.monotonic()
        at = await read()
        ended, own = self._clock.monotonic(), self._clock.now()
        if at is None or ended - began > _SLOW_S:
            return None
        offset = at.timestamp() - (began + ended) / 2
        if self._offset is None or abs(offset - self._offset) > _CLOSE_S:
            self._offset = offset
        return own.timestamp() - (self._offset + ended)

    def now(self) -> datetime:
        """The present, in UTC."""
        if self._offset is None:
            return self._clock.now()
        return datetime.fromtimestamp(self._offset + self._clock.monotonic(), UTC)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await self._clock.sleep(seconds)


class SteadyClock:
    """A clock whose wall time does not follow a step at once.

    Of a machine's clock that is set wrong, and corrected again within half a minute, nobody notices anything: meanwhile
    time goes on as it went. A step that lasts is believed after that. It is noticed when the time is read, so a clock
    that is set wrong before it is read first is believed at once. A machine that was suspended looks the same: for half
    a minute it is as late as it slept. `stepped` is called once for each step, with its seconds.
    """

    def __init__(self, clock: Clock, stepped: Callable[[float], None] = lambda _: None) -> None:
        self._clock = clock
        self._stepped = stepped
        self._offset = self._read()[1]
        #: A step that is not believed yet: where to, and since when.
        self._doubted: tuple[float, float] | None = None

    def now(self) -> datetime:
        """The present, in UTC, as far as it is believed."""
        now, offset, moment = self._read()
        if abs(offset - self._offset) <= _STEP_S or self._lasts(offset, moment):
            self._offset, self._doubted = offset, None
            return now
        return datetime.fromtimestamp(self._offset + moment, UTC)

    def believe(self) -> None:
        """Go by the time as it is now: it was compared with a better one."""
        self._offset, self._doubted = self._read()[1], None

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await self._clock.sleep(seconds)

    def _read(self) -> tuple[datetime, float, float]:
        """The wall clock, how far it is from the monotonic one, and that."""
        now, moment = self._clock.now(), self._clock.monotonic()
        return now, now.timestamp() - moment, moment

    def _lasts(self, offset: float, moment: float) -> bool:
        """Whether the clock has been there for long enough."""
        if self._doubted is None or abs(offset - self._doubted[0]) > _STEP_S:
            self._doubted = offset, moment
            self._stepped(offset - self._offset)
        return moment - self._doubted[1] >= _BELIEVED_AFTER_S

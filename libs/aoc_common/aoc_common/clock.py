"""Time as a dependency."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds. What steps no further than this is believed at once; what steps further, when it has stayed so for so long.
_STEP_S: Final = 60.0
_BELIEVED_AFTER_S: Final = 30.0


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


class StoredClock(SystemClock):
    """The machine's clock in whole milliseconds, as the store keeps times: what is answered is what is read later."""

    def now(self) -> datetime:
        """The present, in UTC."""
        now = super().now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


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

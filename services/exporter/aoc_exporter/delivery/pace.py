"""How many requests a destination gets at a time: additive increase, multiplicative decrease (AIMD).

The number grows by one for each round of requests that went well, and is halved when the destination asks for less or
becomes slow: when a request takes more than `_SLOWER` times what requests took at the destination's best.
One bad moment halves it once: requests that began before the last decrease say nothing new.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.clock import Clock

_SLOWER: Final = 4.0
#: Below so many seconds no request is slow.
_NEVER_SLOW_S: Final = 0.25
#: What is the best is forgotten slowly, since destinations change: its growth with each request.
_FORGETTING: Final = 1.01


class Pace:
    """A window of requests of one destination that are under way at a time, from 1 to `most`."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._window = 1.0
        self._under_way = 0
        self._best_s = float("inf")
        self._decreased_at = float("-inf")
        self._freed = asyncio.Condition()

    @property
    def window(self) -> int:
        """How many requests may be under way now."""
        return int(self._window)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._under_way < self.window)
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._freed:
                self._freed.notify_all()

    def went(self, began: float, *, well: bool) -> None:
        """A request ended that began at that monotonic moment. `well`: it was taken, and nothing was asked for."""
        took = self._clock.monotonic() - began
        slow = took > max(_NEVER_SLOW_S, _SLOWER * self._best_s)
        if well:
            self._best_s = min(self._best_s * _FORGETTING, max(took, 0.001))
        if well and not slow:
            self._window = min(self._window + 1 / self._window, float(self._most))
        elif began >= self._decreased_at:
            self._window = max(self._window / 2, 1.0)
            self._decreased_at = self._clock.monotonic()

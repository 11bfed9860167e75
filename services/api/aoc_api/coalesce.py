"""One piece of work for many who ask at once: who comes while it goes on gets the same answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


class Coalesced[T]:
    """Work that is done once for each key at a time. `keep_s`: for so long its answer is given to those who come after.

    Who goes away does not end the work of others. When nobody is left it goes on to its end: it must be bounded.
    """

    def __init__(self, keep_s: float = 0.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._monotonic = monotonic
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._kept: dict[Hashable, tuple[float, T]] = {}

    async def __call__(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The answer for a key: of `work`, or of the same work of somebody who asked before. Raises what it raises."""
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() - kept[0] < self._keep_s:
            return kept[1]
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._do(key, work))
        return await asyncio.shield(task)

    async def _do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        try:
            found = await work()
        finally:
            del self._running[key]
        if self._keep_s:
            now = self._monotonic()
            # Only what is fresh is kept: never more than is asked for within that time.
            self._kept = {name: one for name, one in self._kept.items() if now - one[0] < self._keep_s}
            self._kept[key] = (now, found)
        return found

"""Single flight: concurrent calls with the same key share one execution, and its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


class SingleFlight[T]:
    """Runs work once for each key at a time. `ttl_s`: seconds for which its answer is cached for later calls.

    A cancelled call does not cancel the work, which others may wait for; so the work must be bounded.
    """

    def __init__(self, ttl_s: float = 0.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._cached: dict[Hashable, tuple[float, T]] = {}

    async def __call__(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The answer for a key: of `work`, or of the run in progress, or cached. Raises what the work raises."""
        cached = self._cached.get(key)
        if cached is not None and self._monotonic() - cached[0] < self._ttl_s:
            return cached[1]
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._run(key, work))
        return await asyncio.shield(task)

    async def _run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await work()
        finally:
            del self._running[key]
        if self._ttl_s:
            now = self._monotonic()
            # Only fresh answers are cached: never more keys than are called within that time.
            self._cached = {name: entry for name, entry in self._cached.items() if now - entry[0] < self._ttl_s}
            self._cached[key] = (now, answer)
        return answer

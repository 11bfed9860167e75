"""How many pages of a tenant may wait on AOC_RAW, so that one tenant does not fill the stream for all others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure

if TYPE_CHECKING:
    from aoc_common.bus.backlog import Waiting
    from aoc_common.bus.publish import Outgoing
    from aoc_common.clock import Clock

#: Seconds for which a tenant's number of waiting pages is cached.
_CACHED_S: Final = 3.0
#: Seconds after which a postponed slice is redelivered; the fuller the stream, the later.
_MIN_RETRY_S: Final = 5.0
_MAX_RETRY_S: Final = 60.0
#: Pages of a tenant after which what was published before counts half.
_AVERAGED_PAGES: Final = 1000


type ReadWaiting = Callable[[str], Awaitable[Waiting]]
"""A tenant -> its pages that wait. Raises `Unreachable`."""


class Quota:
    """Postpones the jobs of tenants with too many waiting pages; they go back to the stream and hold no worker."""

    def __init__(self, read_waiting: ReadWaiting, pages: int, size: int, clock: Clock) -> None:
        self._read_waiting = read_waiting
        self._pages = pages
        self._size = size
        self._clock = clock
        self._usage: dict[str, tuple[float, float]] = {}
        self._published: dict[str, tuple[float, float]] = {}

    def note(self, messages: Sequence[Outgoing]) -> None:
        """Count published pages. The stream's average size is of all tenants; a tenant's own may be far above it."""
        for message in messages:
            tenant = message.headers["Aoc-Tenant"]
            pages, size = self._published.get(tenant, (0.0, 0.0))
            # Recent pages weigh most.
            weight = 1.0 if pages < _AVERAGED_PAGES else 0.5
            self._published[tenant] = (pages * weight + 1, size * weight + message.size)

    async def check(self, tenant: str) -> None:
        """Return when a tenant may fetch more, else raise `Backpressure`. Raises `Unreachable`."""
        now = self._clock.monotonic()
        at, used = self._usage.get(tenant, (float("-inf"), 0.0))
        if now - at >= _CACHED_S:
            waiting = await self._read_waiting(tenant)
            pages, size = self._published.get(tenant, (1.0, 0.0))
            used = max(waiting.pages / self._pages, max(waiting.size, waiting.pages * size / pages) / self._size)
            self._usage[tenant] = (now, used)
        if used >= 1:
            raise Backpressure(
                f"{tenant}: {used:.0%} of what may wait on {subjects.RAW_STREAM} waits",
                retry_after=min(_MIN_RETRY_S * used, _MAX_RETRY_S),
            )

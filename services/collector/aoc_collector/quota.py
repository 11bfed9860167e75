"""How much of a tenant may wait on AOC_RAW: one tenant's flood must not fill the stream for all others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure

if TYPE_CHECKING:
    from aoc_common.bus.backlog import Waiting
    from aoc_common.bus.publish import Outgoing
    from aoc_common.clock import Clock

#: How long an answer of the stream is good, seconds: at most one question a tenant in so long.
_GOOD_S: Final = 3.0
#: A slice that is held back comes again after so long, seconds; the fuller, the later.
_SOONEST_S: Final = 5.0
_LATEST_S: Final = 60.0
#: Pages of a tenant after which what was published before counts half.
_REMEMBERED: Final = 1000


type Look = Callable[[str], Awaitable[Waiting]]
"""A tenant -> what waits of it. Raises `Unreachable`."""


class Quota:
    """Holds back tenants of which too much waits: their jobs go back to the stream, and no worker waits for them."""

    def __init__(self, look: Look, pages: int, size: int, clock: Clock) -> None:
        self._look = look
        self._pages = pages
        self._size = size
        self._clock = clock
        self._known: dict[str, tuple[float, float]] = {}
        self._published: dict[str, tuple[float, float]] = {}

    def note(self, messages: Sequence[Outgoing]) -> None:
        """These pages were published. The stream's average is of all tenants; a tenant's own may be far above it."""
        for message in messages:
            tenant = message.headers["Aoc-Tenant"]
            pages, size = self._published.get(tenant, (0.0, 0.0))
            # What was published last counts most.
            kept = 1.0 if pages < _REMEMBERED else 0.5
            self._published[tenant] = (pages * kept + 1, size * kept + message.size)

    async def check(self, tenant: str) -> None:
        """Return when a tenant may fetch more, else raise `Backpressure`. Raises `Unreachable`."""
        now = self._clock.monotonic()
        at, used = self._known.get(tenant, (float("-inf"), 0.0))
        if now - at >= _GOOD_S:
            waiting = await self._look(tenant)
            pages, size = self._published.get(tenant, (1.0, 0.0))
            used = max(waiting.pages / self._pages, max(waiting.size, waiting.pages * size / pages) / self._size)
            self._known[tenant] = (now, used)
        if used >= 1:
            raise Backpressure(
                f"{tenant}: {used:.0%} of what may wait on {subjects.RAW_STREAM} waits",
                retry_after=min(_SOONEST_S * used, _LATEST_S),
            )

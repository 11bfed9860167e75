"""Looking now: what becomes of the notifications that the gateway took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aoc_collector import metrics
from aoc_common.bus.policy import Redelivery
from aoc_common.contracts.jobs import DirectoryJob, PollJob
from aoc_common.contracts.sources import DIRECTORY
from aoc_common.errors import Postponed

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.clock import Clock

type Look = Callable[[str, str], Awaitable[bool]]
"""Asks for all that a source has now; False when it could not be asked for all of it yet. Raises `Transient`."""

type AskDirectory = Callable[[DirectoryJob], Awaitable[bool]]
"""Asks for what changed in a directory; False when that was asked already. Raises `Transient`."""

#: A look that began before the news may have missed it, so the news waits for its end: 1, 2, 4 ... s. What takes
#: longer than all of these is failing or far behind, and catches up by itself.
_PATIENCE: Final = 8
REDELIVERY: Final = Redelivery(longest_s=30.0)


class Poller:
    """Makes looks of poll jobs, no two at one source within `gap_s` in this process.

    While a job waits for its turn it stays on the stream, and whatever else is told of its source is that same job.
    """

    def __init__(self, look: Look, ask: AskDirectory, directories: Collection[str], gap_s: float, clock: Clock) -> None:
        self._look = look
        self._ask = ask
        self._directories = directories
        self._gap_s = gap_s
        self._clock = clock
        self._looked: dict[tuple[str, str], float] = {}

    async def run(self, job: PollJob, deliveries: int) -> None:
        """Look, or raise `Postponed`: the source was looked at a moment ago, or is being looked at. Or `Transient`."""
        key, now = (job.tenant, job.source), self._clock.monotonic()
        since = now - self._looked.get(key, float("-inf"))
        if since < self._gap_s:
            raise Postponed("looked at a moment ago", retry_after=self._gap_s - since)
        if await self._asked(job):
            self._looked[key] = now
            metrics.POLLS.labels(job.tenant, job.source, "asked").inc()
        elif deliveries < _PATIENCE:
            raise Postponed("is being looked at")
        else:
            metrics.POLLS.labels(job.tenant, job.source, "left").inc()

    async def _asked(self, job: PollJob) -> bool:
        if job.source != DIRECTORY:
            return await self._look(job.tenant, job.source)
        return job.tenant not in self._directories or await self._ask(DirectoryJob(tenant=job.tenant))

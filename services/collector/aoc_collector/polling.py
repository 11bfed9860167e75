"""Polls a source when a notification asks for it, whatever its interval."""

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

type PollSource = Callable[[str, str], Awaitable[bool]]
"""Requests the live slice of a source; False when that does not cover all of it yet. Raises `Transient`."""

type RequestDirectory = Callable[[DirectoryJob], Awaitable[bool]]
"""Requests a directory's changes; False when that is pending already. Raises `Transient`."""

#: A slice that began before the notification may miss its records, so the job waits for the slice to end: 1, 2, 4
#: ... s. A source that takes longer than all of these is failing or far behind, and catches up by itself.
_MAX_DELIVERIES: Final = 8
REDELIVERY: Final = Redelivery(longest_s=30.0)


class Poller:
    """Runs poll jobs, no two for one source within `gap_s` in this process.

    A job that waits stays on the stream; further notifications for its source are deduplicated into it.
    """

    def __init__(
        self,
        poll_source: PollSource,
        request_directory: RequestDirectory,
        directories: Collection[str],
        gap_s: float,
        clock: Clock,
    ) -> None:
        self._poll_source = poll_source
        self._request_directory = request_directory
        self._directories = directories
        self._gap_s = gap_s
        self._clock = clock
        self._polled_at: dict[tuple[str, str], float] = {}

    async def run(self, job: PollJob, deliveries: int) -> None:
        """Poll. Raises `Postponed` when the source was polled a moment ago, or is being collected; `Transient`."""
        key, now = (job.tenant, job.source), self._clock.monotonic()
        since = now - self._polled_at.get(key, float("-inf"))
        if since < self._gap_s:
            raise Postponed("looked at a moment ago", retry_after=self._gap_s - since)
        if await self._requested(job):
            self._polled_at[key] = now
            metrics.POLLS.labels(job.tenant, job.source, "asked").inc()
        elif deliveries < _MAX_DELIVERIES:
            raise Postponed("is being looked at")
        else:
            metrics.POLLS.labels(job.tenant, job.source, "left").inc()

    async def _requested(self, job: PollJob) -> bool:
        if job.source != DIRECTORY:
            return await self._poll_source(job.tenant, job.source)
        return job.tenant not in self._directories or await self._request_directory(DirectoryJob(tenant=job.tenant))

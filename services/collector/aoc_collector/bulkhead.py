"""A bulkhead: jobs that fail or take long never hold all workers of a collector, so one tenant cannot block the others.

The stream redelivers old jobs before it delivers new ones. Without a bulkhead, a dozen sources of a tenant whose
Microsoft APIs hang or throttle would hold every worker, and no other tenant would be collected.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Backpressure, Postponed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aoc_collector.flow import SliceRunner
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import CollectJob

#: Seconds after which a job is slow; one that fails counts as slow after this part of them.
_SLOW_S: Final = 20.0
_FAILED_AFTER: Final = 0.1
#: Fast jobs in a row after which a key is no longer restricted.
_SUCCESSES_TO_RECOVER: Final = 3
#: One worker in so many is reserved for unrestricted keys; seconds for which a job without a worker is postponed.
_RESERVED_PART: Final = 4
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0


class Bulkhead[Job]:
    """Limits how many workers of a pool restricted keys hold. `key`: what fails together, e.g. an API family."""

    def __init__(self, workers: int, key: Callable[[Job], str], clock: Clock, slow_s: float = _SLOW_S) -> None:
        self._max_held = max(1, workers - max(1, workers // _RESERVED_PART))
        self._key = key
        self._clock = clock
        self._slow_s = slow_s
        #: Restricted key -> fast jobs that are still needed.
        self._restricted: dict[str, int] = {}
        self._held = 0

    async def run[R](self, work: Callable[[Job], Awaitable[R]], job: Job) -> R:
        """Run `work` on a job while it holds a worker (see `place`)."""
        with self.place(job):
            return await work(job)

    @contextmanager
    def place(self, job: Job) -> Iterator[None]:
        """Hold a worker for a job. Raises `Postponed` when restricted keys hold as many as they may."""
        key = self._key(job)
        restricted = key in self._restricted
        if restricted and self._held >= self._max_held:
            waiting = len(self._restricted) / self._max_held
            raise Postponed(f"{key}: others are first", retry_after=min(_PAUSE_S * max(1.0, waiting), _LONGEST_PAUSE_S))
        self._held += restricted
        began, limit_s = self._clock.monotonic(), self._slow_s * _FAILED_AFTER
        try:
            yield
            limit_s = self._slow_s
        except (Postponed, Backpressure):
            # Postponed by this service itself: its duration says nothing about Microsoft.
            limit_s = float("inf")
            raise
        finally:
            self._held -= restricted
            self._count(key, well=self._clock.monotonic() - began <= limit_s)

    def _count(self, key: str, *, well: bool) -> None:
        needed = self._restricted.get(key, 0) - 1 if well else _SUCCESSES_TO_RECOVER
        if needed > 0:
            self._restricted[key] = needed
        else:
            self._restricted.pop(key, None)


class BulkheadRunner:
    """A runner of slices behind a bulkhead."""

    def __init__(self, runner: SliceRunner, bulkhead: Bulkhead[CollectJob]) -> None:
        self._runner = runner
        self._bulkhead = bulkhead

    async def run(self, job: CollectJob) -> int:
        """Collect one slice; raises `Postponed` too."""
        return await self._bulkhead.run(self._runner.run, job)

    async def abandon(self, job: CollectJob) -> None:
        """Replace a slice by shorter ones."""
        await self._runner.abandon(job)

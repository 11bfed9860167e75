"""One tenant's trouble is not everybody's: what fails, or takes long, never holds all workers of a collector.

The stream gives what comes again before what is new. So without this, a dozen sources of a tenant whose Microsoft hangs
or throttles for ever hold every worker all the time, and no other tenant has a turn.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Backpressure, Postponed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aoc_collector.flow import Run
    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import CollectJob

#: What holds a worker for longer is slow; what fails is trouble when it has held one for this part of it.
_SLOW_S: Final = 20.0
_FAILED_AFTER: Final = 0.1
#: So many good turns in a row until one is forgiven.
_GOOD_TURNS: Final = 3
#: Part of the workers that is kept for everybody else, and how long who finds no place stays away.
_KEPT: Final = 4
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0


class Crowd[Job]:
    """Who may hold a worker of a pool. `key`: what fails together, e.g. one API family of a tenant."""

    def __init__(self, workers: int, key: Callable[[Job], str], clock: Clock, slow_s: float = _SLOW_S) -> None:
        self._most = max(1, workers - max(1, workers // _KEPT))
        self._key = key
        self._clock = clock
        self._slow_s = slow_s
        #: Who was slow or failed -> good turns that are still wanted.
        self._troubled: dict[str, int] = {}
        self._held = 0

    async def run[R](self, work: Callable[[Job], Awaitable[R]], job: Job) -> R:
        """Do `work` to a job, in its place (see `place`)."""
        with self.place(job):
            return await work(job)

    @contextmanager
    def place(self, job: Job) -> Iterator[None]:
        """Hold a worker for a job. Raises `Postponed` when others in trouble hold all that they may."""
        key = self._key(job)
        troubled = key in self._troubled
        if troubled and self._held >= self._most:
            waiting = len(self._troubled) / self._most
            raise Postponed(f"{key}: others are first", retry_after=min(_PAUSE_S * max(1.0, waiting), _LONGEST_PAUSE_S))
        self._held += troubled
        began, most = self._clock.monotonic(), self._slow_s * _FAILED_AFTER
        try:
            yield
            most = self._slow_s
        except (Postponed, Backpressure):
            # It is we who hold it back, however long it waited for that.
            most = float("inf")
            raise
        finally:
            self._held -= troubled
            self._judge(key, well=self._clock.monotonic() - began <= most)

    def _judge(self, key: str, *, well: bool) -> None:
        wanted = self._troubled.get(key, 0) - 1 if well else _GOOD_TURNS
        if wanted > 0:
            self._troubled[key] = wanted
        else:
            self._troubled.pop(key, None)


class Crowded:
    """A runner of slices whose workers are held as `crowd` allows."""

    def __init__(self, runner: Run, crowd: Crowd[CollectJob]) -> None:
        self._runner = runner
        self._crowd = crowd

    async def run(self, job: CollectJob) -> int:
        """Collect one slice; raises `Postponed` too."""
        return await self._crowd.run(self._runner.run, job)

    async def abandon(self, job: CollectJob) -> None:
        """Give a slice up for shorter ones."""
        await self._runner.abandon(job)

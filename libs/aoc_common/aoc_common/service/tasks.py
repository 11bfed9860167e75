"""Periodic work: the one loop that does something again each interval, counts it, and says when it fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aoc_common.clock import Clock
    from aoc_common.service.probes import Probe

_log = logs.get(__name__)

#: Part of an interval by which a pause is longer or shorter, so that replicas do not all work at the same moment.
JITTER: Final = 0.1

type Work = Callable[[], Awaitable[object]]
"""Does the work once. An `AocError` (a server is away, say) is logged; anything else is a defect."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work that is done at the start and then each interval.

    `name`: a few words, for logs, metrics and the probe. `interval_s`: seconds from the end of one run to the beginning
    of the next; or what tells them after each run. `jitter`: the part of an interval that a pause may differ by.
    """

    name: str
    interval_s: float | Callable[[], float]
    work: Work
    jitter: float = JITTER

    def pause_s(self, chance: float) -> float:
        """Seconds until the next run. `chance`: from 0 to 1, evenly."""
        interval = self.interval_s() if callable(self.interval_s) else self.interval_s
        return interval * (1 + self.jitter * (2 * chance - 1))


@asynccontextmanager
async def running(
    tasks: Sequence[Task], clock: Clock, chance: Callable[[], float] = random.random
) -> AsyncIterator[Probe]:
    """Do these until left; gives a probe, which names the tasks whose last run met a defect.

    A run that fails is tried again at its next turn, whatever it fails with. Leaving cancels what is in work.
    """
    metrics.TASKS.export()
    defects: dict[str, str] = {}
    loops = [asyncio.create_task(_repeat(task, clock, chance, defects), name=task.name) for task in tasks]

    async def probe() -> str | None:
        failing = [f"{name}: {why}" for name, why in sorted(defects.items())]
        # Nothing ends a loop but an error of the clock's, or its interval's.
        failing += [f"{loop.get_name()}: stopped" for loop in loops if loop.done()]
        return "; ".join(failing) or None

    try:
        yield probe
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def _repeat(task: Task, clock: Clock, chance: Callable[[], float], defects: dict[str, str]) -> None:
    while True:
        began = clock.monotonic()
        try:
            await task.work()
        except AocError as error:
            outcome = "failed"
            _log.warning("task.failed", task=task.name, error=str(error))
        except Exception as error:  # noqa: BLE001  # reported with its traceback
            # A defect of ours must not end the task in silence: it may be one record's.
            outcome = "defect"
            defects[task.name] = f"{type(error).__name__}: {error}"
            _log.exception("task.failed", task=task.name)
        else:
            outcome = "done"
        if outcome != "defect":
            defects.pop(task.name, None)
        metrics.TASK_RUNS.labels(task.name, outcome).inc()
        metrics.TASK_SECONDS.labels(task.name).observe(clock.monotonic() - began)
        await clock.sleep(task.pause_s(chance()))

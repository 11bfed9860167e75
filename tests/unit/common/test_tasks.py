"""Periodic work: when it is done, what its failures mean, and what is said of them."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from aoc_common.errors import Unreachable
from aoc_common.service import tasks
from aoc_common.service.tasks import JITTER, Task
from manual_clock import ManualClock


class SteppedClock(ManualClock):
    """Sleepers wake when `step` is called."""

    def __init__(self) -> None:
        super().__init__()
        self._woken = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._woken.wait()

    async def step(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
        await asyncio.sleep(0.01)


class Working:
    """Work that counts its runs, and fails with what is in `errors`, run by run."""

    def __init__(self, *errors: Exception | None) -> None:
        self.runs = 0
        self._errors = iter(errors)

    async def __call__(self) -> None:
        self.runs += 1
        if error := next(self._errors, None):
            raise error


def runs(name: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("aoc_task_runs_total", {"task": name, "outcome": outcome}) or 0


async def test_work_is_done_at_the_start_and_after_each_interval() -> None:
    clock, work = SteppedClock(), Working()
    async with tasks.running([Task("counting", 60, work, jitter=0)], clock):
        await asyncio.sleep(0.01)
        first = work.runs
        await clock.step()
        await clock.step()

    assert (first, work.runs, clock.slept) == (1, 3, [60, 60, 60])


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 60 * (1 - JITTER)), (0.5, 60), (1.0, 60 * (1 + JITTER))])
async def test_replicas_that_start_together_do_not_work_at_the_same_moments(chance: float, expected: float) -> None:
    clock = SteppedClock()
    async with tasks.running([Task("counting", 60, Working())], clock, lambda: chance):
        await asyncio.sleep(0.01)

    assert clock.slept == [pytest.approx(expected)]


async def test_an_interval_may_depend_on_what_the_work_found() -> None:
    clock, work = SteppedClock(), Working()
    async with tasks.running([Task("looking", lambda: 2.0 if work.runs == 1 else 30.0, work, jitter=0)], clock):
        await asyncio.sleep(0.01)
        await clock.step()

    assert clock.slept == [2.0, 30.0]


async def test_a_server_that_is_away_is_said_counted_and_no_reason_to_be_unready() -> None:
    clock, work, before = SteppedClock(), Working(Unreachable("away")), runs("storing", "failed")
    with capture_logs() as logged:
        async with tasks.running([Task("storing", 60, work)], clock) as probe:
            await asyncio.sleep(0.01)
            found = await probe()
            await clock.step()

    assert (found, work.runs, runs("storing", "failed") - before) == (None, 2, 1)
    assert [(one["event"], one["task"], one["error"]) for one in logged] == [("task.failed", "storing", "away")]


async def test_a_defect_makes_unready_until_the_work_is_done_again() -> None:
    clock, work, before = SteppedClock(), Working(ZeroDivisionError("ours")), runs("dividing", "defect")
    with capture_logs() as logged:
        async with tasks.running([Task("dividing", 60, work), Task("other", 60, Working())], clock) as probe:
            await asyncio.sleep(0.01)
            broken = await probe()
            await clock.step()
            mended = await probe()

    assert (broken, mended) == ("dividing: ZeroDivisionError: ours", None)
    assert runs("dividing", "defect") - before == 1
    assert [(one["log_level"], one["exc_info"]) for one in logged] == [("error", True)]


async def test_leaving_ends_work_that_hangs() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(5), tasks.running([Task("hanging", 60, hang)], SteppedClock()):
        await asyncio.sleep(0.01)

    assert ended.is_set()

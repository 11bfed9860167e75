"""A clock that does not follow a step at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aoc_common.clock import SteadyClock
from manual_clock import ManualClock

DAYS = timedelta(days=3)


@pytest.mark.parametrize("step", [DAYS, -DAYS, timedelta(minutes=2), timedelta(minutes=-2)])
def test_nobody_notices_a_clock_that_is_set_wrong_and_corrected_within_half_a_minute(step) -> None:
    clock, steps = ManualClock(), list[float]()
    steady, began = SteadyClock(clock, steps.append), clock.now()
    seen = [steady.now()]
    clock.jump(step)
    for _ in range(5):
        seen.append(steady.now())
        clock.advance(5)
    clock.jump(-step)
    seen.append(steady.now())

    assert [(at - began).total_seconds() for at in seen] == pytest.approx([0, 0, 5, 10, 15, 20, 25])
    assert steps == pytest.approx([step.total_seconds()])
    assert steady.now() == clock.now()


def test_a_step_that_lasts_is_believed_after_half_a_minute_and_so_is_the_way_back() -> None:
    clock, steps = ManualClock(), list[float]()
    steady = SteadyClock(clock, steps.append)
    right = []
    for step in (DAYS, -DAYS):
        clock.jump(step)
        for _ in range(4):
            right.append(steady.now() == clock.now())
            clock.advance(10)

    assert right == [False, False, False, True] * 2
    assert steps == pytest.approx([DAYS.total_seconds(), -DAYS.total_seconds()])


def test_a_clock_that_never_stays_is_never_believed() -> None:
    clock = ManualClock()
    steady, began = SteadyClock(clock), clock.now()
    for number in range(10):
        clock.jump(DAYS * (number + 1))
        steady.now()
        clock.advance(20)

    assert (steady.now() - began).total_seconds() == pytest.approx(200)


def test_a_clock_that_is_adjusted_a_little_is_believed_at_once() -> None:
    clock, steps = ManualClock(), list[float]()
    steady = SteadyClock(clock, steps.append)
    for _ in range(5):
        clock.jump(timedelta(seconds=50))
        clock.advance(1)

        assert steady.now() == clock.now()
    assert not steps


async def test_spans_are_the_machines() -> None:
    clock = ManualClock()
    steady = SteadyClock(clock)
    clock.jump(DAYS)
    await steady.sleep(7)

    assert steady.monotonic() == clock.monotonic() == 7
    assert clock.slept == [7]

"""A clock that was wrong for a while stops nothing and leaves no false watermark."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from tests.unit.collector.conftest import NOW
from tests.unit.collector.test_schedule import SIGNINS, SLICING, Bus

from aoc_collector.clock_faults import ClockJumpDetector, JumpCheckedClock, PositionCorrector
from aoc_collector.directory.schedule import DirectoryScheduler
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import next_backlog_slice
from aoc_common.errors import Postponed
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.directory_states import SyncState
from aoc_common.store.source_health import Bounds, State, judge
from manual_clock import ManualClock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def wall():
    return ManualClock(NOW)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def started(states, backlog, corrections, bus, wall):
    """`started()`: a scheduler whose process has just begun, whatever the clock says."""

    def make():
        return Scheduler(
            [SIGNINS], states, backlog, bus.publish, wall, PositionCorrector(corrections, backlog, states, wall)
        )

    return make


async def collect(bus, states, backlog, wall):
    """Run what was asked for as the runner does: to read the future is to find nothing."""
    for job in list(bus.jobs.values()):
        if job.stretch is None:
            await states.advance(job.tenant, job.source, job.end, wall.now())
        else:
            await backlog.advance(job.stretch, job.end, wall.now())
    bus.jobs.clear()


@pytest.mark.parametrize("off", [3 * DAY, -3 * DAY])
async def test_a_clock_that_jumps_for_a_moment_asks_for_nothing(started, bus, states, wall, off):
    await states.advance("contoso", "graph-signins", NOW - MINUTE, NOW)
    before = states.states["contoso", "graph-signins"]
    scheduler = started()
    wall.jump(off)
    await scheduler.tick()
    wall.jump(-off)
    await scheduler.tick()

    assert (bus.jobs, states.states["contoso", "graph-signins"]) == ({}, before)

    wall.advance(60)
    await scheduler.tick()
    assert bus.live


async def test_a_clock_that_was_three_days_ahead_stops_no_live_slice_and_leaves_no_watermark_that_lies(
    started, bus, states, backlog, corrections, wall
):
    truth = NOW - MINUTE
    await states.advance("contoso", "graph-signins", truth, NOW)
    wall.jump(3 * DAY)
    await started().tick()
    await collect(bus, states, backlog, wall)
    assert states.states["contoso", "graph-signins"].position > NOW + 2 * DAY

    wall.jump(-3 * DAY)
    scheduler = started()
    for _ in range(3):
        wall.advance(60)
        await scheduler.tick()

    state = states.states["contoso", "graph-signins"]
    waiting = await backlog.waiting("contoso")
    [again] = [stretch for stretch in waiting if stretch.cause is Cause.BEHIND]
    assert again.start <= truth
    assert all(stretch.end <= wall.now() for stretch in waiting)
    assert state.position <= wall.now()
    assert wall.now() - state.position <= 3 * MINUTE
    assert (state.last_success <= wall.now(), "a clock was wrong" in state.last_error) == (True, True)
    assert bus.live
    assert bus.live[0].end <= wall.now()


async def test_a_clock_that_falls_back_for_long_loses_nothing(started, bus, states, backlog, wall, corrections):
    truth = NOW - MINUTE
    await states.advance("contoso", "graph-signins", truth, NOW)
    corrections.slices = [("contoso", "graph-signins", NOW - 2 * DAY, NOW - 2 * DAY + HOUR)]
    wall.jump(-3 * DAY)
    scheduler = started()
    for _ in range(2):
        await scheduler.tick()
        wall.advance(60)
    wall.jump(3 * DAY)
    scheduler = started()
    await scheduler.tick()

    left = sorted(
        (stretch.start, stretch.end) for stretch in await backlog.waiting("contoso") if stretch.cause is Cause.BEHIND
    )
    position = states.states["contoso", "graph-signins"].position
    covered = left[0][0]
    for start, end in left:
        assert start <= covered
        covered = max(covered, end)
    assert covered >= position
    assert left[0][0] <= NOW - 3 * DAY


async def test_a_position_that_is_seen_ahead_only_once_is_not_changed(started, states, wall):
    await states.advance("contoso", "graph-signins", NOW + DAY, NOW)

    await started().tick()

    assert states.states["contoso", "graph-signins"].position == NOW + DAY


def test_nothing_of_the_future_is_collected_from_the_backlog():
    ahead = Stretch("contoso", "graph-signins", Cause.ASKED, "x", NOW - HOUR, NOW + DAY, NOW - MINUTE / 2)
    other = Stretch("contoso", "graph-signins", Cause.ASKED, "y", NOW - 9 * HOUR, NOW - 8 * HOUR, NOW - 9 * HOUR)

    half = next_backlog_slice(SIGNINS, [replace(ahead, done_until=NOW - HOUR / 2)], NOW)

    assert half.end <= NOW - SLICING.settle_delay
    assert next_backlog_slice(SIGNINS, [ahead, other], NOW).stretch == other.id
    assert next_backlog_slice(SIGNINS, [ahead], NOW) is None


def test_a_deferral_of_days_by_a_wrong_clock_is_ignored():
    one = Stretch("contoso", "graph-signins", Cause.ASKED, "x", NOW - HOUR, NOW - MINUTE, NOW - HOUR, failures=3)

    assert next_backlog_slice(SIGNINS, [replace(one, not_before=NOW + MINUTE)], NOW) is None
    assert next_backlog_slice(SIGNINS, [replace(one, not_before=NOW + 3 * DAY)], NOW) is not None


def test_an_account_in_the_future_is_red():
    bounds = Bounds(HOUR, HOUR)
    good = SourceAccount("contoso", "x", watermark=NOW, last_success=NOW)

    assert judge(good, bounds, NOW).state is State.GREEN
    for lying in (replace(good, watermark=NOW + DAY), replace(good, last_success=NOW + DAY)):
        assert judge(lying, bounds, NOW).state is State.RED


async def test_a_directory_that_was_read_in_the_future_is_read_now(clock):
    asked = []

    class States:
        async def all_states(self, tenant):
            return [SyncState(tenant, "user", 1, last_success=NOW + 3 * DAY)]

    async def publish(job):
        asked.append(job)
        return True

    await DirectoryScheduler(["contoso"], ["user"], HOUR, States(), publish, clock).tick()

    assert len(asked) == 1


def test_a_clock_that_is_slowly_put_right_does_not_jump(wall):
    watch = ClockJumpDetector(wall)
    for _ in range(1000):
        wall.jump(timedelta(seconds=1))
        wall.advance(60)
        assert watch.trusted_now() == wall.now()


def dates(wall, off=timedelta()):
    return format_datetime(wall.now() + off, usegmt=True)


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_three_dated_answers_count_for_more_than_the_clock_of_the_machine_until_it_agrees(off):
    wall = ManualClock(NOW)
    jumps = ClockJumpDetector(wall)
    for _ in range(2):
        jumps.answered(dates(wall, off), jumps.reading())
        assert jumps.trusted_now() == NOW
    jumps.answered(dates(wall, off), jumps.reading())
    assert jumps.trusted_now() == NOW + off

    wall.advance(60)
    assert jumps.trusted_now() == NOW + off + MINUTE
    wall.jump(off)
    jumps.answered(dates(wall), jumps.reading())
    assert jumps.trusted_now() == wall.now()


def test_dates_that_do_not_agree_with_each_other_or_cannot_be_right_count_for_nothing():
    wall = ManualClock(NOW)
    jumps = ClockJumpDetector(wall)
    for off in (HOUR, 2 * HOUR, HOUR, -HOUR, timedelta(seconds=20)):
        jumps.answered(dates(wall, off), jumps.reading())
    for date in ("", "soon", "Thu, 99 Nov 2026 22:00:00 GMT", *3 * ["Thu, 01 Jan 1970 00:00:00 GMT"]):
        jumps.answered(date, jumps.reading())

    assert jumps.trusted_now() == NOW


@pytest.mark.parametrize("slow", [timedelta(seconds=31), MINUTE, HOUR, 3 * DAY])
def test_a_slow_answer_does_not_make_a_clock_that_is_ahead_right(slow):
    """It is dated when it was written. A collector that was paused, or whose machine was, reads it late."""
    wall = ManualClock(NOW)
    jumps = ClockJumpDetector(wall)
    for _ in range(3):
        jumps.answered(dates(wall, -HOUR), jumps.reading())
    jumps.answered(dates(wall, -HOUR - slow), jumps.reading())
    assert jumps.trusted_now() == NOW - HOUR

    for _ in range(3):
        sent, date = jumps.reading(), dates(wall, -HOUR)
        wall.advance(slow)
        jumps.answered(date, sent)
        assert jumps.trusted_now() == wall.now() - HOUR


@pytest.mark.parametrize("slow", [timedelta(seconds=31), 4 * MINUTE])
def test_answers_that_lay_unread_while_a_collector_was_paused_do_not_make_its_clock_wrong(slow):
    wall = ManualClock(NOW)
    jumps = ClockJumpDetector(wall)
    waiting = [(dates(wall), jumps.reading()) for _ in range(4)]
    wall.advance(slow)
    for date, sent in waiting:
        jumps.answered(date, sent)
    assert jumps.trusted_now() == wall.now()

    # The machine was suspended: its monotonic clock stood still.
    waiting = [(dates(wall), jumps.reading()) for _ in range(4)]
    wall.jump(slow)
    for date, sent in waiting:
        jumps.answered(date, sent)
    assert jumps.trusted_now() == wall.now()


def test_an_answer_that_agrees_ends_the_distrust_after_a_jump():
    wall = ManualClock(NOW)
    jumps = ClockJumpDetector(wall)
    wall.jump(HOUR)
    assert jumps.trusted_now() is None
    jumps.answered(dates(wall), jumps.reading())
    assert jumps.trusted_now() == wall.now()


def test_a_checked_clock_gives_no_time_after_a_jump_until_it_is_trusted():
    wall = ManualClock(NOW)
    checked = JumpCheckedClock(wall, ClockJumpDetector(wall))
    wall.advance(HOUR)
    assert checked.now() == wall.now()
    wall.jump(HOUR)
    with pytest.raises(Postponed) as postponed:
        checked.now()
    wall.advance(postponed.value.retry_after)
    assert checked.now() == wall.now()

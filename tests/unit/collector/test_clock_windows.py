"""Whatever a collector's clock did, nothing is missing once it is right, and nothing was claimed that was not so.

Scheduler, runner and corrector over stores in memory, minute by minute, against a Microsoft with a clock of its own.
Re-scans are switched off: what a wrong clock has left out must not depend on being found as a late record.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
from nats.js.api import PubAck
from tests.unit.collector.conftest import NOW

from aoc_collector.clock_faults import ClockJumpDetector, JumpCheckedClock, PositionCorrector
from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing
from aoc_collector.sources.base import Batch, RawArray, clip_to_retention
from aoc_common.contracts import subjects
from aoc_common.errors import Postponed
from aoc_common.store.backlog import Cause
from manual_clock import ManualClock
from memory import MemoryBacklog, MemoryBlobs, MemoryClockCorrections, MemorySources

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
SOURCE = ("contoso", "graph-signins")
LOOKBACK, RETENTION = DAY, 7 * DAY
SLICING = Slicing(LOOKBACK, 30 * SECOND, DAY, 10 * SECOND, MINUTE, 10 * MINUTE)
EVERY = 7 * MINUTE
#: How far off a clock is: by what clocks of replicas may differ, by more, by more than look-back and retention.
AHEAD = [2 * MINUTE, 8 * MINUTE, HOUR, 3 * DAY, 9 * DAY]
OFF = [*AHEAD, *(-off for off in AHEAD)]
JUMPS = [off for off in OFF if abs(off) > 5 * MINUTE]


class Wall:
    """The clock of a machine: `off` the true one."""

    def __init__(self, true, off):
        self.true, self.off = true, off

    def now(self):
        return self.true.now() + self.off

    def monotonic(self):
        return self.true.monotonic()

    async def sleep(self, seconds):
        self.true.advance(seconds)


class Books:
    """What the runner notes of slices, pages and losses; what reached past some moment is known to `corrections`."""

    def __init__(self, corrections):
        self._corrections = corrections

    async def open_slice(self, slice_id, tenant, source, start, end, *, rereading=False):
        self._corrections.slices.append((tenant, source, start, end))

    async def slice_empty(self, slice_id, empty):
        self._corrections.slices.append((empty.tenant, empty.source, empty.since, empty.end))

    async def slice_fetched(self, fetched):
        pass

    async def slice_failed(self, slice_id, reason, at):
        pass

    async def note_pages(self, pages):
        pass

    async def note_loss(self, tenant, source, lost, at):
        self._corrections.gaps.append((tenant, source, lost.start, at))


class Letters:
    async def put(self, letter, records, page):
        return True


class World:
    """Microsoft, which has a record every `EVERY`, and what all replicas share.

    `hook` runs in the middle of a slice. `dated_answers`: of each slice; then answers that are dated before they were
    read, by so much, and pauses of the collector in which four answers lie unread.
    """

    def __init__(self):
        self.true = ManualClock(NOW)
        self.states, self.backlog = MemorySources(), MemoryBacklog()
        self.corrections = MemoryClockCorrections(self.backlog, self.states.states)
        self.books = Books(self.corrections)
        self.jobs, self.collected = {}, set()
        self.hook = lambda: None
        self.dated_answers = 3
        self.slow_answers, self.pauses = [], []

    def replica(self, off=timedelta()):
        return Replica(self, Wall(self.true, off))

    async def ask(self, job):
        return self.jobs.setdefault(job.subject, job) is job

    async def publish(self, stream, messages):
        if stream == subjects.RAW_STREAM:
            for message in messages:
                self.collected |= set(json.loads(message.body))
        return [PubAck(stream=stream, seq=1) for _ in messages]

    def records(self, start, end):
        """The times of the records that there are, of that time: none of the future."""
        begin, last = NOW - 30 * DAY, min(end, self.true.now() + SECOND)
        number = max(0, -((begin - start) // EVERY))
        times = []
        while (at := begin + number * EVERY) < last:
            if at >= max(start, self.true.now() - RETENTION):
                times.append(at.isoformat())
            number += 1
        return times

    @property
    def watermark(self):
        state = self.states.states[SOURCE]
        holes = [one.done_until for one in self.backlog.stretches.values() if one.done_until < one.end
                 and one.cause is Cause.BEHIND]  # fmt: skip
        return min([state.position, *holes])

    async def run(self, span, *replicas):
        """Let so much time pass, with these replicas at work."""
        end = self.true.now() + span
        while self.true.now() < end:
            for replica in replicas:
                await replica.work()
            self.true.advance(60)

    async def settle(self, *replicas):
        """All clocks are right: what is missing is collected, and is all there."""
        for replica in replicas:
            replica.wall.off = timedelta()
        await self.run(HOUR, *(replicas or [self.replica()]))
        assert self.true.now() - self.watermark < 5 * MINUTE
        # The look-back of a source that a wrong clock began counts from when it is right.
        missing = set(self.records(NOW - LOOKBACK + HOUR, self.watermark)) - self.collected
        assert not missing, f"{len(missing)} missing from {min(missing)} to {max(missing)}"
        told = [(start, min(at, self.true.now())) for _, _, start, at in self.corrections.gaps]
        assert [start for start, at in told if start >= at - RETENTION] == [], "what is called too old was not"
        assert self.states.states[SOURCE].position <= self.true.now()


class Replica:
    """A process of a collector."""

    def __init__(self, world, wall):
        self.world, self.wall = world, wall
        self._jumps = jumps = ClockJumpDetector(wall)
        self._checked = JumpCheckedClock(wall, jumps)
        corrector = PositionCorrector(world.corrections, world.backlog, world.states, wall)
        self._scheduler = Scheduler(
            [Feed(*SOURCE, SLICING)], world.states, world.backlog, world.ask, wall, corrector, clock_jumps=jumps
        )
        books = world.books
        stores = Stores(books, books, books, MemoryBlobs(), world.states, world.states, world.backlog, Letters())
        self._runner = Runner(lambda *_: self, world.publish, stores, self._checked, asyncio.Event())

    async def batches(self, window):
        """The source, as those of Microsoft Graph are."""
        window, loss = clip_to_retention(window, self._checked.now() - RETENTION)
        if loss:
            yield Batch(losses=[loss])
        for _ in range(self.world.dated_answers):
            self._jumps.answered(format_datetime(self.world.true.now(), usegmt=True), self._jumps.reading())
        for slow in self.world.slow_answers:
            self._jumps.answered(format_datetime(self.world.true.now() - slow, usegmt=True), self._jumps.reading())
        for paused in self.world.pauses:
            unread = [(format_datetime(self.world.true.now(), usegmt=True), self._jumps.reading()) for _ in range(4)]
            self.world.true.advance(paused.total_seconds())
            for date, sent in unread:
                self._jumps.answered(date, sent)
        self.world.hook()
        times = self.world.records(window.start, window.end)
        if times:
            yield Batch([RawArray(json.dumps(times).encode(), len(times))])

    async def work(self):
        await self._scheduler.tick()
        for subject, job in list(self.world.jobs.items()):
            try:
                pages = await self._runner.run(job)
            except Postponed:
                continue
            del self.world.jobs[subject]
            self._scheduler.finished(job, pages)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("off", OFF)
async def test_a_clock_that_is_wrong_when_the_collection_begins(world, off):
    await world.run(20 * MINUTE, world.replica(off))
    await world.settle()


@pytest.mark.parametrize("off", OFF)
async def test_a_clock_that_is_wrong_when_the_collection_begins_and_is_set_right_while_it_runs(world, off):
    replica = world.replica(off)
    await world.run(20 * MINUTE, replica)
    await world.settle(replica)


@pytest.mark.parametrize("off", OFF)
@pytest.mark.parametrize("span", [MINUTE, 2 * HOUR])
async def test_a_clock_that_jumps_while_the_collector_runs_and_comes_back(world, off, span):
    replica = world.replica()
    await world.run(3 * MINUTE, replica)
    replica.wall.off = off
    await world.run(span, replica)
    await world.settle(replica)


@pytest.mark.parametrize("off", OFF)
async def test_a_clock_that_is_wrong_after_a_restart_and_right_after_the_next(world, off):
    await world.run(20 * MINUTE, world.replica())
    await world.run(20 * MINUTE, world.replica(off))
    await world.settle()


@pytest.mark.parametrize("off", OFF)
async def test_restarts_while_the_clock_is_wrong(world, off):
    for wrong in (timedelta(), off, off, timedelta(), off):
        await world.run(4 * MINUTE, world.replica(wrong))
    await world.settle()


@pytest.mark.parametrize("off", OFF)
async def test_replicas_whose_clocks_differ(world, off):
    right, wrong = world.replica(), world.replica(off)
    await world.run(40 * MINUTE, wrong, right)
    await world.settle(right, wrong)


@pytest.mark.parametrize("off", OFF)
async def test_a_replica_whose_clock_was_wrong_is_gone(world, off):
    right, wrong = world.replica(), world.replica(off)
    await world.run(40 * MINUTE, right, wrong)
    await world.settle(right)


@pytest.mark.parametrize("off", OFF)
async def test_a_jump_in_the_middle_of_every_slice(world, off):
    """The clock jumps after a slice has begun, and is back before the next one."""
    replica = world.replica()

    def jump():
        replica.wall.off = off

    world.hook = jump
    for _ in range(5):
        await replica.work()
        replica.wall.off = timedelta()
        world.true.advance(60)
    world.hook = lambda: None
    await world.settle(replica)


@pytest.mark.parametrize("off", JUMPS)
async def test_a_jump_that_a_slice_does_not_live_to_see(world, off):
    """The clock is wrong only while a slice is read, from before its time is compared with the retention."""
    replica = world.replica()
    await world.run(3 * MINUTE, replica)
    await replica._scheduler.tick()
    replica.wall.off = off
    for job in list(world.jobs.values()):
        with pytest.raises(Postponed):
            await replica._runner.run(job)
    await world.settle(replica)


@pytest.mark.parametrize("off", JUMPS)
async def test_a_jump_in_the_middle_of_a_tick_moves_nothing(world, off):
    replica = world.replica()
    await world.run(3 * MINUTE, replica)
    before, all_states = world.states.states[SOURCE], world.states.all_states

    async def jumping(tenant):
        replica.wall.off = off
        return await all_states(tenant)

    world.states.all_states = jumping
    await replica._scheduler.tick()
    world.states.all_states = all_states

    assert (world.states.states[SOURCE], world.jobs) == (before, {})
    await world.settle(replica)


@pytest.mark.slow
@pytest.mark.parametrize("off", [timedelta(), *OFF])
@pytest.mark.parametrize("slow", [31 * SECOND, 4 * MINUTE, 8 * MINUTE, HOUR])
@pytest.mark.parametrize("answers", [1, 3])
async def test_answers_that_are_slow_in_every_slice_claim_no_time_and_skip_none(world, off, slow, answers):
    replica = world.replica(off)
    await world.run(10 * MINUTE, replica)
    world.slow_answers = answers * [slow]
    for _ in range(20):
        await world.run(MINUTE, replica)
        assert world.watermark <= world.true.now()
    world.slow_answers = []
    await world.settle(replica)


@pytest.mark.slow
@pytest.mark.parametrize("off", [timedelta(), *OFF])
@pytest.mark.parametrize("paused", [31 * SECOND, 4 * MINUTE, HOUR])
async def test_a_collector_that_is_paused_in_the_middle_of_slices_claims_no_time_and_skips_none(world, off, paused):
    replica = world.replica(off)
    await world.run(10 * MINUTE, replica)
    world.pauses = [paused]
    for _ in range(5):
        await world.run(MINUTE, replica)
        assert world.watermark <= world.true.now()
    world.pauses = []
    await world.settle(replica)


@pytest.mark.parametrize("off", [3 * DAY, 9 * DAY])
@pytest.mark.parametrize("step", ["add", "pull_back", "withdraw"])
@pytest.mark.parametrize("done", [False, True])
async def test_a_crash_in_the_middle_of_a_correction(world, off, step, done):
    world.dated_answers = 0
    await world.run(20 * MINUTE, world.replica(off))
    owner = world.backlog if step == "add" else world.corrections
    write = getattr(owner, step)

    async def crash(*args):
        setattr(owner, step, write)
        if done:
            await write(*args)
        raise ConnectionError

    setattr(owner, step, crash)
    replica = world.replica()
    await replica.work()
    world.true.advance(60)
    with pytest.raises(ConnectionError):
        await replica.work()
    await world.settle()


async def test_a_position_that_another_replica_moves_during_a_correction_leaves_nothing_out(world):
    """A clock that is behind withdraws no stretch that the others still need when it cannot set the position back."""
    right, behind = world.replica(), world.replica(-HOUR)
    await world.run(20 * MINUTE, right)
    # An outage: the time between is a stretch.
    world.true.advance(3 * HOUR)
    await right._scheduler.tick()
    [stretch] = [one for one in await world.backlog.waiting("contoso") if one.cause is Cause.BEHIND]
    pull_back = world.corrections.pull_back

    async def too_late(tenant, source, before, position, now):
        await world.states.advance(tenant, source, before + SECOND, world.true.now())
        return await pull_back(tenant, source, before, position, now)

    world.corrections.pull_back = too_late
    for _ in range(2):
        await behind._scheduler.tick()
    world.corrections.pull_back = pull_back

    assert stretch.id in world.backlog.stretches
    world.jobs.clear()
    await world.settle(right)


async def test_a_gap_that_a_clock_ahead_has_noted_is_collected_though_the_position_is_right(world):
    replica = world.replica()
    await world.run(20 * MINUTE, replica)
    start = world.true.now() - HOUR
    lost = set(world.records(start, world.true.now() - 30 * MINUTE))
    world.collected -= lost
    world.corrections.gaps.append((*SOURCE, start, world.true.now() + 9 * DAY))
    await world.settle(replica)

    assert lost
    assert "a clock was wrong" not in (world.states.states[SOURCE].last_error or "")


async def test_a_jump_that_time_overtakes_before_it_is_seen_twice(world):
    """Once seen in the future, a position is doubted also when the present comes so near that it would be believed."""
    await world.run(6 * MINUTE, world.replica(6 * MINUTE))
    replica = world.replica()
    await replica.work()
    world.true.advance(9 * 60)
    await world.settle(replica)

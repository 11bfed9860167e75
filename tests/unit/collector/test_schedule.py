"""What asks for what is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_collector.rescan import plan
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing
from aoc_common.errors import Unreachable
from aoc_common.store.backlog import Cause

if TYPE_CHECKING:
    from aoc_common.contracts.jobs import CollectJob

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SLICING = Slicing(24 * HOUR, 15 * MINUTE, HOUR, MINUTE, MINUTE, 10 * MINUTE, 24 * HOUR, 3.75)
SIGNINS, INTUNE = Feed("contoso", "graph-signins", SLICING), Feed("contoso", "graph-intune", SLICING)


class Bus:
    """Takes one job a subject; `jobs.clear()` makes room."""

    def __init__(self):
        self.jobs = {}
        self.error = None

    async def publish(self, job: CollectJob) -> bool:
        if self.error:
            raise self.error
        return self.jobs.setdefault(job.subject, job) is job

    @property
    def live(self):
        return [job for job in self.jobs.values() if job.stretch is None]

    @property
    def backlog(self):
        return [job for job in self.jobs.values() if job.stretch is not None]


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def scheduler(states, backlog, bus, clock, corrector):
    return Scheduler([SIGNINS, INTUNE], states, backlog, bus.publish, clock, corrector)


async def test_a_store_that_is_away_delays_the_schedule_and_does_not_end_it(states, scheduler, bus):
    async def away(_tenant):
        raise Unreachable("away")

    there, states.all_states = states.all_states, away
    with pytest.raises(Unreachable):
        await scheduler.tick()
    states.all_states = there
    await scheduler.tick()

    assert sorted(job.source for job in bus.live) == ["graph-intune", "graph-signins"]


async def test_every_source_that_has_something_due_gets_a_job(scheduler, states, bus, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())

    await scheduler.tick()

    assert [job.source for job in bus.live] == ["graph-intune"]


async def test_after_an_outage_live_slices_go_on_beside_the_backlog(scheduler, states, backlog, bus, clock):
    for source in ("graph-signins", "graph-intune"):
        await states.advance("contoso", source, clock.now() - timedelta(days=3), clock.now() - timedelta(days=3))

    await scheduler.tick()
    live = [(job.source, clock.now() - job.end) for job in bus.live]

    left = [stretch for stretch in await backlog.waiting("contoso") if stretch.cause is Cause.BEHIND]
    assert sorted(live) == [("graph-intune", MINUTE), ("graph-signins", MINUTE)]
    assert [(stretch.end - stretch.start) // HOUR for stretch in left] == [71, 71]
    assert sorted(job.source for job in bus.backlog) == ["graph-intune", "graph-signins"]


async def test_a_crash_between_leaving_behind_and_going_on_skips_nothing(scheduler, states, backlog, clock):
    began = clock.now() - timedelta(days=1)
    await states.advance("contoso", "graph-signins", began, began)

    async def crash(*_):
        raise Unreachable("away")

    skip, states.skip = states.skip, crash
    with pytest.raises(Unreachable):
        await scheduler.tick()
    await clock.sleep(3600)
    states.skip = skip
    await scheduler.tick()

    [left] = [
        stretch
        for stretch in await backlog.waiting("contoso")
        if (stretch.source, stretch.cause) == ("graph-signins", "behind")
    ]
    assert (left.start, left.end) == (began, (await states.state("contoso", "graph-signins")).position)


async def test_look_backs_are_added_once(scheduler, states, backlog, clock):
    for source in ("graph-signins", "graph-intune"):
        await states.advance("contoso", source, clock.now(), clock.now() - timedelta(days=9))
    added = []
    add = backlog.add

    async def counted(stretch, at):
        added.append(stretch.id)
        await add(stretch, at)

    backlog.add = counted
    for _ in range(3):
        await scheduler.tick()

    assert len(added) == len(set(added)) == 2 * len(plan(SLICING, {}))


async def test_what_is_looked_at_again_follows_how_late_records_were(states, backlog, bus, clock, corrector):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now() - timedelta(days=9))
    asked = []

    async def lateness(tenant, now):
        asked.append((tenant, now))
        return {"graph-signins": {28: 1000}}

    scheduler = Scheduler([SIGNINS], states, backlog, bus.publish, clock, corrector, lateness)
    await scheduler.tick()
    await scheduler.tick()

    ages = {
        int(stretch.name.split("s ")[0]) for stretch in await backlog.waiting("contoso") if stretch.cause is Cause.LATE
    }
    assert asked == [("contoso", clock.now())]
    assert ages == {age.total_seconds() for age in plan(SLICING, {28: 1000})}


async def test_a_crash_after_a_look_back_was_added_looks_back_there_again(scheduler, states, backlog, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now() - timedelta(days=9))

    async def crash(*_):
        raise Unreachable("away")

    reread, states.reread = states.reread, crash
    with pytest.raises(Unreachable):
        await scheduler.tick()
    states.reread = reread
    await scheduler.tick()

    state = await states.state("contoso", "graph-signins")
    waiting = [stretch for stretch in await backlog.waiting("contoso") if stretch.cause is Cause.LATE]
    assert len(waiting) == len(state.reread) == len(plan(SLICING, {}))


async def test_a_source_that_is_still_behind_is_asked_for_again_at_once(scheduler, bus, eventually):
    await scheduler.tick()
    live, part = bus.live[0], bus.backlog[0]
    bus.jobs.clear()

    scheduler.nudge(live.model_copy(update={"end": live.end - 2 * MINUTE}))
    scheduler.nudge(part)

    await eventually(lambda: (len(bus.live), len(bus.backlog)) == (1, 1))


async def test_a_source_that_has_caught_up_is_read_at_its_next_turn_only(scheduler, states, bus, monkeypatch):
    await scheduler.tick()
    read = []
    monkeypatch.setattr(states, "state", lambda *source: read.append(source))

    scheduler.nudge(bus.live[0])
    await asyncio.sleep(0.05)

    assert read == []


async def test_news_are_looked_at_before_the_interval_has_passed(scheduler, states, bus, clock):
    just_now = clock.now() - MINUTE - timedelta(seconds=5)
    await states.advance("contoso", "graph-signins", just_now, clock.now())

    asked = [await scheduler.poll("contoso", source) for source in ("graph-signins", "unheard-of", "graph-signins")]

    # The third: the slice of the first is pending still, and may end before what the third is about.
    assert asked == [True, True, False]
    assert [job.end for job in bus.live] == [clock.now() + timedelta(seconds=1)]


async def test_a_nudge_that_fails_is_left_to_the_next_tick(scheduler, bus):
    await scheduler.tick()
    job = bus.live[0]
    bus.jobs.clear()
    bus.error = Unreachable("away")

    scheduler.nudge(job.model_copy(update={"end": job.end - 2 * MINUTE}))
    await scheduler.close()

    assert bus.jobs == {}

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_collector.schedule import Feed, Pace, Scheduler, next_job
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from aoc_common.contracts.jobs import CollectJob

NOW = datetime(2026, 11, 23, 8, 0, 0, 700_000, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def feed(**changes):
    defaults = {"lookback": 24 * HOUR, "overlap": 15 * MINUTE, "longest": HOUR, "settle": MINUTE, "interval": MINUTE}
    return Feed("contoso", "graph-signins", Pace(**(defaults | changes)))


def at(hour, minute, second=0):
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


def test_nothing_is_due_before_an_interval_has_passed():
    assert next_job(feed(), at(7, 58, 30), NOW) is None


def test_a_watermark_beyond_now_asks_for_nothing():
    assert next_job(feed(), NOW + HOUR, NOW) is None


def test_a_slice_reaches_back_for_late_records_and_leaves_the_newest_to_settle():
    job = next_job(feed(), at(7, 30), NOW)

    assert (at(7, 15), at(7, 59)) == (job.start, job.end)


def test_after_an_outage_the_slices_are_bounded_and_nothing_is_skipped():
    watermark, steps = at(1, 0), []
    while job := next_job(feed(), watermark, NOW):
        steps.append((job.start, job.end))
        watermark = job.end

    assert (at(0, 45), at(2, 0)) == steps[0]
    assert at(7, 59) == watermark
    assert all(start < end for (_, end), (start, _) in itertools.pairwise(steps))


def test_a_new_source_starts_a_look_back_ago():
    job = next_job(feed(), None, NOW)

    assert (at(8, 0) - 24 * HOUR - 15 * MINUTE, at(9, 0) - 24 * HOUR) == (job.start, job.end)


@pytest.mark.parametrize("settle", [0, 60, 3600])
def test_a_new_source_starts_even_without_a_look_back(settle):
    pace = feed(lookback=timedelta(0), overlap=timedelta(0), settle=timedelta(seconds=settle))

    assert next_job(pace, None, NOW) is not None


class Bus:
    """Takes one job a source; `free` makes room."""

    def __init__(self):
        self.jobs = {}
        self.error = None

    async def publish(self, job: CollectJob) -> bool:
        if self.error:
            raise self.error
        return self.jobs.setdefault(job.source, job) is job


async def test_a_store_that_is_away_delays_the_schedule_and_does_not_end_it(states, clock):
    answers = iter([Unreachable("away"), Unreachable("away")])

    async def all_states(_tenant):
        for error in answers:
            raise error
        raise KeyboardInterrupt

    states.all_states = all_states
    with pytest.raises(KeyboardInterrupt):
        await Scheduler([feed()], states, Bus().publish, clock).run(5)

    assert clock.slept == [5, 5]


async def test_every_source_that_is_behind_gets_a_job(states, clock):
    bus = Bus()
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    other = Feed("contoso", "graph-intune", feed().pace)

    await Scheduler([feed(), other], states, bus.publish, clock).tick()

    assert list(bus.jobs) == ["graph-intune"]


async def test_a_source_that_is_still_behind_is_asked_for_again_at_once(states, clock, eventually):
    bus = Bus()
    scheduler = Scheduler([feed()], states, bus.publish, clock)

    scheduler.nudge("contoso", "graph-signins")

    await eventually(lambda: len(bus.jobs) == 1)


async def test_a_nudge_that_fails_is_left_to_the_next_tick(states, clock):
    bus = Bus()
    bus.error = Unreachable("away")
    scheduler = Scheduler([feed()], states, bus.publish, clock)

    scheduler.nudge("contoso", "graph-signins")
    await scheduler.close()

    assert bus.jobs == {}


def test_a_slice_that_cannot_be_finished_is_halved_down_to_a_minute_and_grows_again(states, clock):
    one = feed()
    scheduler = Scheduler([one], states, Bus().publish, clock)
    lengths = []
    while scheduler.shorten(next_job(one, at(1, 0), NOW)):
        lengths.append(one.longest)
    scheduler.finished("contoso", "graph-signins")

    assert lengths[:2] == [30 * MINUTE, 15 * MINUTE]
    assert lengths[-1] >= MINUTE
    assert lengths[-1] * 2 == one.longest

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aoc_collector.polling import REDELIVERY, Poller
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing
from aoc_common.bus.jobs import counted_job_handler
from aoc_common.contracts.jobs import DirectoryJob, PollJob
from aoc_common.contracts.sources import DIRECTORY
from aoc_common.errors import Malformed, Postponed, Unreachable

ALERTS = PollJob(tenant="contoso", source="graph-alerts")


class Collector:
    """A scheduler and a directory scheduler: `free` says whether they take what is asked."""

    def __init__(self):
        self.asked = []
        self.free = True
        self.error = None

    async def look(self, tenant, source):
        if self.error:
            raise self.error
        self.asked.append((tenant, source))
        return self.free

    async def ask(self, job):
        self.asked.append(job)
        return self.free


@pytest.fixture
def collector():
    return Collector()


@pytest.fixture
def poller(collector, clock):
    return Poller(collector.look, collector.ask, ["contoso"], 10, clock)


async def test_a_poll_job_is_a_look_at_its_source(poller, collector):
    await poller.run(ALERTS, 1)

    assert collector.asked == [("contoso", "graph-alerts")]


@pytest.mark.parametrize(("tenant", "asked"), [("contoso", [DirectoryJob(tenant="contoso")]), ("fabrikam", [])])
async def test_news_of_a_directory_that_is_kept_is_a_job_to_read_it(poller, collector, tenant, asked):
    await poller.run(PollJob(tenant=tenant, source=DIRECTORY), 1)

    assert asked == collector.asked


async def test_looks_at_one_source_keep_their_distance_and_none_is_lost(poller, collector, clock):
    await poller.run(ALERTS, 1)
    await clock.sleep(4)
    with pytest.raises(Postponed) as raised:
        await poller.run(ALERTS, 1)
    await poller.run(PollJob(tenant="contoso", source="graph-intune"), 1)
    await clock.sleep(raised.value.retry_after)
    await poller.run(ALERTS, 2)

    assert raised.value.retry_after == pytest.approx(6)
    assert collector.asked == [
        ("contoso", "graph-alerts"),
        ("contoso", "graph-intune"),
        ("contoso", "graph-alerts"),
    ]


async def test_news_that_come_while_a_source_is_being_looked_at_wait_for_the_end_but_not_for_ever(poller, collector):
    collector.free = False
    delays = []
    for deliveries in range(1, 8):
        with pytest.raises(Postponed) as raised:
            await poller.run(ALERTS, deliveries)
        delays.append(REDELIVERY.delay_s(raised.value, deliveries))
    await poller.run(ALERTS, 8)

    assert delays == [1, 2, 4, 8, 16, 30, 30]


async def test_a_look_that_could_not_be_asked_for_is_asked_for_again(poller, collector):
    collector.error = Unreachable("away")
    with pytest.raises(Unreachable):
        await poller.run(ALERTS, 1)
    collector.error = None
    await poller.run(ALERTS, 2)

    assert len(collector.asked) == 1


async def test_a_job_that_this_version_cannot_read_is_permanent(poller):
    message: Any = SimpleNamespace(data=b'{"version": 9}', metadata=SimpleNamespace(num_delivered=1))
    with pytest.raises(Malformed):
        await counted_job_handler(PollJob, poller.run)([message])


MINUTE = timedelta(minutes=1)


@pytest.fixture
def polled(states, backlog, clock, corrector):
    """`polled(**slicing)`: the job that a poll of a source asks for, whose watermark is 30 s old."""

    async def poll(**changes):
        defaults = {
            "lookback": 60 * MINUTE,
            "overlap": 15 * MINUTE,
            "max_slice": 60 * MINUTE,
            "settle_delay": MINUTE,
            "interval": MINUTE,
            "live_window": 10 * MINUTE,
        }
        feed, jobs = Feed("contoso", "graph-alerts", Slicing(**(defaults | changes))), []

        async def publish(job):
            jobs.append(job)
            return True

        await states.advance("contoso", "graph-alerts", clock.now() - MINUTE / 2, clock.now())
        assert (
            await Scheduler([feed], states, backlog, publish, clock, corrector).poll("contoso", "graph-alerts") is True
        )
        return jobs

    return poll


async def test_a_poll_does_not_wait_for_the_interval_and_reaches_until_now(polled, clock):
    (job,) = await polled()

    next_second = clock.now() + timedelta(seconds=1)
    assert (job.start, job.end) == (clock.now() - MINUTE / 2 - 15 * MINUTE, next_second)


async def test_a_poll_leaves_to_settle_what_the_next_slice_does_not_read_again(polled, clock):
    (job,) = await polled(overlap=MINUTE / 2, settle_delay=MINUTE * 3 / 4)

    assert job.end == clock.now() - MINUTE / 4 + timedelta(seconds=1)
    assert await polled(overlap=timedelta(0)) == []


async def test_a_poll_of_a_source_that_is_not_collected_here_asks_for_nothing(states, backlog, clock, corrector):
    async def publish(_job):
        pytest.fail("was asked for")

    assert await Scheduler([], states, backlog, publish, clock, corrector).poll("contoso", "graph-alerts") is True


@pytest.mark.parametrize(("behind", "done"), [(8, False), (90, False), (3, True)])
async def test_a_poll_is_not_done_with_a_slice_that_ends_before_the_present(
    states, backlog, clock, corrector, behind, done
):
    feed = Feed("contoso", "graph-alerts", Slicing(MINUTE, MINUTE, 5 * MINUTE, MINUTE, MINUTE, 10 * MINUTE))
    await states.advance("contoso", "graph-alerts", clock.now() - behind * MINUTE, clock.now())

    async def publish(_job):
        return True

    assert await Scheduler([feed], states, backlog, publish, clock, corrector).poll("contoso", "graph-alerts") is done


async def test_a_poll_of_a_source_that_is_far_behind_is_of_the_present(states, backlog, clock, corrector):
    feed = Feed("contoso", "graph-alerts", Slicing(MINUTE, MINUTE, 60 * MINUTE, MINUTE, MINUTE, 10 * MINUTE))
    await states.advance("contoso", "graph-alerts", clock.now() - 90 * MINUTE, clock.now())
    ends = []

    async def publish(job):
        ends.append(job.end)
        return True

    assert await Scheduler([feed], states, backlog, publish, clock, corrector).poll("contoso", "graph-alerts") is True
    assert ends == [clock.now() + timedelta(seconds=1)]


async def test_a_poll_says_when_the_source_has_a_job_already(states, backlog, clock, corrector):
    async def publish(_job):
        return False

    feed = Feed("contoso", "graph-alerts", Slicing(MINUTE, MINUTE, MINUTE, MINUTE, MINUTE, 10 * MINUTE))

    assert await Scheduler([feed], states, backlog, publish, clock, corrector).poll("contoso", "graph-alerts") is False

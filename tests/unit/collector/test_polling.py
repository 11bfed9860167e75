from __future__ import annotations

from types import SimpleNamespace

import pytest

from aoc_collector.polling import Poller, make_poll_handler
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
        delays.append(raised.value.retry_after)
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
    message = SimpleNamespace(data=b'{"version": 9}', metadata=SimpleNamespace(num_delivered=1))
    with pytest.raises(Malformed):
        await make_poll_handler(poller)([message])

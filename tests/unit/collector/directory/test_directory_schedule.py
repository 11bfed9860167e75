from __future__ import annotations

from datetime import timedelta

import pytest

from aoc_collector.directory.schedule import DirectoryScheduler
from aoc_common.errors import Unreachable
from aoc_common.store.directory_states import SyncState


class Bus:
    def __init__(self):
        self.jobs = []

    async def publish(self, job):
        self.jobs.append(job.tenant)
        return True


@pytest.fixture
def scheduler(store, clock):
    def make(bus, *kinds):
        return DirectoryScheduler(
            ["contoso", "fabrikam"], kinds or ("user",), timedelta(minutes=5), store, bus.publish, clock
        )

    return make


async def test_a_tenant_is_due_when_one_of_its_kinds_was_never_tried_or_an_interval_ago(scheduler, store, clock):
    bus = Bus()
    await store.advance(SyncState("contoso", "user"), clock.now())
    await store.note_error("fabrikam", "user", "refused", clock.now())
    await scheduler(bus).tick()
    fresh = list(bus.jobs)
    await scheduler(bus, "user", "group").tick()
    another = bus.jobs[len(fresh) :]
    await clock.sleep(299)
    await scheduler(bus).tick()
    await clock.sleep(1)
    await scheduler(bus).tick()

    assert (fresh, another) == ([], ["contoso", "fabrikam"])
    assert bus.jobs[2:] == ["contoso", "fabrikam"]


async def test_a_store_that_is_away_delays_the_schedule_and_does_not_end_it(scheduler, store):
    bus = Bus()
    made = scheduler(bus)

    async def away(_tenant):
        raise Unreachable("away")

    there, store.all_states = store.all_states, away
    with pytest.raises(Unreachable):
        await made.tick()
    store.all_states = there
    await made.tick()

    assert bus.jobs == ["contoso", "fabrikam"]

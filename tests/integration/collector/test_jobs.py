"""The promise of the jobs stream, on a real server: any number of replicas, one slice of a source at a time."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from aoc_collector.flow import redelivery, slice_run
from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.jobs import counted_job_handler, publish_job
from aoc_common.bus.provision import declare_consumer
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import CollectJob
from aoc_common.errors import Transient
from doomed import work_until_killed
from silent import Silent

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
JOBS = consumers.COLLECT


def job(source, minute=0):
    end = NOW + timedelta(minutes=minute)
    return CollectJob(tenant="contoso", source=source, start=end - timedelta(hours=1), end=end)


@pytest.fixture
def replica(nats_as):
    @asynccontextmanager
    async def start(run=None, workers=2, consumer=JOBS):
        broker = make_broker(nats_as("collector"), "collector")
        await broker.connect()
        js = jetstream(broker)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(broker.stop)
            if run:
                handler = counted_job_handler(CollectJob, slice_run(SimpleNamespace(run=run), Silent(), Silent()))
                await stack.enter_async_context(
                    consuming(broker, consumer, handler, workers, redelivery=redelivery(3600))
                )
            yield js

    return start


async def test_a_second_job_of_a_source_is_refused_while_one_is_pending(replica):
    async with replica() as js:
        answers = [
            await publish_job(js, job("graph-signins")),
            await publish_job(js, job("graph-signins", 5)),
            await publish_job(js, job("graph-intune")),
        ]

    assert answers == [True, False, True]


@pytest.mark.slow
async def test_three_replicas_never_run_one_source_twice_at_a_time(replica, eventually):
    running, most, done = Counter(), Counter(), Counter()

    async def run(one):
        running[one.source] += 1
        most[one.source] = max(most[one.source], running[one.source])
        await asyncio.sleep(0.03)
        running[one.source] -= 1
        done[one.source] += 1

    async def insist(js, source):
        for minute in range(200):
            await publish_job(js, job(source, minute))
            await asyncio.sleep(0.005)

    sources = ["graph-signins", "graph-intune", "o365-dlp"]
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(replica(run)) for _ in range(3)]
        await asyncio.gather(*(insist(js, source) for js in replicas for source in sources))
        await eventually(lambda: not running.total())

    assert dict.fromkeys(sources, 1) == dict(most)
    assert all(done[source] > 3 for source in sources)


@pytest.mark.slow
async def test_the_job_of_a_replica_that_dies_is_taken_by_another_within_its_ack_wait(nats_as, replica, eventually):
    ran = []
    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    await declare_consumer(jetstream(owner), replace(JOBS, ack_wait_s=2))
    await owner.stop()

    async def run(one):
        ran.append(one.source)

    patience = replace(JOBS, ack_wait_s=2)
    spawn = multiprocessing.get_context("spawn")
    taken = spawn.Event()
    async with replica() as js:
        doomed = spawn.Process(target=work_until_killed, args=(nats_as("collector"), patience, taken), daemon=True)
        doomed.start()
        await publish_job(js, job("graph-signins"))
        await eventually(taken.is_set)
        async with replica(run, consumer=patience):
            await asyncio.sleep(2 * patience.ack_wait_s)
            while_it_lived = list(ran)
            doomed.kill()
            died = time.monotonic()
            await eventually(lambda: bool(ran))
            took = time.monotonic() - died

    assert (while_it_lived, ran) == ([], ["graph-signins"])
    assert took < patience.ack_wait_s + 1


async def test_a_job_that_fails_stays_the_only_one_and_comes_again(replica, eventually):
    seen = []

    async def run(one):
        seen.append(one.end)
        if len(seen) == 1:
            raise Transient("once", retry_after=0.3)

    async with replica(run) as js:
        await publish_job(js, job("graph-signins"))
        await eventually(lambda: len(seen) == 1)
        second = await publish_job(js, job("graph-signins", 5))
        await eventually(lambda: len(seen) == 2)

    assert (second, seen) == (False, [NOW, NOW])


async def test_a_job_that_cannot_be_read_goes_to_the_dead_letters_and_makes_room(replica, eventually):
    ran = []

    async def run(one):
        ran.append(one)

    async with replica(run) as js:
        await js.publish("aoc.jobs.collect.contoso.graph-signins", b'{"version": 9}')

        async def accepted():
            return await publish_job(js, job("graph-signins"))

        await eventually(accepted)
        await eventually(lambda: len(ran) == 1)
        letters = await js.stream_info(subjects.DLQ_STREAM)

    assert letters.state.messages == 1

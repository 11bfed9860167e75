"""A tenant whose Microsoft hangs, fails or throttles costs nobody else a turn, nor does a collector that stops."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from aoc_collector.bulkhead import Bulkhead, BulkheadRunner
from aoc_collector.flow import redelivery, slice_run
from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.jobs import counted_job_handler, publish_job
from aoc_common.clock import SystemClock
from aoc_common.contracts.jobs import CollectJob
from aoc_common.errors import Throttled, Transient
from silent import Silent

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WORKERS = 4


def job(tenant, source):
    return CollectJob(tenant=tenant, source=source, start=NOW - timedelta(hours=1), end=NOW)


def a_crowd():
    return Bulkhead(WORKERS, lambda one: one.tenant, SystemClock(), slow_s=0.2)


@pytest.fixture
def collecting(nats_as):
    @asynccontextmanager
    async def start(run, crowd, stopping=None):
        broker = make_broker(nats_as("collector"), "collector")
        await broker.connect()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(broker.stop)
            run_slice = slice_run(BulkheadRunner(SimpleNamespace(run=run), crowd), Silent(), Silent())
            handler, again = counted_job_handler(CollectJob, run_slice), redelivery(3600)
            await stack.enter_async_context(
                consuming(broker, consumers.COLLECT, handler, WORKERS, stopping=stopping, redelivery=again)
            )
            yield jetstream(broker)

    return start


@pytest.mark.slow
@pytest.mark.parametrize("answers", ["with 429", "well, and slowly"])
async def test_a_tenant_whose_microsoft_answers_slowly_or_with_429_for_ever_costs_no_other_tenant_its_turn(
    collecting, eventually, answers
):
    done, tried = [], []

    async def run(one):
        if one.tenant == "good":
            done.append(time.monotonic())
            return 0
        tried.append(one.source)
        await asyncio.sleep(0.5)
        if answers == "with 429" or tried.count(one.source) < 50:
            raise Throttled("429", retry_after=0.05) if answers == "with 429" else Transient("slow", retry_after=0.05)
        return 0

    async with collecting(run, a_crowd()) as js:
        for number in range(12):
            await publish_job(js, job("bad", f"source-{number}"))
        await eventually(lambda: len(tried) >= 8)
        asked = time.monotonic()
        await publish_job(js, job("good", "graph-signins"))
        await eventually(lambda: bool(done), 20)

    assert done[0] - asked < 2


async def test_a_collector_that_stops_takes_no_job_any_more_while_it_waits_for_those_in_work(collecting, eventually):
    stopping, tried = asyncio.Event(), []

    async def run(one):
        tried.append(one.source)
        if one.source == "long":
            await asyncio.sleep(2)
            return 0
        await stopping.wait()
        raise Transient("the collector is stopping", retry_after=0)

    async with collecting(run, a_crowd(), stopping) as js:
        await publish_job(js, job("good", "long"))
        await publish_job(js, job("good", "short"))
        await eventually(lambda: len(tried) == 2)
        stopping.set()
        await asyncio.sleep(1.5)

    assert sorted(tried) == ["long", "short"]

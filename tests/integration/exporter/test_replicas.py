"""Replicas of the exporter share a sink: one that is killed loses nothing, and the account says what came twice."""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack

import pytest

from aoc_common.bus.broker import jetstream
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.splunk import SplunkReceiver
from exporter_bench import TOKEN, started
from reader_bench import sign_ins
from receiving import serving

ACKNOWLEDGED = {"acknowledgements": True, "acknowledge_every_s": 0.05, "acknowledge_within_s": 2.0}
PAGE = 10


async def redelivered_soon(bench) -> None:
    """What a replica that was killed had in work comes to the other one within a second or two, not thirty."""
    owner = jetstream(await bench.broker("provision"))
    config = (await owner.consumer_info("AOC_EVENTS", "exporter-0")).config
    await owner.add_consumer("AOC_EVENTS", config.evolve(ack_wait=1.5))


@pytest.mark.slow
async def test_one_of_two_replicas_is_killed_midway_and_every_event_arrives(bench, eventually, tmp_path) -> None:
    receiver = SplunkReceiver(
        RequestFaults(rates={RequestFault.SLOW: 0.5}, most=100, slow_s=0.1), token=TOKEN, acknowledges=True
    )
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(receiver.routes()))
        await bench.splunk("siem", url, options=ACKNOWLEDGED)
        victim, other = [
            await stack.enter_async_context(started(bench, tmp_path / name)) for name in ("a.log", "b.log")
        ]
        published = 0

        async def more() -> None:
            nonlocal published
            await bench.publish(*sign_ins(PAGE))
            published += PAGE

        async def both() -> bool:
            # Each replica has a channel of its own.
            await more()
            return len(receiver.channels) == 2 and min(receiver.channels.values()) > 0

        await eventually(lambda: bench.runs("siem"), 30)
        await eventually(both, 30)
        await redelivered_soon(bench)
        before = receiver.taken.requests
        for _ in range(4):
            await more()
        await eventually(lambda: receiver.taken.requests > before)
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
        for _ in range(4):
            await more()
        await eventually(lambda: len(receiver.taken.times) == published, 60)

        # Of a tenant that only the other one has to do with, so that the account is its alone.
        await bench.publish(*sign_ins(PAGE), tenant="fabrikam")

        async def settled() -> bool:
            tally = await bench.tally("siem", "fabrikam")
            waiting = (await bench.state("siem")).health.waiting
            return waiting == 0 and tally is not None and tally.delivered == PAGE

        await eventually(settled, 30)
        assert other.returncode is None
    tally = await bench.tally("siem")
    published += PAGE

    assert set(receiver.taken.times) == {
        f"{one['_id']}-1" async for one in bench.database["events"].find({}, {"_id": 1})
    }
    assert receiver.taken.doubled <= tally.repeated
    assert tally.delivered <= published + receiver.taken.doubled
    assert (tally.refused, tally.missing, tally.unaccounted) == (0, 0, 0)

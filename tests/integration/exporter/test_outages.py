"""Destinations that are away: nothing is lost, others are not held up, and what may be there twice is counted."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from starlette.routing import Mount

from aoc_exporter import intake
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.splunk import SplunkReceiver
from exporter_bench import TOKEN, elastic, splunk, started
from reader_bench import sign_ins
from receiving import serving

NOBODY = "http://127.0.0.1:1"


async def keys(bench) -> set[str]:
    """Of all that is stored, as destinations know it."""
    return {f"{one['_id']}-1" async for one in bench.database["events"].find({}, {"_id": 1})}


@pytest.mark.slow
async def test_a_sink_that_was_down_until_the_stream_had_dropped_everything_loses_nothing(bench, eventually) -> None:
    async with bench.exporter():
        await bench.splunk("siem", NOBODY)

        async def placed() -> bool:
            return (await bench.state("siem")) is not None and await bench.checkpoints.read("exporter-0") is not None

        await eventually(placed)
        await bench.publish(*sign_ins(60))
    for _ in range(3):
        await bench.publish(*sign_ins(60))
        await bench.drop()
    async with splunk() as (receiver, url), bench.exporter():
        await bench.publish(*sign_ins(5))
        await bench.splunk("siem", url)
        await eventually(lambda: len(receiver.taken.times) == 245, 40)
        expected = await keys(bench)

        async def told() -> bool:
            tally = await bench.tally("siem")
            return tally is not None and tally.delivered == 245 + receiver.taken.doubled

        await eventually(told)
    tally = await bench.tally("siem")

    assert set(receiver.taken.times) == expected
    assert receiver.taken.doubled <= tally.repeated


@pytest.mark.slow
async def test_tenants_whose_destinations_are_dead_hold_up_no_other_and_are_caught_up(bench, eventually) -> None:
    """150 destinations of one sink, three of them dead: the others lag under 10 s, and NATS delivers about once."""
    names = [f"tenant-{number}" for number in range(150)]
    dead = names[::50]
    receivers = {name: SplunkReceiver(token=TOKEN) for name in names}
    async with AsyncExitStack() as stack:
        routes = [
            route for name, receiver in receivers.items() for route in _mounted(name, receiver)
        ]  # one server for all: each is a path
        url = await stack.enter_async_context(serving(routes))
        await bench.splunk("siem", url + "/{tenant}", per_tenant={name: {"url": NOBODY} for name in dead})
        await stack.enter_async_context(bench.exporter())
        await eventually(lambda: bench.runs("siem"))
        loop = asyncio.get_running_loop()
        worst = 0.0
        for round_ in range(2):
            await bench.publish_of({name: sign_ins(2) for name in names})
            began = loop.time()
            well = [receivers[name].taken for name in names if name not in dead]
            await eventually(lambda: all(len(taken.times) == 2 * (round_ + 1) for taken in well), 30)  # noqa: B023
            worst = max(worst, loop.time() - began)
        info = await bench.js.consumer_info("AOC_EVENTS", "exporter-0")
        assert info.delivered.consumer_seq <= 600 * 1.1
        await bench.splunk("siem", url + "/{tenant}")
        await eventually(lambda: all(len(receivers[name].taken.times) == 4 for name in dead), 60)
        await bench.publish(*sign_ins(1), tenant=dead[0])
        await eventually(lambda: len(receivers[dead[0]].taken.times) == 5, 30)
    doubled = {name: receiver.taken.doubled for name, receiver in receivers.items() if receiver.taken.doubled}
    accounts = await bench.accounts.of("siem")

    assert worst < 10
    assert all(count <= accounts[name].repeated for name, count in doubled.items())


def _mounted(name: str, receiver: SplunkReceiver):
    return [Mount(f"/{name}", routes=receiver.routes())]


@pytest.mark.slow
async def test_one_tenant_that_is_refused_where_it_goes_holds_up_no_other_of_the_same_destination(
    bench, eventually, monkeypatch
) -> None:
    monkeypatch.setattr(intake, "_PATIENCE_S", 0.3)
    async with elastic() as (receiver, url), bench.exporter():
        receiver.closed.add("logs-fabrikam")
        await bench.put(
            "siem", "elastic",
            {"url": url, "user": "aoc", "password": f"file:{bench.folder}/password", "index": "logs-{tenant}"},
        )  # fmt: skip
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(10), tenant="fabrikam")
        await bench.publish(*sign_ins(10))
        await eventually(lambda: len(receiver.taken.times) == 10)

        async def said() -> bool:
            state = await bench.state("siem")
            return "fabrikam" in state.health.words and "no such index" in state.health.words

        await eventually(said)
        receiver.closed.clear()
        await eventually(lambda: len(receiver.taken.times) == 20, 90)

    assert receiver.taken.doubled == 0


@pytest.mark.slow
async def test_an_exporter_that_is_killed_at_any_moment_loses_nothing_and_counts_what_comes_twice(
    bench, eventually, tmp_path
) -> None:
    faults = RequestFaults(rates={RequestFault.SLOW: 0.3, RequestFault.RESET_AFTER: 0.1}, seed=3, most=50, slow_s=0.3)
    async with splunk(faults) as (receiver, url):
        await bench.splunk("siem", url)
        published = 0
        for kill in range(4):
            async with started(bench, tmp_path / "exporter.log") as process:
                await eventually(lambda: bench.runs("siem"), 30)
                before = len(receiver.taken.times)
                for _ in range(4):
                    await bench.publish(*sign_ins(25))
                    published += 25
                await eventually(lambda: len(receiver.taken.times) > before, 60)  # noqa: B023
                await asyncio.sleep(0.05 * kill)  # the moments are to differ
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with bench.exporter():
            await eventually(lambda: len(receiver.taken.times) == published, 90)
            expected = await keys(bench)

            async def settled() -> bool:
                return (await bench.state("siem")).health.waiting == 0

            await eventually(settled, 60)
    tally = await bench.tally("siem")

    assert set(receiver.taken.times) == expected
    assert Counter(receiver.taken.times).total() - len(expected) == receiver.taken.doubled <= tally.repeated

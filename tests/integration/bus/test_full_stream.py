"""What a full AOC_RAW refuses is waited for in place, so that nothing is fetched twice because of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.publish import Outgoing, publish_all, publish_patiently
from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure, TooLarge
from manual_clock import ManualClock

_KIB = 1024


class WaitingClock(ManualClock):
    """Does something each time that somebody has slept."""

    def __init__(self, then=None) -> None:
        super().__init__()
        self._then = then

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self._then is not None:
            await self._then(len(self.slept))


@asynccontextmanager
async def small_raw(nats_as, size: int):
    """A collector's connection, and an operator's, to an AOC_RAW of `size` bytes."""
    brokers = [make_broker(nats_as(user), user) for user in ("collector", "provision")]
    for broker in brokers:
        await broker.connect()
    operator = jetstream(brokers[1])
    config = (await operator.stream_info(subjects.RAW_STREAM)).config
    await operator.update_stream(config.evolve(max_bytes=size))
    yield jetstream(brokers[0]), operator
    for broker in brokers:
        await close(broker)


def page(number: int) -> Outgoing:
    return Outgoing(subjects.raw("contoso", "graph-signins"), b"x" * 100 * _KIB, {"Nats-Msg-Id": f"page-{number}"})


async def test_pages_that_do_not_fit_follow_as_the_stream_empties(nats_as) -> None:
    async with small_raw(nats_as, 350 * _KIB) as (js, operator):

        async def read(_time: int) -> None:
            first = (await operator.stream_info(subjects.RAW_STREAM)).state.first_seq
            await operator.delete_msg(subjects.RAW_STREAM, first)

        clock = WaitingClock(read)
        pages = [page(number) for number in range(8)]
        acks = await publish_patiently(js, clock, asyncio.Event(), subjects.RAW_STREAM, pages)
        last = (await operator.stream_info(subjects.RAW_STREAM)).state.last_seq

    assert (len({ack.seq for ack in acks}), last) == (8, 8)  # each was taken once
    assert max(clock.slept) < 1  # whatever moves is asked again soon


async def test_a_stream_that_takes_nothing_is_waited_for_a_minute(nats_as) -> None:
    async with small_raw(nats_as, 150 * _KIB) as (js, _operator):
        await publish_all(js, subjects.RAW_STREAM, [page(0)])
        clock = WaitingClock()
        with pytest.raises(Backpressure, match="stream is full"):
            await publish_patiently(js, clock, asyncio.Event(), subjects.RAW_STREAM, [page(1), page(2)])

    assert 60 <= sum(clock.slept) <= 65


async def test_a_service_that_stops_does_not_wait(nats_as) -> None:
    async with small_raw(nats_as, 150 * _KIB) as (js, _operator):
        stopping = asyncio.Event()

        async def stop(_time: int) -> None:
            stopping.set()

        clock = WaitingClock(stop)
        with pytest.raises(Backpressure):
            await publish_patiently(js, clock, stopping, subjects.RAW_STREAM, [page(0), page(1)])

    assert len(clock.slept) == 1


async def test_what_will_never_fit_is_not_waited_for(nats_as) -> None:
    async with small_raw(nats_as, 150 * _KIB) as (js, _operator):
        clock = WaitingClock()
        large = Outgoing(subjects.raw("contoso", "graph-signins"), b"x" * 64 * 1024 * _KIB, {})
        with pytest.raises(TooLarge):
            await publish_patiently(js, clock, asyncio.Event(), subjects.RAW_STREAM, [page(0), page(1), large])

    assert not clock.slept

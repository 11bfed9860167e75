from __future__ import annotations

import asyncio
from collections import deque
from contextlib import nullcontext
from datetime import timedelta

import pytest

from aoc_collector.microsoft.pacing import Bucket, Buckets, in_background
from aoc_collector.settings import Rate, Rates
from aoc_common.clock import SystemClock
from aoc_common.errors import Throttled


@pytest.mark.parametrize(("requests", "window_s"), [(5, 10), (150, 60), (2000, 60), (1, 10)])
async def test_no_window_ever_holds_more_requests_than_the_limit(clock, requests, window_s):
    bucket = Bucket("graph_audit", Rate(requests, window_s), clock)
    recent = deque()

    for _ in range(requests * 4):
        await bucket.take()
        recent.append(clock.monotonic())
        while recent[0] <= clock.monotonic() - window_s + 1e-6:
            recent.popleft()
        assert len(recent) <= requests


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(("requests", "window_s"), [(5, 10), (150, 60), (2000, 60)])
async def test_nine_tenths_of_a_limit_and_more_are_used(clock, requests, window_s, background):
    bucket = Bucket("graph_audit", Rate(requests, window_s), clock)
    start = clock.monotonic()

    with in_background() if background else nullcontext():
        for _ in range(requests * 10):
            await bucket.take()

    assert clock.monotonic() - start < 10 * window_s / 0.9


async def test_what_is_in_the_background_waits_for_everybody_else():
    bucket, served = Bucket("graph_audit", Rate(5, 0.5), SystemClock()), []

    async def ask(name, *, background):
        with in_background() if background else nullcontext():
            await bucket.take()
        served.append(name)

    await bucket.take()
    early = [asyncio.create_task(ask(f"backlog {n}", background=True)) for n in range(2)]
    await asyncio.sleep(0)
    live = [asyncio.create_task(ask(f"live {n}", background=False)) for n in range(3)]
    await asyncio.gather(*early, *live)

    assert served[:3] == ["live 0", "live 1", "live 2"]


async def test_a_pause_holds_everybody_and_spends_the_burst(clock):
    bucket = Bucket("management", Rate(2000, 60), clock)

    bucket.pause(30)
    await bucket.take()
    first = sum(clock.slept)
    await bucket.take()

    assert (first, sum(clock.slept) <= 30.1) == (30.0, True)


async def test_a_shorter_pause_does_not_end_a_longer_one(clock):
    bucket = Bucket("management", Rate(2000, 60), clock)

    bucket.pause(30)
    bucket.pause(1)
    await bucket.take()

    assert sum(clock.slept) == pytest.approx(30)


def test_tenants_apps_and_families_do_not_share_an_allowance(clock):
    buckets = Buckets(clock)
    rate = Rate(5, 10)
    keys = [
        ("app", "a", "graph_audit"),
        ("app", "b", "graph_audit"),
        ("app", "a", "management"),
        ("x", "a", "management"),
    ]

    made = [buckets.bucket(*key, rate) for key in keys]

    assert len({id(bucket) for bucket in made}) == 4
    assert made[0] is buckets.bucket("app", "a", "graph_audit", rate)


def test_a_limit_is_that_of_all_collectors_together():
    assert Rate(5, 10) == Rates(replicas=2).of("graph_audit")


async def test_the_share_of_throttled_answers_is_that_of_the_last_hour(clock):
    bucket = Bucket("management", Rate(2000, 60), clock)
    shares = [bucket.throttled]
    for throttled in (True, False, False, False):
        bucket.answered(throttled=throttled)
    shares.append(bucket.throttled)
    await clock.sleep(3000)
    bucket.answered(throttled=False)
    shares.append(bucket.throttled)
    await clock.sleep(1200)
    shares.append(bucket.throttled)

    assert shares == [None, 0.25, 0.2, 0]


async def test_who_is_asked_for_a_long_quiet_waits_for_it_on_the_stream_and_not_in_a_worker(clock):
    bucket = Bucket("graph_audit", Rate(5, 10), clock)
    bucket.pause(900)

    with pytest.raises(Throttled) as raised:
        await bucket.take()

    assert (raised.value.retry_after, clock.slept) == (900, [])
    clock.advance(timedelta(seconds=845))
    await bucket.take()
    assert sum(clock.slept) == pytest.approx(55)

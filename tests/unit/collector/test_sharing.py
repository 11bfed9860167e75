"""What a collector takes of a limit that it shares, when nobody else asks."""

from __future__ import annotations

import asyncio

import pytest

from aoc_collector.microsoft.pacing import Bucket
from aoc_collector.microsoft.sharing import Share
from aoc_collector.settings import Rate
from memory import MemoryShares


def shared(rate: Rate, clock) -> tuple[Bucket, Share]:
    share = Share("limit", rate, MemoryShares(), "m", 4, clock)
    return Bucket("management", rate, clock, share), share


@pytest.mark.parametrize("rate", [Rate(2000, 60), Rate(100, 10), Rate(150, 60)])
async def test_a_collector_that_begins_does_not_creep(clock, rate) -> None:
    bucket, _ = shared(rate, clock)
    start = clock.monotonic()
    for _ in range(int(rate.requests)):
        await bucket.take()

    # With all of the limit but an eighth, kept for others who may begin, it takes little more than a window.
    assert clock.monotonic() - start < 1.2 * rate.window_s * 8 / 7


async def test_many_that_ask_at_once_ask_the_others_once(clock) -> None:
    bucket, share = shared(Rate(2000, 60), clock)
    await asyncio.gather(*(bucket.take() for _ in range(16)))

    assert (share.units, (await share._store.read("limit")).version) == (1750, 1)

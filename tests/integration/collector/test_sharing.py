"""Collectors that share a limit through the database: processes of their own, a real server."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aoc_collector.microsoft.sharing import Share
from aoc_collector.settings import Rate
from aoc_common.clock import SystemClock
from aoc_common.errors import Unreachable
from sharing_process import RATE, asking

if TYPE_CHECKING:
    from aoc_common.settings import MongoSettings


async def together(settings: MongoSettings, *plans: tuple[float, float]) -> list[list[float]]:
    loop, context = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(plans), mp_context=context) as pool:
        runs = [loop.run_in_executor(pool, asking, settings, f"m{number}", *plan) for number, plan in enumerate(plans)]
        return list(await asyncio.gather(*runs))


def most_in_a_window(moments: list[float]) -> int:
    ordered = sorted(moments)
    return max(sum(at <= moment < at + RATE.window_s - 0.02 for moment in ordered) for at in ordered)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_several_collectors_stay_within_the_limit_together_and_each_gets_some(mongo_settings, database) -> None:
    runs = await together(mongo_settings, (0, 24), (3, 21), (6, 18))

    assert most_in_a_window([at for run in runs for at in run]) <= RATE.requests
    assert all(len(run) >= 10 for run in runs)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_collector_that_is_alone_active_gets_nearly_all_of_the_limit(mongo_settings, database) -> None:
    busy, idle = await together(mongo_settings, (0, 30), (0, 1))
    later = [at for at in busy if at > busy[0] + 16]

    assert most_in_a_window(busy + idle) <= RATE.requests
    # 95 in a hundred are used at all (`pacing`).
    assert len(later) / (busy[-1] - later[0]) >= 0.8 * RATE.requests / RATE.window_s


async def test_without_the_database_each_takes_a_conservative_share() -> None:
    class Away:
        async def read(self, limit):
            raise Unreachable("away")

        async def write(self, *_):
            raise Unreachable("away")

    shares = [Share("limit", Rate(20, 10), Away(), f"m{number}", 4, SystemClock()) for number in range(4)]

    assert [await share.hold() for share in shares] == [5, 5, 5, 5]

"""A collector's bucket for a process of its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aoc_collector.microsoft.pacing import Bucket
from aoc_collector.microsoft.sharing import Share
from aoc_collector.settings import Rate
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.shares import MongoShares

if TYPE_CHECKING:
    from aoc_common.settings import MongoSettings

RATE = Rate(10, 2)


def asking(settings: MongoSettings, member: str, begin_s: float, seconds: float) -> list[float]:
    """Ask as fast as the share allows from `begin_s` on; the moments at which a request was allowed."""

    async def ask() -> list[float]:
        async with connect(settings) as database:
            share = Share("app/contoso/audit", RATE, MongoShares(database), member, 4, SystemClock())
            bucket, taken = Bucket("graph_audit", RATE, SystemClock(), share), []
            await asyncio.sleep(begin_s)
            until = time.time() + seconds
            try:
                async with asyncio.timeout(seconds):
                    while time.time() < until:
                        await bucket.take()
                        taken.append(time.time())
            except TimeoutError:
                pass
            return taken

    return asyncio.run(ask())

"""A replica for a process of its own, to be killed in the middle of its work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aoc_common.bus.broker import make_broker
from aoc_common.bus.consume import consuming

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.synchronize import Event

    from nats.aio.msg import Msg

    from aoc_common.bus.consume import Consumer
    from aoc_common.settings import NatsSettings


def work_until_killed(settings: NatsSettings, consumer: Consumer, taken: Event) -> None:
    """Take a job, say so, and work on it until the end of the process."""

    async def never_done(messages: Sequence[Msg]) -> None:
        del messages
        taken.set()
        await asyncio.Event().wait()

    async def work() -> None:
        broker = make_broker(settings, "collector")
        await broker.connect()
        async with consuming(broker, consumer, never_done):
            await asyncio.Event().wait()

    asyncio.run(work())

"""Asking the collector for work: jobs on the bus, acknowledged by JetStream, within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_common.contracts.jobs import BackfillJob, PollJob, SubscriptionJob

    type Asked = PollJob | BackfillJob | SubscriptionJob

type Ask = Callable[[Collection[Asked]], Awaitable[list[bool]]]
"""Puts jobs on the stream; for each whether it is new, False when the same was pending. Raises `Transient`."""

#: Seconds. Microsoft waits for three, and somebody at a screen not much longer.
_TIMEOUT_S: Final = 1.5
#: More than this at once and the last would wait too long behind the others.
_AT_ONCE: Final = 64


def make_ask(broker: NatsBroker) -> Ask:
    """Ask over this broker, which need not be connected yet."""

    async def ask(jobs: Collection[Asked]) -> list[bool]:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        js, room = jetstream(broker), asyncio.Semaphore(_AT_ONCE)

        async def put(job: Asked) -> bool:
            async with room:
                return await publish_job(js, job, timeout_s=_TIMEOUT_S)

        return list(await asyncio.gather(*(put(job) for job in jobs)))

    return ask

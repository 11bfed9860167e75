"""Requests to the collector: jobs on the bus, acknowledged by JetStream within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_common.contracts.jobs import BackfillJob, DecisionJob, PollJob, SubscriptionJob

    type Job = PollJob | BackfillJob | SubscriptionJob | DecisionJob

type PublishJobs = Callable[[Collection[Job]], Awaitable[list[bool]]]
"""Publishes jobs; for each whether it is new, False when the same is pending. Raises `Transient`."""

#: Seconds. Microsoft waits for three seconds, and a user not much longer.
_TIMEOUT_S: Final = 1.5
#: Jobs that are published at once; with more, the last would wait too long.
_AT_ONCE: Final = 64


def job_publisher(broker: NatsBroker) -> PublishJobs:
    """Publishes over this broker, which need not be connected yet."""

    async def publish(jobs: Collection[Job]) -> list[bool]:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        js, slots = jetstream(broker), asyncio.Semaphore(_AT_ONCE)

        async def put(job: Job) -> bool:
            async with slots:
                return await publish_job(js, job, timeout_s=_TIMEOUT_S)

        return list(await asyncio.gather(*(put(job) for job in jobs)))

    return publish

"""When subscriptions are looked at again.

Every replica asks for every tenant. What creates has one job a tenant on AOC_JOBS, so replicas need no leader and no
locks, and two never create the same subscription at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aoc_collector.flow import put_off, read_job
from aoc_common.contracts.jobs import SubscriptionJob
from aoc_common.errors import Permanent, Transient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg

    from aoc_common.bus.consume import BatchHandler

type Publish = Callable[[SubscriptionJob], Awaitable[bool]]
"""Puts a job on the stream; False when the tenant has one already. Raises `Transient`."""


async def ask(tenants: Sequence[str], publish: Publish) -> None:
    """Ask for every tenant. Raises `Transient`."""
    for tenant in tenants:
        await publish(SubscriptionJob(tenant=tenant))


def make_subscription_handler(run: Callable[[SubscriptionJob], Awaitable[None]], max_backoff_s: float) -> BatchHandler:
    """The handler of jobs of subscriptions."""

    async def on_jobs(messages: Sequence[Msg]) -> None:
        for message in messages:
            job = read_job(SubscriptionJob, message.data)
            try:
                await run(job)
            except (Transient, Permanent) as error:
                raise put_off(error, message.metadata.num_delivered, max_backoff_s) from error

    return on_jobs

"""When subscriptions are looked at again.

Every replica asks for every tenant. What creates has one job a tenant on AOC_JOBS, so replicas need no leader and no
locks, and two never create the same subscription at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aoc_collector.flow import put_off, read_job
from aoc_common.contracts.jobs import SubscriptionJob
from aoc_common.errors import AocError, Permanent, Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg

    from aoc_common.bus.consume import BatchHandler
    from aoc_common.clock import Clock

_log = logs.get(__name__)

type Publish = Callable[[SubscriptionJob], Awaitable[bool]]
"""Puts a job on the stream; False when the tenant has one already. Raises `Transient`."""


async def keep_asking(tenants: Sequence[str], publish: Publish, every_s: float, clock: Clock) -> None:
    """Ask for every tenant that often, until cancelled."""
    while True:
        try:
            for tenant in tenants:
                await publish(SubscriptionJob(tenant=tenant))
        except AocError as error:
            _log.warning("schedule.failed", error=str(error))
        await clock.sleep(every_s)


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

"""When subscriptions are compared with what should exist.

Every replica requests a comparison for every tenant. A tenant has at most one such job on AOC_JOBS, so replicas need no
leader and no locks, and two never create the same subscription at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aoc_common.contracts.jobs import SubscriptionJob

if TYPE_CHECKING:
    from collections.abc import Sequence

type Publish = Callable[[SubscriptionJob], Awaitable[bool]]
"""Puts a job on the stream; False when the tenant has one already. Raises `Transient`."""


async def request_comparisons(tenants: Sequence[str], publish: Publish) -> None:
    """Request a comparison for every tenant. Raises `Transient`."""
    for tenant in tenants:
        await publish(SubscriptionJob(tenant=tenant))

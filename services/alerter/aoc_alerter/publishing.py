"""Revisions of alerts are published, in their order, and noted as published: also those that people have made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_common.bus.publish import Outgoing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aoc_common.store.alert_outbox import AlertOutbox

type Publish = Callable[[Sequence[Outgoing]], Awaitable[object]]
"""Puts messages on AOC_ALERTS, in their order, and returns when all are there and noted. Raises `Transient`."""

_MOST: Final = 100


class AlertPublisher:
    """Publishes what waits. After a crash a revision may be published again: the stream knows its id for a day.

    `gateway`: its address, for links in alerts; empty where nobody has said it.
    """

    def __init__(self, outbox: AlertOutbox, publish: Publish, gateway: str = "") -> None:
        self._outbox = outbox
        self._publish = publish
        self._gateway = gateway
        self._running = asyncio.Lock()

    async def run(self) -> None:
        """Publish all that waits. Raises `Transient`."""
        async with self._running:
            await self._run()

    async def _run(self) -> None:
        while waiting := await self._outbox.waiting(_MOST):
            messages = [
                Outgoing(message.subject, message.linked(self._gateway), message.headers)
                for one in waiting
                for message in one.messages
            ]
            await self._publish(messages)
            await self._outbox.published(waiting)
            metrics.PUBLISHED.inc(len(messages))
            if len(waiting) < _MOST:
                return

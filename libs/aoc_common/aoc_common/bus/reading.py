"""A reader of a stream that cannot lose: what the stream has dropped comes from the store.

    async with reading_messages(broker, reader, checkpoints, log, handle, clock) as reading:
        ...  # `handle` gets batches of messages; `reading.trouble()` is for a probe

At least once: `handle` gets every message that was published since the reader began, whatever the stream's limits, its
deletion or the consumer's have taken away meanwhile (docs/adr/0027-reader.md says what comes twice, and when). So its
effects have to be idempotent; `store.effects` is for those that cannot be. `bus.events` is this for AOC_EVENTS.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from aoc_common.bus.consume import Handling, consuming
from aoc_common.bus.continuity import LOOK_S, Continuity
from aoc_common.bus.policy import Failures, Redelivery
from aoc_common.bus.restored import RestoredMessage
from aoc_common.errors import Postponed
from aoc_common.telemetry import metrics
from aoc_common.telemetry.pulse import Pulse, moved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

    from aoc_common.bus.continuity import MayLeave
    from aoc_common.bus.readers import Checkpoints, Log, Reader
    from aoc_common.clock import Clock
    from aoc_common.contracts.reading import StoredMessage


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a batch comes from: an incarnation of the stream, and whether by way of the store."""

    incarnation: str
    restored: bool


type Handle = Callable[[Sequence[Msg], Origin], Awaitable[None]]
"""Has its effects for a batch of messages. What it raises is settled by `bus.policy`, whether a message came from the
stream or from the store: `Transient` is tried again, `Permanent` is a dead letter, anything else a few times first."""

#: For how long what is in work is waited for when a reader leaves.
_DRAIN_S: Final = 30.0


class Reading:
    """A reader at work."""

    def __init__(self, continuity: Continuity, working: Callable[[], bool], running: asyncio.Task[None]) -> None:
        self._continuity = continuity
        self._working = working
        self._running = running

    def trouble(self) -> str | None:
        """Why nothing is read, or the checkpoint is not kept; None when all is well. Filling a hole is well."""
        if self._running.done():
            return "its checkpoint is not kept any more"
        if not self._working():
            return "the consumer does not answer"
        return self._continuity.trouble


@asynccontextmanager
async def reading_messages(  # what a reader is made of
    broker: NatsBroker,
    reader: Reader,
    checkpoints: Checkpoints,
    log: Log[StoredMessage],
    handle: Handle,
    clock: Clock,
    *,
    workers: int = 1,
    failures: Failures | None = None,
    pulse: Pulse | None = None,
    redelivery: Redelivery | None = None,
) -> AsyncIterator[Reading]:
    """Run `handle` over batches of messages, `workers` at once, and over what the stream has dropped, from the store.

    A hole is filled before what comes after it is handled, one batch at a time, by one replica; messages behind it that
    were in work when it was found are handled before it. The broker must be connected. Raises `BadConfiguration` for a
    reader that was not made.
    """
    metrics.READER.export()
    policy, work, how = failures or Failures(reader.service), pulse or Pulse(), redelivery or Redelivery()

    async def deliver(
        messages: Sequence[StoredMessage], incarnation: str, may_leave: MayLeave
    ) -> Sequence[StoredMessage]:
        remaining = [(RestoredMessage(message, incarnation, reader), message) for message in messages]
        for tries in count(1):
            with work.holding(reader.name, len(remaining)):
                await filling.run([restored for restored, _ in remaining])
            remaining = [(restored, message) for restored, message in remaining if not restored.is_acked]
            if remaining and leaving.is_set():
                raise Postponed("the reader leaves while a hole is filled")
            if not remaining or may_leave(len(remaining), tries):
                break
            await clock.sleep(max(restored.delay_s for restored, _ in remaining))
        return [message for _, message in remaining]

    async def on_restored(messages: Sequence[Msg]) -> None:
        # A portion is of one incarnation.
        await handle(messages, Origin(getattr(messages[0], "incarnation", ""), restored=True))

    filling = Handling(broker, on_restored, policy, how)
    continuity = Continuity(broker, reader, checkpoints, log, deliver, clock)
    leaving = asyncio.Event()

    async def on_messages(messages: Sequence[Msg]) -> None:
        portions = continuity.portions
        while not continuity.open.is_set():
            if leaving.is_set():
                raise Postponed("the reader leaves while a hole is filled")
            if portions != continuity.portions:
                portions = continuity.portions
                moved()
            await _either(continuity.open, leaving, LOOK_S)
        await handle(messages, Origin(continuity.incarnation, restored=False))
        metrics.READER_EVENTS.labels(reader.checkpoint, "stream").inc(len(messages))

    running = asyncio.create_task(continuity.run())
    try:
        async with consuming(
            broker, reader.consumer, on_messages, workers, policy, pulse=work, redelivery=how
        ) as working:
            try:
                yield Reading(continuity, working, running)
            finally:
                leaving.set()
    finally:
        continuity.stop()
        await asyncio.wait({running}, timeout=_DRAIN_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _either(first: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.create_task(first.wait()), asyncio.create_task(other.wait())]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()

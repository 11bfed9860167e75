"""A reader of AOC_EVENTS that cannot lose.

    async with reading_events(broker, READER, checkpoints, log, handle, clock) as reading:
        ...  # `handle` gets batches of events; `reading.trouble()` is for a probe

`handle` gets every event and version that was published since the reader began (`bus.reading`). So its effects have to
be idempotent by `EventMessage.key`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aoc_common.bus.reading import reading_messages
from aoc_common.contracts.event_message import EventMessage

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

    from aoc_common.bus.policy import Failures, Redelivery
    from aoc_common.bus.readers import Checkpoints, Log, Reader
    from aoc_common.bus.reading import Handle as HandleMessages
    from aoc_common.bus.reading import Origin, Reading
    from aoc_common.clock import Clock
    from aoc_common.telemetry.pulse import Pulse

type Handle = Callable[[Sequence[EventMessage]], Awaitable[None]]
"""Has its effects for a batch of events, as `bus.reading.Handle` does."""


def handling_events(handle: Handle) -> HandleMessages:
    """A handler of the messages of AOC_EVENTS that reads them."""

    async def on_messages(messages: Sequence[Msg], origin: Origin) -> None:
        await handle([_event(message, origin) for message in messages])

    return on_messages


def reading_events(  # what a reader is made of
    broker: NatsBroker,
    reader: Reader,
    checkpoints: Checkpoints,
    log: Log[EventMessage],
    handle: Handle,
    clock: Clock,
    *,
    workers: int = 1,
    failures: Failures | None = None,
    pulse: Pulse | None = None,
    redelivery: Redelivery | None = None,
) -> AbstractAsyncContextManager[Reading]:
    """Run `handle` over batches of events, as `reading_messages` does over messages."""
    return reading_messages(
        broker,
        reader,
        checkpoints,
        log,
        handling_events(handle),
        clock,
        workers=workers,
        failures=failures,
        pulse=pulse,
        redelivery=redelivery,
    )


def _event(message: Msg, origin: Origin) -> EventMessage:
    place = message.metadata
    event = EventMessage.from_message(
        message.subject, message.headers, message.data, place.sequence.stream, place.num_delivered, origin.incarnation
    )
    return replace(event, restored=True) if origin.restored else event

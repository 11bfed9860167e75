"""Durable pull consumers: FastStream fetches, `failures` settles, a heartbeat keeps long work alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from faststream import AckPolicy
from faststream.nats import JStream, PullSub
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig

from aoc_common.bus.broker import jetstream
from aoc_common.bus.failures import settle_failure
from aoc_common.errors import AocError, Transient
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

_log = logs.get(__name__)

type BatchHandler = Callable[[Sequence[Msg]], Awaitable[None]]

DEFAULT_ACK_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer: who it is, what it reads, and how much at a time.

    `max_pending`: messages that all replicas together may hold unacknowledged. `linger_s`: how long a fetch waits for a
    batch to fill; a lone message is late by at most this.
    """

    service: str
    stream: str
    subject: str
    durable: str
    batch: int
    linger_s: float = 0.25
    ack_wait_s: float = DEFAULT_ACK_WAIT_S
    max_pending: int = 1024


def consume(broker: NatsBroker, consumer: Consumer, handler: BatchHandler) -> None:
    """Register `handler` for batches of `consumer`.

    When it returns, every message of the batch is acknowledged. When it raises, `failures` decides; a batch that fails
    for good is tried again message by message, so that one poison message does not take others with it. Register it
    several times to handle several batches at once.
    """

    async def on_batch(messages: list[Msg]) -> None:
        redelivered = sum(message.metadata.num_delivered > 1 for message in messages)
        if redelivered:
            metrics.BUS_REDELIVERIES.labels(consumer.service).inc(redelivered)
        async with _heartbeat(messages, consumer.ack_wait_s / 3):
            await _handle(jetstream(broker), consumer.service, handler, messages)

    broker.subscriber(
        consumer.subject,
        stream=JStream(consumer.stream, declare=False),
        durable=consumer.durable,
        config=ConsumerConfig(ack_wait=consumer.ack_wait_s, max_ack_pending=consumer.max_pending, max_deliver=-1),
        pull_sub=PullSub(batch_size=consumer.batch, timeout=consumer.linger_s, batch=True),
        ack_policy=AckPolicy.MANUAL,
        decoder=_as_messages,
        inbox_prefix=f"_INBOX_{consumer.service}.".encode(),
    )(on_batch)


async def _as_messages(message: Any) -> list[Msg]:
    """Hand the NATS messages themselves to the handler: it needs their headers and sequences, and no parsed body."""
    raw: list[Msg] = message.raw_message
    return raw


async def _handle(js: JetStreamContext, service: str, handler: BatchHandler, messages: Sequence[Msg]) -> None:
    try:
        await handler(messages)
    except Exception as error:  # noqa: BLE001  # the policy takes every kind of error
        if len(messages) == 1 or isinstance(error, Transient):
            for message in messages:
                await _settle(js, service, message, error)
        else:
            for message in messages:
                await _handle(js, service, handler, [message])
    else:
        await asyncio.gather(*(message.ack() for message in messages))


async def _settle(js: JetStreamContext, service: str, message: Msg, error: Exception) -> None:
    try:
        await settle_failure(js, service, message, error)
    except (AocError, NatsError) as unsettled:
        # Unacknowledged, it comes back after its ack wait: late, but not lost.
        _log.warning("message.unsettled", subject=message.subject, error=str(unsettled))


@asynccontextmanager
async def _heartbeat(messages: Sequence[Msg], every_s: float) -> AsyncIterator[None]:
    """Tell JetStream that the work goes on, so that no other replica gets the messages meanwhile."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(every_s)
            for message in messages:
                if not message.is_acked:
                    try:
                        await message.in_progress()
                    except NatsError as error:
                        _log.warning("heartbeat.failed", error=str(error))

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()

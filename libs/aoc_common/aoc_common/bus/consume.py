"""Durable pull consumers: `pull` fetches, `failures` settles, a heartbeat keeps long work alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.failures import settle_failure
from aoc_common.bus.pull import Pull
from aoc_common.errors import AocError, Transient, Unreachable
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

_log = logs.get(__name__)

type BatchHandler = Callable[[Sequence[Msg]], Awaitable[None]]

DEFAULT_ACK_WAIT_S: Final = 30.0
#: How long one request for a message stays open when there is none.
_IDLE_S: Final = 5.0
_PAUSE_S: Final = 1.0
_DRAIN_S: Final = 30.0
_FORGOTTEN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer: who it is, what it reads, and how much at a time.

    `batch_bytes`: about how large a batch may be, so that memory is bounded whatever the messages' sizes.
    `max_pending`: messages that all replicas together may hold unacknowledged.
    """

    service: str
    stream: str
    subject: str
    durable: str
    batch: int
    batch_bytes: int | None = None
    ack_wait_s: float = DEFAULT_ACK_WAIT_S
    max_pending: int = 1024


@asynccontextmanager
async def consuming(
    broker: NatsBroker, consumer: Consumer, handler: BatchHandler, workers: int = 1
) -> AsyncIterator[Callable[[], bool]]:
    """Run `handler` over batches of `consumer`, `workers` batches at once; gives "all workers run".

    When the handler returns, every message of its batch is acknowledged. When it raises, `failures` decides; a batch
    that fails for good is tried again message by message, so that one poison message does not take others with it.
    Leaving waits until the batches in work are done. The broker must be connected.
    """
    await _declare(jetstream(broker), consumer)
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(_work(broker, consumer, handler, stopping)) for _ in range(workers)]
    try:
        yield lambda: not any(task.done() for task in tasks)
    finally:
        stopping.set()
        _, unfinished = await asyncio.wait(tasks, timeout=_DRAIN_S)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def reading(broker: NatsBroker, stream: str, config: ConsumerConfig) -> AsyncIterator[Pull]:
    """Messages for one reader, unacknowledged, by a consumer that leaves nothing behind. Raises `Unreachable`."""
    once = config.evolve(name=f"read-{token_hex(8)}", ack_policy=AckPolicy.NONE, inactive_threshold=_FORGOTTEN_S)
    try:
        info = await jetstream(broker).add_consumer(stream, once)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error
    pull = Pull(connection(broker), stream, info.name)
    await pull.open()
    try:
        yield pull
    finally:
        await pull.close()


async def _declare(js: JetStreamContext, consumer: Consumer) -> None:
    """Create or update the consumer. Raises `Unreachable`."""
    config = ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.subject,
        ack_wait=consumer.ack_wait_s,
        max_ack_pending=consumer.max_pending,
        max_deliver=-1,
    )
    try:
        await js.add_consumer(consumer.stream, config)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"consumer {consumer.durable}: {error or type(error).__name__}") from error


async def _work(broker: NatsBroker, consumer: Consumer, handler: BatchHandler, stopping: asyncio.Event) -> None:
    pull = Pull(connection(broker), consumer.stream, consumer.durable, consumer.batch_bytes)
    await pull.open()
    stop = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            asked = asyncio.create_task(pull.batch(consumer.batch, _IDLE_S))
            await asyncio.wait({asked, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                break
            try:
                if messages := asked.result():
                    await _on_batch(jetstream(broker), consumer, handler, messages)
            except (AocError, NatsError) as error:
                # Also of an acknowledgement: its message comes again after the ack wait.
                _log.warning("pull.failed", consumer=consumer.durable, error=str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
                await _declare_again(broker, consumer)
            except Exception:  # noqa: BLE001  # reported below with its traceback
                # A defect of ours must not end the worker, and with it the service, in silence.
                _log.exception("worker.failed", consumer=consumer.durable)
                await asyncio.sleep(_PAUSE_S)
    finally:
        stop.cancel()
        await pull.close()


async def _declare_again(broker: NatsBroker, consumer: Consumer) -> None:
    """Somebody may have deleted it."""
    try:
        await _declare(jetstream(broker), consumer)
    except AocError as error:
        _log.warning("pull.failed", consumer=consumer.durable, error=str(error))


async def _on_batch(js: JetStreamContext, consumer: Consumer, handler: BatchHandler, messages: Sequence[Msg]) -> None:
    redelivered = sum(message.metadata.num_delivered > 1 for message in messages)
    if redelivered:
        metrics.BUS_REDELIVERIES.labels(consumer.service).inc(redelivered)
    async with _heartbeat(messages, consumer.ack_wait_s / 3):
        await _handle(js, consumer.service, handler, messages)


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

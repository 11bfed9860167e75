"""Durable pull consumers: `pull` fetches, `policy` settles what fails, a heartbeat keeps long work alive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.policy import Failures, Redelivery
from aoc_common.bus.pull import Pull
from aoc_common.errors import AocError, BadConfiguration, Postponed, Transient, Unfinished, Unreachable
from aoc_common.telemetry import logs, metrics
from aoc_common.telemetry.pulse import Pulse, failed, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerInfo

_log = logs.get(__name__)

type BatchHandler = Callable[[Sequence[Msg]], Awaitable[None]]

DEFAULT_ACK_WAIT_S: Final = 30.0
#: How long one request for a message stays open when there is none.
_IDLE_S: Final = 5.0
_PAUSE_S: Final = 1.0
_DRAIN_S: Final = 30.0
_FORGOTTEN_S: Final = 30.0
#: From this delivery on, a message may be the one for which its batch fails.
_HELD_UP: Final = 3
#: From so many messages that fail alone on, it is no longer the messages' own trouble.
_OUTAGE: Final = 3

#: Fields of a consumer that can be set right in place; with any other that differs it has to be made anew.
IN_PLACE: Final = frozenset({"ack_wait", "max_ack_pending"})
#: With these as they should not be, messages are not delivered, or without what is in them, or given up unseen.
_GRAVE: Final = (
    "filter_subject", "filter_subjects", "max_deliver", "backoff", "ack_policy", "deliver_policy", "deliver_subject",
    "headers_only", "rate_limit_bps", "inactive_threshold",
)  # fmt: skip
#: How a consumer that begins at a position may begin.
_BEGINS: Final = (DeliverPolicy.ALL, DeliverPolicy.BY_START_SEQUENCE)
#: The server's header on a message of which it has left the body away.
_BODILESS: Final = "Nats-Msg-Size"


@dataclass(frozen=True, slots=True)
class Changed:
    """A field of a consumer that is not as declared. `grave`: messages may stay undone for good, or be undone."""

    field: str
    actual: object
    declared: object
    grave: bool

    def __str__(self) -> str:
        return f"{self.field} is {self.actual}, declared is {self.declared}"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer: who it is, what it reads, and how much at a time. Made by `provision`.

    `batch_bytes`: about how large a batch may be, so that memory is bounded whatever the messages' sizes.
    `max_pending`: messages that all replicas together may hold unacknowledged.
    `still_after_s`: a batch in which nothing moves for so long, or a consumer at which everything fails for so long,
    stands still (see `standstill`). `of_sources`: what fails here is a source's trouble (a permission, say), which its
    own health tells, and no standstill. `positioned`: it begins where its reader's checkpoint says (`bus.readers`).
    `subjects`: what it reads where that is several subjects; all are within `subject`.
    """

    service: str
    stream: str
    subject: str
    durable: str
    batch: int
    batch_bytes: int | None = None
    ack_wait_s: float = DEFAULT_ACK_WAIT_S
    max_pending: int = 1024
    still_after_s: float = 60.0
    of_sources: bool = False
    positioned: bool = False
    subjects: tuple[str, ...] = ()

    def config(self) -> ConsumerConfig:
        """As JetStream is told."""
        return ConsumerConfig(
            durable_name=self.durable,
            # A consumer that is made by its name has no filter in the subject of the request: so a permission can say
            # which one may be made.
            name=self.durable if self.subjects else None,
            filter_subject=None if self.subjects else self.subject,
            filter_subjects=list(self.subjects) or None,
            ack_wait=self.ack_wait_s,
            max_ack_pending=self.max_pending,
            max_deliver=-1,
        )

    def differences(self, info: ConsumerInfo) -> Iterator[Changed]:
        """In what a consumer is not as declared."""
        declared = self.config()
        for name in (*_GRAVE, *sorted(IN_PLACE)):
            is_, shall = getattr(info.config, name) or None, getattr(declared, name) or None
            if name == "deliver_policy" and self.positioned and is_ in _BEGINS:
                continue
            if is_ != shall:
                yield Changed(name, getattr(is_, "value", is_), getattr(shall, "value", shall), name in _GRAVE)
        if info.paused:
            yield Changed("paused", "on", "off", grave=False)


@asynccontextmanager
async def consuming(
    broker: NatsBroker,
    consumers: Consumer | Sequence[Consumer],
    handler: BatchHandler,
    workers: int = 1,
    failures: Failures | None = None,
    stopping: asyncio.Event | None = None,
    pulse: Pulse | None = None,
    redelivery: Redelivery | None = None,
) -> AsyncIterator[Callable[[], bool]]:
    """Run `handler` over batches of these consumers, `workers` batches at once; gives "all of them are at work".

    Consumers take turns: one that has much waiting holds up another by the batches in work at most. When the handler
    returns, every message of its batch is acknowledged; when it raises `Unfinished`, those that it has handled. When it
    raises anything else, `failures` decides by `redelivery`; a batch that fails for good is tried again message by
    message, so that one poison message does not take others with it; one
    that fails for the time being is, from its third delivery on. `failures`: the service's policy, which its consumers
    share; without one, dead letters are on AOC_DLQ alone. `pulse`: is told what is in work and what comes of it, for
    the heartbeat. Leaving waits until the batches in work are done; nothing more is pulled when `stopping` is set,
    which several may share, so that none takes into work what another gives back. The broker must be connected. Raises
    `BadConfiguration` for a consumer that is not there.
    """
    several = [consumers] if isinstance(consumers, Consumer) else list(consumers)
    for consumer in several:
        await check_consumer(jetstream(broker), consumer)
    policy, stop = failures or Failures(several[0].service), stopping or asyncio.Event()
    handling = Handling(broker, handler, policy, redelivery or Redelivery())
    work = _Work(broker, handling, asyncio.Semaphore(workers), stop, pulse or Pulse())
    for consumer in several:
        work.pulse.serves(consumer.durable)
    # As many pulls a consumer as there may be batches at once: a single busy one uses all workers.
    tasks = [
        asyncio.create_task(work.of(consumer, gathering))
        for consumer, gathering in ((consumer, asyncio.Lock()) for consumer in several)
        for _ in range(workers)
    ]
    try:
        yield lambda: not work.failing and not any(task.done() for task in tasks)
    finally:
        work.stopping.set()
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
    pull = Pull(connection(broker), stream, info.name, info.num_pending or 0)
    await pull.open()
    try:
        yield pull
    finally:
        await pull.close()


async def check_consumer(js: JetStreamContext, consumer: Consumer) -> None:
    """Raises `BadConfiguration` when the consumer is not there or does not deliver as it should, and `Unreachable`."""
    try:
        info = await js.consumer_info(consumer.stream, consumer.durable)
    except NotFoundError:
        raise BadConfiguration(f"{consumer.stream}: no consumer {consumer.durable}; run: aoc provision") from None
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"consumer {consumer.durable}: {error or type(error).__name__}") from error
    if grave := [str(difference) for difference in consumer.differences(info) if difference.grave]:
        raise BadConfiguration(
            f"{consumer.stream}: consumer {consumer.durable}: {'; '.join(grave)}; run: aoc provision"
        )


@dataclass(frozen=True, slots=True)
class Handling:
    """A handler, and the policy that settles the messages which it cannot handle."""

    broker: NatsBroker
    handler: BatchHandler
    failures: Failures
    redelivery: Redelivery

    async def run(self, messages: Sequence[Msg]) -> bool:
        """Run the handler and settle the messages; whether something is away that they need."""
        try:
            await self.handler(messages)
        except Unfinished as error:
            await self._finished(messages, error)
            return True
        except Exception as error:  # noqa: BLE001  # the policy takes every kind of error
            if len(messages) == 1:
                await self._apply_policy(messages[0], error)
            elif not isinstance(error, Transient):
                for message in messages:
                    await self.run([message])
            elif isinstance(error, Postponed) or max(map(_deliveries, messages)) < _HELD_UP:
                for message in messages:
                    await self._apply_policy(message, error)
            else:
                await self._run_each(messages, error)
            return isinstance(error, Transient)
        self.failures.handled(messages)
        await asyncio.gather(*(message.ack() for message in messages))
        settled(len(messages))
        return False

    async def _finished(self, messages: Sequence[Msg], error: Unfinished) -> None:
        done = [message for place, message in enumerate(messages) if place not in error.undone]
        self.failures.handled(done)
        await asyncio.gather(*(message.ack() for message in done))
        settled(len(done))
        for place in sorted(error.undone):
            await self._apply_policy(messages[place], error)

    async def _run_each(self, messages: Sequence[Msg], error: Transient) -> None:
        """Find the message that fails again and again, so that the others need not fail with it.

        So many that fail alone are an outage: then the rest is not tried.
        """
        away = 0
        # Those that failed least often first, in another order each time: else the same would always be left.
        for message in sorted(messages, key=lambda candidate: (_deliveries(candidate), random.random())):  # noqa: S311  # no secret
            if away < _OUTAGE:
                away += await self.run([message])
            else:
                await self._apply_policy(message, error)

    async def _apply_policy(self, message: Msg, error: Exception) -> None:
        if not isinstance(error, Postponed):
            failed(error)
        try:
            await self.failures.apply(jetstream(self.broker), message, error, self.redelivery)
        except (AocError, NatsError) as unsettled:
            # Unacknowledged, it comes back after its ack wait: late, but not lost.
            _log.warning("message.unsettled", subject=message.subject, error=str(unsettled))
        except Exception:  # noqa: BLE001  # reported with its traceback
            # A defect of the policy must not leave the batch's other messages unsettled.
            _log.exception("message.unsettled", subject=message.subject)


@dataclass(frozen=True, slots=True)
class _Work:
    """What all pulls of one `consuming` share.

    `slots`: the batches that may still be taken into work. `failing`: consumers that do not answer as they should.
    """

    broker: NatsBroker
    handling: Handling
    slots: asyncio.Semaphore
    stopping: asyncio.Event
    pulse: Pulse
    failing: set[str] = field(default_factory=set)

    async def of(self, consumer: Consumer, gathering: asyncio.Lock) -> None:
        """Pull from one consumer until told to stop. `gathering`: so that what is there goes into one batch."""
        pull = Pull(connection(self.broker), consumer.stream, consumer.durable)
        await pull.open()
        try:
            while not self.stopping.is_set():
                try:
                    async with AsyncExitStack() as held:
                        if messages := await self._gather(consumer, pull, gathering, held):
                            await self._batch(consumer, messages)
                except (AocError, NatsError) as error:
                    # Also of an acknowledgement: its message comes again after the ack wait.
                    self.failing.add(consumer.durable)
                    self.pulse.failed(consumer.durable, error)
                    _log.warning("pull.failed", consumer=consumer.durable, error=str(error) or type(error).__name__)
                    await asyncio.sleep(_PAUSE_S)
                except Exception as error:  # noqa: BLE001  # reported below with its traceback
                    # A defect of ours must not end the worker, and with it the service, in silence.
                    self.pulse.failed(consumer.durable, error)
                    _log.exception("worker.failed", consumer=consumer.durable)
                    await asyncio.sleep(_PAUSE_S)
        finally:
            await pull.close()

    async def _gather(self, consumer: Consumer, pull: Pull, gathering: asyncio.Lock, held: AsyncExitStack) -> list[Msg]:
        """The next message, and what else is there once there is a slot for it, which `held` gives back."""
        async with gathering:
            messages = await self._until_stopped(pull.next(_IDLE_S))
            self.failing.discard(consumer.durable)
            if messages:
                await held.enter_async_context(_heartbeat(messages, consumer.ack_wait_s / 3))
                await held.enter_async_context(self.slots)
                room = None if consumer.batch_bytes is None else consumer.batch_bytes - len(messages[0].data)
                messages += await pull.available(consumer.batch - 1, room)
        return messages

    async def _until_stopped(self, asking: Coroutine[Any, Any, list[Msg]]) -> list[Msg]:
        """What is asked for; nothing when this is to stop before it comes (`Pull.close` gives back what came)."""
        request, stop = asyncio.create_task(asking), asyncio.create_task(self.stopping.wait())
        await asyncio.wait({request, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not request.done():
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            return []
        return request.result()

    async def _batch(self, consumer: Consumer, messages: Sequence[Msg]) -> None:
        if any(_BODILESS in (message.headers or {}) for message in messages):
            raise Unreachable("it delivers headers only; run: aoc provision")
        redelivered = sum(message.metadata.num_delivered > 1 for message in messages)
        if redelivered:
            metrics.BUS_REDELIVERIES.labels(consumer.service).inc(redelivered)
        with self.pulse.holding(consumer.durable, len(messages)):
            await self.handling.run(messages)


def _deliveries(message: Msg) -> int:
    return message.metadata.num_delivered


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

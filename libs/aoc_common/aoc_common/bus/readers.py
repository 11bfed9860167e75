"""Readers of AOC_EVENTS: who they are, where they begin, and how `provision` makes their consumers.

A reader has a checkpoint in the store (`contracts.reading.Checkpoint`), which all its replicas share, and a durable
consumer that begins where the checkpoint says. So a consumer that is deleted, or a stream that is made anew, loses
nothing: the checkpoint outlives both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, Protocol

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import IN_PLACE, Consumer, reading
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import Position, incarnation
from aoc_common.contracts.reading import SKEW, Checkpoint, EventFilter, StreamView
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext

    from aoc_common.contracts.reading import Portion

type Begin = Literal["beginning", "now"] | datetime
"""Where a reader that has no checkpoint begins: with all that the stream holds, with what comes from now on, or with
what was published at that time or later, which the publication log knows for 90 days."""

_STREAM: Final = subjects.EVENTS_STREAM
_PEEK_S: Final = 1.0
_PEEKS: Final = 10


class Checkpoints(Protocol):
    """What is asked of `store.readers.CheckpointStore`. Both may raise `Transient`."""

    async def read(self, name: str) -> Checkpoint | None:
        """The checkpoint of a reader; None when it was never made."""
        ...

    async def write(self, state: Checkpoint) -> bool:
        """Store a checkpoint if it still has the revision that it was read with; whether it had."""
        ...


class Log(Protocol):
    """What is asked of `store.publications.Publications`. Each may raise `Transient`."""

    async def portion(self, after: Position, upto: Position, event_filter: EventFilter, limit: int) -> Portion:
        """The next events behind `after`, at most `limit`."""
        ...

    async def since(self, moment: datetime) -> Position | None:
        """Before the first that was published at `moment` or later."""
        ...

    async def unsettled(self, before: datetime) -> bool:
        """Whether a page that is in work since before then may still note what it has published."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of AOC_EVENTS. `name`: of its checkpoint, and of its consumer.

    `batch`: events that are handled together, also from the store; `batch_bytes`: about how large a batch may be.
    `max_pending`: events that all replicas together may hold unacknowledged. `movable`: it is made while its service
    runs, by the service, and its filter may change (`bus.sink_slots`).
    """

    service: str
    name: str
    event_filter: EventFilter = field(default_factory=EventFilter)
    begin: Begin = "beginning"
    batch: int = 500
    batch_bytes: int = 8 * 1024**2
    ack_wait_s: float = 30.0
    max_pending: int = 4096
    movable: bool = False

    @property
    def consumer(self) -> Consumer:
        """Its durable consumer."""
        return Consumer(
            service=self.service,
            stream=_STREAM,
            subject=self.event_filter.subject,
            durable=self.name,
            batch=self.batch,
            batch_bytes=self.batch_bytes,
            ack_wait_s=self.ack_wait_s,
            max_pending=self.max_pending,
            positioned=True,
            subjects=self.event_filter.subjects or ((self.event_filter.subject,) if self.movable else ()),
        )


async def view(js: JetStreamContext) -> StreamView:
    """AOC_EVENTS as it is now. Raises `Unreachable`, also when there is no such stream."""
    try:
        info = await js.stream_info(_STREAM)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{_STREAM}: {error or type(error).__name__}") from error
    state = info.state
    return StreamView(incarnation(info.created), state.first_seq, state.last_seq, state.num_deleted or 0)


async def declare_reader(broker: NatsBroker, reader: Reader, checkpoints: Checkpoints, log: Log) -> list[str]:
    """Make a reader's checkpoint and consumer where they are missing, and bring the consumer in order; what was done.

    The checkpoint comes first: what is published between the two is read. Idempotent. Raises `Transient`.
    """
    js, done = jetstream(broker), list[str]()
    stream = await view(js)
    state = await checkpoints.read(reader.name)
    if state is None:
        begin = await _begin(broker, stream, reader.begin, log)
        await checkpoints.write(Checkpoint(reader.name, begin, head=stream.last, deleted=stream.deleted))
        state = await checkpoints.read(reader.name)
        if state is None:
            raise Unreachable(f"reader {reader.name}: its checkpoint was not stored")
        done.append(f"reader {reader.name} begins behind {state.position.sequence} of {state.position.incarnation}")
    try:
        return done + await _declare_consumer(js, reader.consumer, first_unread(state, stream))
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"consumer {reader.name}: {error or type(error).__name__}") from error


def first_unread(state: Checkpoint, stream: StreamView) -> int:
    """The sequence with which a consumer has to begin at the latest."""
    here = state.position.incarnation == stream.incarnation
    return min(state.position.sequence, stream.last) + 1 if here else 1


async def _declare_consumer(js: JetStreamContext, consumer: Consumer, begin: int) -> list[str]:
    name = f"{consumer.stream}: consumer {consumer.durable}"
    declared = consumer.config().evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=begin)
    try:
        info = await js.consumer_info(consumer.stream, consumer.durable)
    except NotFoundError:
        await js.add_consumer(consumer.stream, declared)
        return [f"{name} made"]
    changes = [str(difference) for difference in consumer.differences(info)]
    fields = {difference.field for difference in consumer.differences(info)}
    if (info.config.opt_start_seq or 1) > begin:
        changes.append(f"it begins with {info.config.opt_start_seq}, behind what is not read yet")
        fields.add("opt_start_seq")
    if not changes:
        return []
    if fields <= (IN_PLACE | {"filter_subjects"} if consumer.subjects else IN_PLACE):
        await js.add_consumer(consumer.stream, info.config.evolve(**{name: getattr(declared, name) for name in fields}))
    else:
        await js.delete_consumer(consumer.stream, consumer.durable)
        await js.add_consumer(consumer.stream, declared)
    return [f"{name}: {change}: changed" for change in changes]


async def _begin(broker: NatsBroker, stream: StreamView, begin: Begin, log: Log) -> Position:
    if begin == "now":
        return Position(stream.incarnation, stream.last)
    if begin == "beginning":
        return stream.begin
    if begin.tzinfo is None:
        raise BadConfiguration(f"begin is {begin}: a time without its zone")
    in_stream = await _at_time(broker, stream, begin)
    # What it has dropped, or an incarnation before it had, the log knows. Its times are of the normalizers' clocks.
    noted = await log.since(begin - SKEW) if in_stream == stream.begin else None
    return in_stream if noted is None else min(in_stream, noted)


async def _at_time(broker: NatsBroker, stream: StreamView, moment: datetime) -> Position:
    """Before the first message that the stream took then or later. Raises `Unreachable` when the server is too slow."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=moment.astimezone(UTC).isoformat(),  # type: ignore[arg-type]  # nats-py sends it as it is
    )
    async with reading(broker, _STREAM, config) as pull:
        for _ in range(_PEEKS):
            if messages := await pull.next(_PEEK_S):
                return Position(stream.incarnation, messages[0].metadata.sequence.stream - 1)
            # A server that is slow must not be taken for a stream that has nothing of then.
            try:
                info = await jetstream(broker).consumer_info(_STREAM, pull.consumer)
            except (NatsError, TimeoutError) as error:
                raise Unreachable(f"{_STREAM}: {error or type(error).__name__}") from error
            if info.delivered is not None and info.delivered.consumer_seq:  # it was, and the answer was lost
                return Position(stream.incarnation, info.delivered.stream_seq - 1)
            if not info.num_pending:
                return Position(stream.incarnation, stream.last)
    raise Unreachable(f"{_STREAM}: no message of {moment:%Y-%m-%d %H:%M:%S} or later came, though there are some")

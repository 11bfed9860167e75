"""Readers of AOC_EVENTS, AOC_ALERTS and AOC_AUDIT: who they are, where they begin, and how their consumers are made.

A reader has a checkpoint in the store (`contracts.reading.Checkpoint`), which all its replicas share, and a durable
consumer that begins where the checkpoint says. So a consumer that is deleted, or a stream that is made anew, loses
nothing: the checkpoint outlives both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, Protocol

import orjson
from nats.errors import Error as NatsError
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import IN_PLACE, Consumer
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import Position, incarnation
from aoc_common.contracts.reading import SKEW, Checkpoint, EventFilter, StreamView
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext

    from aoc_common.contracts.reading import Portion, StoredMessage

type Begin = Literal["beginning", "now"] | datetime
"""Where a reader that has no checkpoint begins: with all that the stream holds, with what comes from now on, or with
what was published at that time or later, which the logs know for 90 days."""

#: Stream -> all that is read of it, but for marks.
_ALL: Final = {subjects.ALERTS_STREAM: subjects.ALL_ALERTS, subjects.AUDIT_STREAM: subjects.ALL_AUDIT}
_NOT_FOUND: Final = 404
_WAIT_S: Final = 5.0


class Checkpoints(Protocol):
    """What is asked of `store.readers.CheckpointStore`. Each may raise `Transient`."""

    async def read(self, name: str) -> Checkpoint | None:
        """The checkpoint of a reader; None when it was never made."""
        ...

    async def write(self, state: Checkpoint) -> bool:
        """Store a checkpoint if it still has the revision that it was read with; whether it had."""
        ...

    async def forget(self, name: str) -> None:
        """Remove the checkpoint of a reader that is gone for good."""
        ...


class Log[M: StoredMessage](Protocol):
    """What is asked of `store.publications.Publications` and `store.message_log.MessageLog`. May raise `Transient`."""

    async def portion(self, after: Position, upto: Position, event_filter: EventFilter, limit: int) -> Portion[M]:
        """The next messages behind `after`, at most `limit`."""
        ...

    async def since(self, moment: datetime) -> Position | None:
        """Before the first that was published at `moment` or later."""
        ...

    async def unsettled(self, before: datetime) -> bool:
        """Whether somebody may still note what he has published before then."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of a stream. `name`: of its consumer, and of its checkpoint where it reads AOC_EVENTS.

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
    stream: str = subjects.EVENTS_STREAM

    @property
    def checkpoint(self) -> str:
        """The name of its checkpoint."""
        return self.name if self.stream == subjects.EVENTS_STREAM else f"{self.name}/{self.stream}"

    @property
    def consumer(self) -> Consumer:
        """Its durable consumer."""
        subject, several = self._subjects()
        return Consumer(
            service=self.service,
            stream=self.stream,
            subject=subject,
            durable=self.name,
            batch=self.batch,
            batch_bytes=self.batch_bytes,
            ack_wait_s=self.ack_wait_s,
            max_pending=self.max_pending,
            positioned=True,
            subjects=several or ((subject,) if self.movable else ()),
        )

    def _subjects(self) -> tuple[str, tuple[str, ...]]:
        """What it reads: within one subject, and where these are several, all of them."""
        if self.stream == subjects.EVENTS_STREAM:
            return self.event_filter.subject, self.event_filter.subjects
        several = tuple(subjects.of_tenant(self.stream, tenant) for tenant in sorted(self.event_filter.tenants))
        return _ALL[self.stream], several


async def view(js: JetStreamContext, stream: str = subjects.EVENTS_STREAM) -> StreamView:
    """A stream as it is now. Raises `Unreachable`, also when there is no such stream."""
    try:
        info = await js.stream_info(stream)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error
    state = info.state
    return StreamView(incarnation(info.created), state.first_seq, state.last_seq, state.num_deleted or 0)


async def declare_reader(
    broker: NatsBroker, reader: Reader, checkpoints: Checkpoints, log: Log[StoredMessage]
) -> list[str]:
    """Make a reader's checkpoint and consumer where they are missing, and bring the consumer in order; what was done.

    The checkpoint comes first: what is published between the two is read. Idempotent. Raises `Transient`.
    """
    js, done = jetstream(broker), list[str]()
    stream, name = await view(js, reader.stream), reader.checkpoint
    state = await checkpoints.read(name)
    if state is None:
        begin = await _begin(broker, reader, stream, log)
        await checkpoints.write(Checkpoint(name, begin, head=stream.last, deleted=stream.deleted))
        state = await checkpoints.read(name)
        if state is None:
            raise Unreachable(f"reader {name}: its checkpoint was not stored")
        done.append(f"reader {name} begins behind {state.position.sequence} of {state.position.incarnation}")
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


async def _begin(broker: NatsBroker, reader: Reader, stream: StreamView, log: Log[StoredMessage]) -> Position:
    begin = reader.begin
    if begin == "now":
        return Position(stream.incarnation, stream.last)
    if begin == "beginning":
        return stream.begin
    if begin.tzinfo is None:
        raise BadConfiguration(f"begin is {begin}: a time without its zone")
    return await beginning_at(broker, reader.stream, stream, log, begin)


async def beginning_at(
    broker: NatsBroker, name: str, stream: StreamView, log: Log[StoredMessage], moment: datetime
) -> Position:
    """Before the first message that was published then or later, as far as anybody knows. Raises `Transient`."""
    in_stream = await _at_time(broker, name, stream, moment)
    # What it has dropped, or an incarnation before it had, the log knows. Its times are of the publishers' clocks.
    noted = await log.since(moment - SKEW) if in_stream == stream.begin else None
    return in_stream if noted is None else min(in_stream, noted)


async def _at_time(broker: NatsBroker, name: str, stream: StreamView, moment: datetime) -> Position:
    """Before the first message that the stream took then or later. Raises `Unreachable`."""
    request = orjson.dumps({"start_time": moment.astimezone(UTC).isoformat(), "next_by_subj": ">"})
    try:
        answer = await connection(broker).request(f"$JS.API.STREAM.MSG.GET.{name}", request, timeout=_WAIT_S)
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{name}: {error or type(error).__name__}") from error
    found = orjson.loads(answer.data)
    if (refused := found.get("error")) is None:
        return Position(stream.incarnation, int(found["message"]["seq"]) - 1)
    if refused.get("code") == _NOT_FOUND:  # nothing was published since
        return Position(stream.incarnation, stream.last)
    raise Unreachable(f"{name}: {refused.get('description', 'a message cannot be read')}")

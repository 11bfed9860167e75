"""The consumers of sinks, which come and go while their service runs.

`provision` cannot make them: who adds a sink is not who may do everything on the bus. Nor may the exporter make any
consumer, since who makes one can change and remove those of others. So the places are numbered, and their names known
beforehand: the exporter's user of NATS may make and remove consumers of these names and no others
(docs/adr/0058-sinks-on-the-bus.md). A consumer that is gone costs nothing: its reader's checkpoint is in the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import jetstream
from aoc_common.bus.readers import Reader, beginning_at, declare_reader, view
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import Checkpoint
from aoc_common.contracts.sinks import MOST_SINKS
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from faststream.nats import NatsBroker
    from nats.js.api import ConsumerInfo

    from aoc_common.bus.readers import Begin, Checkpoints, Log
    from aoc_common.contracts.reading import EventFilter, StoredMessage

_SERVICE: Final = "exporter"
#: Streams on which a sink may have a consumer.
STREAMS: Final = (subjects.EVENTS_STREAM, subjects.ALERTS_STREAM, subjects.AUDIT_STREAM)
#: Of a batch: so many events, and about so many bytes. A sink that hangs holds some batches, and no more.
_BATCH: Final = 500
_BATCH_BYTES: Final = 2 * 1024**2
#: Alerts, or entries of the audit trail, that wait for tenants' own destinations before those of others wait, too.
_MOST_HELD: Final = 10_000


def slot_name(slot: int) -> str:
    """The consumers and the checkpoint of a place."""
    return f"{_SERVICE}-{slot}"


def permissions() -> tuple[str, ...]:
    """What the exporter may do on the bus for its sinks."""
    return tuple(
        subject
        for stream in STREAMS
        for slot in map(slot_name, range(MOST_SINKS))
        for subject in (
            # CREATE (without a filter in the subject), INFO and DELETE, of this very consumer.
            f"$JS.API.CONSUMER.*.{stream}.{slot}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{slot}",
            f"$JS.ACK.{stream}.{slot}.>",
        )
    ) + tuple(f"$JS.API.STREAM.MSG.GET.{stream}" for stream in STREAMS)


def reader(
    slot: int, event_filter: EventFilter, begin: Begin, batch: int = _BATCH, stream: str = subjects.EVENTS_STREAM
) -> Reader:
    """Who reads a stream for the sink in that place."""
    of_events = stream == subjects.EVENTS_STREAM
    return Reader(
        service=_SERVICE,
        name=slot_name(slot),
        event_filter=event_filter,
        begin=begin,
        batch=batch,
        batch_bytes=_BATCH_BYTES,
        max_pending=max(4096, 2 * batch) if of_events else _MOST_HELD,
        movable=True,
        stream=stream,
    )


async def occupy(broker: NatsBroker, reader: Reader, checkpoints: Checkpoints, log: Log[StoredMessage]) -> list[str]:
    """Make a sink's checkpoint and consumer, or bring the consumer in order; what was done. Raises `Transient`."""
    await _adopt(broker, reader, checkpoints)
    return await declare_reader(broker, reader, checkpoints, log)


async def go_back(
    broker: NatsBroker, reader: Reader, checkpoints: Checkpoints, log: Log[StoredMessage], since: datetime
) -> None:
    """Have a reader read again what was published since then: tenants join it that it left out until now.

    JetStream goes on from where a consumer is, also with another filter. So it is removed, and `occupy` makes it anew.
    What it brings again of others is a repeat. Raises `Transient`, also when another replica changes the checkpoint.
    """
    await _adopt(broker, reader, checkpoints)
    if (state := await checkpoints.read(reader.checkpoint)) is None:
        return
    stream = await view(jetstream(broker), reader.stream)
    begin = await beginning_at(broker, reader.stream, stream, log, since)
    # What was filled of a hole before then is done with.
    hole = state.hole and replace(state.hole, after=min(state.hole.after, begin))
    # First: another replica that looks in between must not move the checkpoint on by where it was.
    await _remove(broker, reader.stream, reader.name)
    if not await checkpoints.write(replace(state, position=min(begin, state.position), hole=hole)):
        raise Unreachable(f"reader {reader.checkpoint}: another replica has changed its checkpoint")


async def _adopt(broker: NatsBroker, reader: Reader, checkpoints: Checkpoints) -> None:
    """A consumer of a version that had no checkpoint for this stream: it begins where that one is."""
    if await checkpoints.read(reader.checkpoint) is not None or (info := await _info(broker, reader)) is None:
        return
    stream = await view(jetstream(broker), reader.stream)
    settled = info.ack_floor.stream_seq if info.ack_floor else 0
    begin = Position(stream.incarnation, min(settled, stream.last))
    await checkpoints.write(Checkpoint(reader.checkpoint, begin, head=stream.last, deleted=stream.deleted))


async def filtered_tenants(broker: NatsBroker, reader: Reader) -> frozenset[str] | None:
    """The tenants for which the consumer of a place was made; None: all, or it is not there. Raises `Unreachable`."""
    if (info := await _info(broker, reader)) is None:
        return None
    wanted = info.config.filter_subjects or [info.config.filter_subject or ""]
    tenants = frozenset(subjects.tenant_of_message(subject) for subject in wanted if subject)
    return None if not tenants or "*" in tenants else tenants


async def vacate(broker: NatsBroker, slot: int, checkpoints: Checkpoints, streams: Iterable[str] = STREAMS) -> None:
    """Remove a place's consumers, and where they were: whoever has it next begins anew. Idempotent.

    Raises `Transient`.
    """
    for stream in streams:
        await _remove(broker, stream, slot_name(slot))
        await checkpoints.forget(Reader(_SERVICE, slot_name(slot), stream=stream).checkpoint)


async def waiting(broker: NatsBroker, reader: Reader) -> int:
    """Messages of a reader's consumer that are not settled. Raises `Unreachable`, also for one that is gone."""
    if (info := await _info(broker, reader)) is None:
        raise Unreachable(f"{reader.stream}: consumer {reader.name} is gone; it is made anew")
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def _info(broker: NatsBroker, reader: Reader) -> ConsumerInfo | None:
    """A reader's consumer; None where it is not there. Raises `Unreachable`."""
    try:
        info: ConsumerInfo = await jetstream(broker).consumer_info(reader.stream, reader.name)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{reader.stream}: consumer {reader.name}: {error or type(error).__name__}") from error
    return info


async def _remove(broker: NatsBroker, stream: str, name: str) -> None:
    try:
        await jetstream(broker).delete_consumer(stream, name)
    except NotFoundError:
        return
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: consumer {name}: {error or type(error).__name__}") from error

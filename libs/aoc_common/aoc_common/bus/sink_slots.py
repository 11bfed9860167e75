"""The consumers of sinks, which come and go while their service runs.

`provision` cannot make them: who adds a sink is not who may do everything on the bus. Nor may the exporter make any
consumer, since who makes one can change and remove those of others. So the places are numbered, and their names known
beforehand: the exporter's user of NATS may make and remove consumers of these names and no others
(docs/adr/0058-sinks-on-the-bus.md). A consumer that is gone costs nothing: its reader's checkpoint is in the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import Consumer
from aoc_common.bus.readers import Reader, declare_reader
from aoc_common.contracts import subjects
from aoc_common.contracts.sinks import MOST_SINKS
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext

    from aoc_common.bus.readers import Begin, Checkpoints, Log
    from aoc_common.contracts.reading import EventFilter

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
    ) + tuple(f"$JS.API.STREAM.MSG.GET.{stream}" for stream in STREAMS if stream != subjects.EVENTS_STREAM)


def reader(slot: int, event_filter: EventFilter, begin: Begin, batch: int = _BATCH) -> Reader:
    """Who reads AOC_EVENTS for the sink in that place."""
    return Reader(
        service=_SERVICE,
        name=slot_name(slot),
        event_filter=event_filter,
        begin=begin,
        batch=batch,
        batch_bytes=_BATCH_BYTES,
        max_pending=max(4096, 2 * batch),
        movable=True,
    )


def consumer(slot: int, stream: str, wanted: tuple[str, ...]) -> Consumer:
    """Who takes the messages of another stream for the sink in that place."""
    return Consumer(
        service=_SERVICE,
        stream=stream,
        subject=wanted[0],
        subjects=wanted,
        durable=slot_name(slot),
        batch=_BATCH,
        batch_bytes=_BATCH_BYTES,
        max_pending=_MOST_HELD,
        begins_anywhere=True,
    )


async def occupy(broker: NatsBroker, reader: Reader, checkpoints: Checkpoints, log: Log) -> list[str]:
    """Make a sink's checkpoint and consumer, or bring the consumer in order; what was done. Raises `Transient`."""
    return await declare_reader(broker, reader, checkpoints, log)


async def filtered_tenants(broker: NatsBroker, reader: Reader) -> frozenset[str] | None:
    """The tenants for which the consumer of a place was made; None: all, or it is not there. Raises `Unreachable`."""
    try:
        info = await jetstream(broker).consumer_info(subjects.EVENTS_STREAM, reader.name)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"consumer {reader.name}: {error or type(error).__name__}") from error
    wanted = info.config.filter_subjects or [info.config.filter_subject or ""]
    tenants = frozenset(subjects.owner(subject)[0] for subject in wanted)
    return None if tenants & {"*", ""} else tenants


async def unlisten(broker: NatsBroker, stream: str, slot: int) -> None:
    """Remove one consumer of a place. Idempotent. Raises `Unreachable`."""
    try:
        await jetstream(broker).delete_consumer(stream, slot_name(slot))
    except NotFoundError:
        return
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: consumer {slot_name(slot)}: {error or type(error).__name__}") from error


async def vacate(broker: NatsBroker, slot: int) -> None:
    """Remove a place's consumers. Idempotent. Raises `Unreachable`."""
    for stream in STREAMS:
        await unlisten(broker, stream, slot)


async def last(js: JetStreamContext, stream: str) -> int:
    """The sequence of a stream's last message; 0 of one that is not there. Raises `Unreachable`."""
    try:
        return (await js.stream_info(stream)).state.last_seq
    except NotFoundError:
        return 0
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: {error or type(error).__name__}") from error


async def waiting(broker: NatsBroker, stream: str, slot: int) -> int:
    """Messages of a place's consumer that are not settled. Raises `Unreachable`."""
    try:
        info = await jetstream(broker).consumer_info(stream, slot_name(slot))
    except NotFoundError:
        return 0
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: consumer {slot_name(slot)}: {error or type(error).__name__}") from error
    return (info.num_pending or 0) + (info.num_ack_pending or 0)

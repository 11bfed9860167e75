"""How a sink's consumers of AOC_ALERTS and AOC_AUDIT come and go without anything being lost.

Nothing fills what such a consumer misses, as the reader of AOC_EVENTS is filled from the store; but their streams keep
what they have for 30 days. So up to where all is settled is noted beside the consumer, once a second. A consumer that
somebody deletes begins there again, and one of which the stream was deleted, too, begins with all of the new one.

A consumer's filter can be changed where it stands, but for what a tenant that joins had a moment before: JetStream goes
on from where it is. So where tenants join, the consumer is made anew, from that moment on; what it brings again of
others is a repeat, and counted (`aoc_exporter.marks`). Where it is to begin is noted before it is removed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import orjson
from nats.errors import Error as NatsError
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError

from aoc_common.bus.broker import connection, jetstream
from aoc_common.contracts.publications import Position, incarnation
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from faststream.nats import NatsBroker
    from nats.js.api import ConsumerConfig, ConsumerInfo

    from aoc_common.bus.consume import Consumer
    from aoc_common.bus.readers import Begin

#: The token of a subject that names the tenant: aoc.alerts.{tenant}.{severity}, aoc.audit.{tenant}.
_TENANT: Final = 2
_NOT_FOUND: Final = 404
_WAIT_S: Final = 5.0


class Floors(Protocol):
    """Up to where all of a stream is settled for a sink, with the incarnation of the stream. Both raise `Transient`."""

    async def read(self, stream: str) -> Position | None:
        """What was noted last; None when nothing was."""
        ...

    async def write(self, stream: str, floor: Position) -> None:
        """Note it."""
        ...


async def listen(broker: NatsBroker, consumer: Consumer, begin: Begin, floors: Floors, since: datetime) -> None:
    """Make a sink's consumer of a stream, or bring it in order. Raises `Transient`.

    `begin`: of a sink that is new here. `since`: tenants that join get what was published from then on.
    """
    js, stream, name = jetstream(broker), consumer.stream, consumer.durable
    try:
        life = (await js.stream_info(stream)).created
        try:
            info = await js.consumer_info(stream, name)
        except NotFoundError:
            await js.add_consumer(stream, _beginning(consumer, begin, await floors.read(stream), incarnation(life)))
            return
        wanted, there = set(consumer.subjects), _subjects(info)
        if wanted == there:
            return
        if not _joins(wanted, there):
            changed = info.config.evolve(filter_subject=None, filter_subjects=[*consumer.subjects])
            await js.add_consumer(stream, changed)
            return
        settled = info.ack_floor.stream_seq if info.ack_floor else 0
        floor = Position(incarnation(life), min(settled, await _before(broker, stream, since)))
        await floors.write(stream, floor)
        await js.delete_consumer(stream, name)
        await js.add_consumer(stream, _beginning(consumer, begin, floor, floor.incarnation))
    except (NatsError, TimeoutError) as error:
        raise Unreachable(f"{stream}: consumer {name}: {error or type(error).__name__}") from error


async def floor(broker: NatsBroker, consumer: Consumer) -> Position:
    """Up to where all is settled now. Raises `Unreachable`, also for a consumer that is gone."""
    js = jetstream(broker)
    try:
        life = (await js.stream_info(consumer.stream)).created
        info = await js.consumer_info(consumer.stream, consumer.durable)
    except (NatsError, TimeoutError) as error:
        words = f"{consumer.stream}: consumer {consumer.durable}: {error or type(error).__name__}"
        raise Unreachable(words) from error
    return Position(incarnation(life), info.ack_floor.stream_seq if info.ack_floor else 0)


def _beginning(consumer: Consumer, begin: Begin, floor: Position | None, life: str) -> ConsumerConfig:
    """A consumer that begins where it is to."""
    declared = consumer.config()
    if floor is not None and floor.incarnation == life:
        return declared.evolve(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=floor.sequence + 1, opt_start_time=None
        )
    if floor is not None:  # nobody has read anything of this one
        return declared.evolve(deliver_policy=DeliverPolicy.ALL)
    if isinstance(begin, datetime):
        moment = begin.astimezone(UTC).isoformat()
        return declared.evolve(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=moment)
    return declared.evolve(deliver_policy=DeliverPolicy.NEW if begin == "now" else DeliverPolicy.ALL)


def _subjects(info: ConsumerInfo) -> set[str]:
    return set(info.config.filter_subjects or [info.config.filter_subject or ""])


def _joins(wanted: set[str], there: set[str]) -> bool:
    """Whether one is wanted that was not, neither by name nor with all others."""
    return bool(wanted - there) and not any(subject.split(".")[_TENANT] == "*" for subject in there)


async def _before(broker: NatsBroker, stream: str, moment: datetime) -> int:
    """The sequence before the first message of that time or later. Raises `NatsError` and `Unreachable`."""
    request = orjson.dumps({"start_time": moment.astimezone(UTC).isoformat(), "next_by_subj": ">"})
    answer = await connection(broker).request(f"$JS.API.STREAM.MSG.GET.{stream}", request, timeout=_WAIT_S)
    told = orjson.loads(answer.data)
    if (error := told.get("error")) is None:
        return int(told["message"]["seq"]) - 1
    if error.get("code") == _NOT_FOUND:  # nothing was published since
        return (await jetstream(broker).stream_info(stream)).state.last_seq
    raise Unreachable(f"{stream}: {error.get('description', 'a message cannot be read')}")

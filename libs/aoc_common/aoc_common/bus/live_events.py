"""A tenant's events on AOC_EVENTS, for who looks on: as they come, and some of those that came before.

Nothing is acknowledged and no consumer is left behind. Consumers without acknowledgements are not given again what is
lost on the way; so the server's own count of what it has delivered is compared with what came.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.consume import reading
from aoc_common.bus.readers import view
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.reading import EventFilter
from aoc_common.errors import Malformed, Unreachable
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

    from aoc_common.bus.pull import Pull
    from aoc_common.contracts.reading import StreamView

_log = logs.get(__name__)

_STREAM: Final = subjects.EVENTS_STREAM
#: Messages, and bytes of them, that are taken together.
_BATCH: Final = 100
_BATCH_BYTES: Final = 4 * 1024**2
#: Seconds in which a message comes that is there.
_DUE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Events behind a sequence, in order. `last`: of the stream's messages, the last one that was looked at.

    `more`: others follow, which had come by then.
    """

    events: list[EventMessage]
    last: int
    more: bool


class Following:
    """Events as they come. Not for concurrent use."""

    def __init__(self, broker: NatsBroker, pull: Pull, after: int) -> None:
        self._broker = broker
        self._pull = pull
        self._count = 0
        self.last = after

    async def next(self, wait_s: float) -> list[EventMessage]:
        """The next events; none when none came within `wait_s`. Raises `Unreachable`."""
        raws = await self._pull.next(wait_s)
        if raws:
            raws += await self._pull.available(_BATCH - 1, _BATCH_BYTES - len(raws[0].data))
        for raw in raws:
            self._count += 1
            _check_whole(raw, self._count)
            self.last = raw.metadata.sequence.stream
        return _read(raws)

    async def settle(self) -> None:
        """Move on `last` to the stream's end, where nothing waits. Raises `Unreachable` when something was lost."""
        stream = await view(jetstream(self._broker))
        try:
            info = await jetstream(self._broker).consumer_info(_STREAM, self._pull.consumer)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{_STREAM}: {error or type(error).__name__}") from error
        delivered = 0 if info.delivered is None else info.delivered.consumer_seq
        if delivered != self._count:
            raise Unreachable(f"{_STREAM}: {delivered} messages were delivered, {self._count} came")
        if not info.num_pending:
            self.last = max(self.last, stream.last)


class LiveEvents:
    """AOC_EVENTS, read by tenant. Every method may raise `Unreachable`."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker

    async def view(self) -> StreamView:
        """The stream as it is now."""
        if not connected(self._broker):
            raise Unreachable("the bus is not connected")
        return await view(jetstream(self._broker))

    @asynccontextmanager
    async def following(self, tenant: str, after: int) -> AsyncIterator[Following]:
        """Events of a tenant behind that sequence."""
        async with reading(self._broker, _STREAM, _config(tenant, after)) as pull:
            yield Following(self._broker, pull, after)

    async def excerpt(self, tenant: str, after: int, most: int, most_bytes: int) -> Excerpt:
        """The next events of a tenant behind that sequence: at most so many, of about so many bytes."""
        # Asked before: what has come until now, the consumer has to know.
        head = (await self.view()).last
        raws: list[Msg] = []
        size = 0
        async with reading(self._broker, _STREAM, _config(tenant, after)) as pull:
            while len(raws) < min(pull.waiting, most) and size < most_bytes:
                some = await pull.next(_DUE_S)
                if some:
                    room = min(most, pull.waiting) - len(raws) - 1
                    some += await pull.available(room, most_bytes - size - len(some[0].data))
                if not some:
                    raise Unreachable(f"{_STREAM}: {pull.waiting - len(raws)} messages that are there did not come")
                for raw in some:
                    raws.append(raw)
                    size += len(raw.data)
                    _check_whole(raw, len(raws))
            more = len(raws) < pull.waiting
        last = raws[-1].metadata.sequence.stream if raws else after
        return Excerpt(_read(raws), last if more else max(last, head), more)


def _config(tenant: str, after: int) -> ConsumerConfig:
    return ConsumerConfig(
        filter_subject=EventFilter(tenant=subjects.check_tenant(tenant)).subject,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
    )


def _check_whole(raw: Msg, number: int) -> None:
    if raw.metadata.sequence.consumer != number:
        raise Unreachable(f"{_STREAM}: message {number} of a consumer was lost on the way")


def _read(raws: list[Msg]) -> list[EventMessage]:
    """Those that can be read; of others it is said what is wrong with them."""
    events = []
    for raw in raws:
        try:
            message = EventMessage.from_message(raw.subject, raw.headers, raw.data, raw.metadata.sequence.stream)
            _ = message.event
        except Malformed as error:
            _log.warning("live_event.unreadable", error=str(error))
        else:
            events.append(message)
    return events

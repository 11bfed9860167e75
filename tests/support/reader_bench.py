"""A normalizer's writing half and readers of AOC_EVENTS, on real servers."""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from aoc_common.bus.atomic import EventPublisher
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import reading
from aoc_common.bus.events import reading_events
from aoc_common.bus.provision import provision
from aoc_common.bus.readers import Reader, declare_reader
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.readers import MongoReaders
from replica import NOW, SIGN_IN, Replica

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from faststream.nats import NatsBroker

    from aoc_common.bus.reading import Reading
    from aoc_common.settings import NatsSettings
    from aoc_common.store.mongo.client import Database

STREAM = subjects.EVENTS_STREAM
READER = Reader("alerter", "alerting", batch=100, ack_wait_s=2.0)


def sign_ins(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Records of as many events."""
    return [SIGN_IN | {"id": str(uuid.uuid4()), **changes} for _ in range(count)]


class Handled:
    """A handler that remembers what it got. `before`: is called with each batch first, and may raise."""

    def __init__(self) -> None:
        self.events: list[EventMessage] = []
        self.before: Callable[[Sequence[EventMessage]], Any] = lambda _: None

    async def __call__(self, events: Sequence[EventMessage]) -> None:
        if (waits := self.before(events)) is not None:
            await waits
        self.events += events

    @property
    def ids(self) -> set[str]:
        return {one.message_id for one in self.events}

    @property
    def twice(self) -> set[str]:
        return {one for one, count in Counter(one.message_id for one in self.events).items() if count > 1}


class Rig:
    """All of it. `js`: of who owns the streams; `replica`: publishes as the normalizer does."""

    def __init__(self, nats_as: Callable[[str], NatsSettings], database: Database) -> None:
        self._as = nats_as
        self.database = database
        self.log, self.checkpoints = MongoPublications(database), MongoReaders(database)
        self._brokers: list[NatsBroker] = []
        self._slices = 0

    async def start(self) -> None:
        self.owner, self.bus = await self.broker("provision"), await self.broker("normalizer")
        self.js = jetstream(self.owner)
        self.replica = self.made()

    async def stop(self) -> None:
        for broker in self._brokers:
            await close(broker)

    async def broker(self, user: str) -> NatsBroker:
        made = make_broker(self._as(user), user)
        await made.connect()
        self._brokers.append(made)
        return made

    def made(self, **how: Any) -> Replica:
        return Replica(self.database, **{"publish": EventPublisher(self.bus).publish, "note": self.log.note} | how)

    async def publish(self, *records: Any, **how: Any) -> None:
        """As one page."""
        self._slices += 1
        await self.replica.takes(f"slice-{self._slices}", *records, **{"fetched": NOW} | how)

    async def published(self) -> list[EventMessage]:
        """What stands on the stream."""
        found: list[EventMessage] = []
        config = ConsumerConfig(filter_subject=subjects.ALL_EVENTS)
        async with reading(self.owner, STREAM, config) as pull:
            while messages := await pull.batch(1000, 0.3):
                found += [
                    EventMessage.from_message(one.subject, one.headers, one.data, one.metadata.sequence.stream)
                    for one in messages
                ]
        return found

    async def declare(self, reader: Reader = READER) -> list[str]:
        return await declare_reader(self.owner, reader, self.checkpoints, self.log)

    async def remake(self) -> None:
        """Delete the stream, with its consumers, and make it anew."""
        await self.js.delete_stream(STREAM)
        await provision(self.owner, self._as("provision"))

    async def drop(self) -> None:
        """What a limit, or a purge, takes: all that the stream holds."""
        await self.js.purge_stream(STREAM)

    async def forsake(self, reader: Reader = READER) -> None:
        try:
            await self.js.delete_consumer(STREAM, reader.name)
        except NotFoundError as error:
            raise Unreachable(f"consumer {reader.name}: {error}") from error

    @asynccontextmanager
    async def read(self, handled: Handled, reader: Reader = READER, **how: Any) -> AsyncIterator[Reading]:
        """A replica of a reader, under the name of a user that may do no more than a reader has to."""
        broker = await self.broker("alerter")
        async with reading_events(broker, reader, self.checkpoints, self.log, handled, SystemClock(), **how) as at_work:
            yield at_work

    async def checkpoint(self, reader: Reader = READER) -> Any:
        return await self.checkpoints.read(reader.name)

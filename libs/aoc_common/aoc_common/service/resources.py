"""What every service works with: the bus, the database, the clock; connected, and checked to be as declared."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from aoc_common.bus.broker import jetstream, join, opened
from aoc_common.bus.log_throttle import LogThrottle
from aoc_common.service.drift import DriftMonitor, declared_state
from aoc_common.store.mongo.client import check_indexes, connect
from aoc_common.telemetry import logs
from aoc_common.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from faststream.nats import NatsBroker
    from nats.js import JetStreamContext

    from aoc_common.clock import Clock
    from aoc_common.settings import NatsSettings, ServiceSettings
    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)
_RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What a service works with. `stopping`: set when nothing more is to be begun. `pulse`: what is in work."""

    name: str
    broker: NatsBroker
    database: Database
    clock: Clock
    drift: DriftMonitor
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    pulse: Pulse = field(default_factory=Pulse)

    @property
    def js(self) -> JetStreamContext:
        """The bus's JetStream."""
        return jetstream(self.broker)


@asynccontextmanager
async def acquired(
    name: str, settings: ServiceSettings, streams: Sequence[str], clock: Clock
) -> AsyncIterator[Resources]:
    """Bus and database of a service, closed on leaving. A bus that is away is waited for.

    Raises `BadConfiguration` when the server does not take who we say that we are, or these streams, the service's
    consumers or the indexes are not as declared; `Unreachable` when the database is away.
    """
    async with opened(settings.nats, name) as broker, connect(settings.mongo) as database:
        await check_indexes(database)
        await join(broker, settings.nats)
        check = declared_state(name, broker, database, settings.nats, streams)
        await check()
        yield Resources(name, broker, database, clock, DriftMonitor(check))


@asynccontextmanager
async def connecting(settings: NatsSettings, name: str) -> AsyncIterator[NatsBroker]:
    """A broker that connects as soon as its bus is there, for a service that starts without; closed on leaving."""
    async with opened(settings, name) as broker:
        task = asyncio.create_task(_until_connected(broker))
        try:
            yield broker
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _until_connected(broker: NatsBroker) -> None:
    """Connect; from then on the client reconnects by itself."""
    complaints = LogThrottle()
    while True:
        try:
            await broker.connect()
        except (NatsError, OSError) as error:
            why = str(error) or type(error).__name__
            if count := complaints.due(why):
                _log.warning("nats.unreachable", error=why, times=count)
            await asyncio.sleep(_RETRY_S)
        else:
            return

"""Detects configuration drift while a service runs: streams, consumers and indexes that are no longer as declared.

At the start a service refuses to run on streams, consumers and indexes that do not hold what is promised
(`BadConfiguration`). Changed later, by a person, an older version beside, or a restored copy, the same must not pass in
silence: the service is not ready and says why, does no work meanwhile, and goes on when it is put right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aoc_common.bus import consumers
from aoc_common.bus.broker import connection, jetstream
from aoc_common.bus.consume import check_consumer
from aoc_common.bus.streams import check_streams, check_version
from aoc_common.errors import AocError, BadConfiguration, Unreachable
from aoc_common.store.mongo.client import check_unique_indexes
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream.nats import NatsBroker

    from aoc_common.settings import NatsSettings
    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)

#: Seconds between looks; while something is wrong it may be put right at any moment.
_EVERY_S: Final = 30.0
_IN_TROUBLE_S: Final = 2.0

type Check = Callable[[], Awaitable[None]]
"""Raises `BadConfiguration` for what is not as declared; any other error says nothing about it."""


class DriftMonitor:
    """Checks the declared state periodically."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._trouble: str | None = None

    async def look(self) -> None:
        """Look once."""
        try:
            await self._check()
        except BadConfiguration as error:
            trouble: str | None = str(error)
        except AocError:
            # Away: others say so, and what was known of it stays.
            return
        else:
            trouble = None
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                _log.error("standing.lost", why=trouble, hint="no work is done until it is as declared again")
            else:
                _log.info("standing.regained")

    def pause_s(self) -> float:
        """Seconds until the next look."""
        return _IN_TROUBLE_S if self._trouble else _EVERY_S

    async def probe(self) -> str | None:
        """What is wrong; None when nothing is."""
        return self._trouble

    def guarded[M](self, handler: Callable[[Sequence[M]], Awaitable[None]]) -> Callable[[Sequence[M]], Awaitable[None]]:
        """`handler`, which is not given work on what is not as declared: it comes again."""

        async def on_messages(messages: Sequence[M]) -> None:
            if self._trouble:
                raise Unreachable(self._trouble)
            await handler(messages)

        return on_messages


def declared_state(
    service: str, broker: NatsBroker, database: Database, settings: NatsSettings, streams: Sequence[str]
) -> Check:
    """A check of the server's version, these streams, the service's consumers, and unique indexes."""

    async def check() -> None:
        check_version(connection(broker))
        await check_streams(jetstream(broker), settings, streams)
        for consumer in consumers.ALL:
            if consumer.service == service:
                await check_consumer(jetstream(broker), consumer)
        await check_unique_indexes(database)

    return check

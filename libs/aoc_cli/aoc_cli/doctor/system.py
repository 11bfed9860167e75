"""The checks of NATS and MongoDB, where a system is found."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from aoc_cli.doctor.bus import of_payload
from aoc_cli.doctor.streams import of_streams, of_waiting
from aoc_collector.findings import Finding, Grade
from aoc_common.bus.broker import opened
from aoc_common.bus.limits import max_message_bytes
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.store.mongo.client import check_unique_indexes, connect, missing_indexes
from aoc_common.store.mongo.lost_pages import MongoLostPages

if TYPE_CHECKING:
    from aoc_cli.attach import System
    from aoc_common.settings import NatsSettings

_WHERE: Final = "system"
_PATIENCE_S: Final = 10.0


async def check(system: System) -> list[Finding]:
    """Both servers, side by side."""
    parts = await asyncio.gather(_nats(system.nats), _mongo(system))
    return [finding for part in parts for finding in part]


async def _nats(settings: NatsSettings) -> list[Finding]:
    try:
        async with opened(settings, "cli") as broker, asyncio.timeout(_PATIENCE_S):
            await broker.connect()
            return [
                Finding(_WHERE, "NATS", Grade.OK, "connected"),
                of_payload(_WHERE, max_message_bytes(broker)),
                *await of_streams(_WHERE, broker, settings),
            ]
    except (AocError, NatsError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        fix = "Check AOC_NATS__URL, user and password, and that the server runs with JetStream"
        return [Finding(_WHERE, "NATS", Grade.FAIL, f"not reachable: {reason}", fix)]


async def _mongo(system: System) -> list[Finding]:
    try:
        async with asyncio.timeout(_PATIENCE_S), connect(system.mongo) as database:
            lacking = await missing_indexes(database)
            await check_unique_indexes(database)
            now = datetime.now(UTC)
            waiting = await MongoLostPages(database).waiting(now, None, 1)
    except BadConfiguration as error:
        return [Finding(_WHERE, "MongoDB", Grade.FAIL, str(error), "Run aoc provision")]
    except (AocError, TimeoutError) as error:
        fix = "Check AOC_MONGO__URI and that the server runs"
        return [Finding(_WHERE, "MongoDB", Grade.FAIL, f"not reachable: {error or 'no answer'}", fix)]
    if lacking:
        problem, fix = (
            f"indexes are missing or not as declared: {', '.join(lacking)}",
            "Run aoc provision; until then searches are slow",
        )
        server = Finding(_WHERE, "MongoDB", Grade.WARN, problem, fix)
    else:
        server = Finding(_WHERE, "MongoDB", Grade.OK, "answers, and has its indexes")
    return [server, of_waiting(_WHERE, waiting[0] if waiting else None, now)]

"""The checks of NATS and MongoDB, where a system is found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aoc_cli.doctor.bus import of_payload
from aoc_cli.doctor.findings import Finding, Grade
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.limits import max_message_bytes
from aoc_common.bus.streams import declarations
from aoc_common.contracts import subjects
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect, missing_indexes

if TYPE_CHECKING:
    from nats.js import JetStreamContext

    from aoc_cli.attach import System
    from aoc_common.settings import NatsSettings

_WHERE: Final = "system"
_PATIENCE_S: Final = 10.0
_FULL: Final = 0.8
_STREAMS: Final = (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.JOBS_STREAM, subjects.DLQ_STREAM)


async def check(system: System) -> list[Finding]:
    """Both servers, side by side."""
    found = await asyncio.gather(_nats(system.nats), _mongo(system))
    return [finding for part in found for finding in part]


async def _nats(settings: NatsSettings) -> list[Finding]:
    broker = make_broker(settings, "cli")
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await broker.connect()
            return [
                Finding(_WHERE, "NATS", Grade.OK, "connected"),
                of_payload(_WHERE, max_message_bytes(broker)),
                *await _streams(jetstream(broker), settings),
            ]
    except (AocError, NatsError, OSError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        fix = "Check AOC_NATS__URL, user and password, and that the server runs with JetStream"
        return [Finding(_WHERE, "NATS", Grade.FAIL, f"not reachable: {said}", fix)]
    finally:
        await close(broker)


async def _streams(js: JetStreamContext, settings: NatsSettings) -> list[Finding]:
    found: list[Finding] = []
    known = declarations(settings)
    for name in _STREAMS:
        declared = known[name]
        try:
            state = (await js.stream_info(name)).state
        except NotFoundError:
            fix = "The service that writes it makes it at its start"
            found.append(Finding(_WHERE, f"stream {name}", Grade.WARN, "is not there", fix))
            continue
        share = state.bytes / declared.max_bytes if declared.max_bytes and declared.max_bytes > 0 else 0.0
        grade = Grade.WARN if share > _FULL else Grade.OK
        fix = "Give it more room (AOC_NATS__RAW_MAX_BYTES) or look why nobody reads it" if share > _FULL else ""
        full = f", {share:.0%} full" if share else ""
        found.append(Finding(_WHERE, f"stream {name}", grade, f"{state.messages:,} messages{full}", fix))
    return found


async def _mongo(system: System) -> list[Finding]:
    try:
        async with asyncio.timeout(_PATIENCE_S), connect(system.mongo) as database:
            lacking = await missing_indexes(database)
    except (AocError, TimeoutError) as error:
        fix = "Check AOC_MONGO__URI and that the server runs"
        return [Finding(_WHERE, "MongoDB", Grade.FAIL, f"not reachable: {error or 'no answer'}", fix)]
    if lacking:
        fix = "The collector and the normalizer make them at their start; until then searches are slow"
        return [Finding(_WHERE, "MongoDB", Grade.WARN, f"indexes are missing: {', '.join(lacking)}", fix)]
    return [Finding(_WHERE, "MongoDB", Grade.OK, "answers, and has its indexes")]

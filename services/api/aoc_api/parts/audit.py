"""The audit trail: its spool, and what brings entries from there into the store and onto the bus."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aoc_api.audit.sign_in_failures import SignInFailures
from aoc_api.audit.spool import Spool
from aoc_api.audit.trail import AuditPublishing, AuditStoring, AuditTrail, Publish, subject_of
from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.noted import NotedStream
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import LONGEST
from aoc_common.errors import Transient, Unreachable
from aoc_common.service import tasks
from aoc_common.service.tasks import Task
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import check_known
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from faststream.nats import NatsBroker

    from aoc_api.settings import AuditOptions
    from aoc_common.clock import Clock
    from aoc_common.contracts.audit import AuditEntry
    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)

#: Seconds that storing may take at a stop; what is left waits in the spool.
_LAST_S: Final = 5.0
#: Seconds between two looks meanwhile whether the store is away.
_LOOK_S: Final = 0.1


@asynccontextmanager
async def auditing(
    options: AuditOptions, database: Database, broker: NatsBroker, clock: Clock
) -> AsyncIterator[AuditTrail]:
    """The trail of this run. Raises `BadConfiguration` for a spool that cannot be used."""
    entries, heads = MongoAuditTrail(database), MongoAuditHeads(database)
    spool = Spool(options.spool, options.spool_bytes, LONGEST + 1)
    storing = AuditStoring(spool, entries, heads)
    publishing = AuditPublishing(entries, heads, publisher(broker, database, clock))
    try:
        work = [
            Task("store the audit trail", storing.pause_s, storing.run, jitter=0),
            Task("publish the audit trail", publishing.pause_s, publishing.run),
        ]
        async with tasks.running(work, clock):
            yield AuditTrail(spool, uuid4().hex, SignInFailures(clock))
        try:
            await _store_the_rest(storing, database)
        except (Transient, TimeoutError) as error:
            await asyncio.to_thread(spool.sync)
            _log.warning("audit_trail.waits", bytes=spool.waiting, error=str(error))
    finally:
        spool.close()


async def _store_the_rest(storing: AuditStoring, database: Database) -> None:
    """Raises `Transient` as soon as the store is known to be away, else `TimeoutError` after `_LAST_S`."""
    storing_all = asyncio.create_task(storing.run())
    try:
        async with asyncio.timeout(_LAST_S):
            while not storing_all.done():
                check_known(database)
                await asyncio.wait([storing_all], timeout=_LOOK_S)
        await storing_all
    finally:
        storing_all.cancel()
        await asyncio.gather(storing_all, return_exceptions=True)


def publisher(broker: NatsBroker, database: Database, clock: Clock) -> Publish:
    """What brings entries onto AOC_AUDIT, and into its log. It raises `Transient`, also while the bus is away."""
    noted = NotedStream(subjects.AUDIT_STREAM, MongoMessageLog(database, subjects.AUDIT_STREAM), clock)

    async def publish(entries: Sequence[AuditEntry]) -> None:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        messages = [Outgoing(subject_of(entry), entry.text.encode(), {"Nats-Msg-Id": entry.id}) for entry in entries]
        await noted.publish(jetstream(broker), messages)

    return publish

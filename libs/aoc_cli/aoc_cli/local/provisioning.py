"""Brings streams, consumers and indexes in order: for `aoc provision`, and for a stack that owns its servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.bus import consumers
from aoc_common.bus.broker import connected_broker
from aoc_common.bus.provision import provision
from aoc_common.bus.readers import declare_reader
from aoc_common.clock import SystemClock
from aoc_common.contracts.subjects import EVENTS_STREAM
from aoc_common.errors import BadConfiguration
from aoc_common.migration import Migration
from aoc_common.store.mongo import event_outline
from aoc_common.store.mongo.client import connect, ensure_indexes, is_new, missing_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.readers import MongoReaders
from aoc_common.store.mongo.upgrade import note_former_ids, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from faststream.nats import NatsBroker

    from aoc_common.settings import MongoSettings, NatsSettings
    from aoc_common.store.mongo.client import Database


async def bring_in_order(
    nats: NatsSettings | None,
    mongo: MongoSettings,
    report: Callable[[str], None],
    *,
    migrate: bool,
    reduce: bool = False,
    greet: bool = True,
) -> int:
    """Make and change what differs from the declarations, reporting each in a line; returns the number of lines.

    `nats`: None leaves streams and consumers alone. `greet`: report the parts of a new installation, too. Idempotent.
    Raises `BadConfiguration` for what needs `migrate` or cannot be, `Unreachable`.
    """
    lines = 0

    def report_line(line: str) -> None:
        nonlocal lines
        lines += 1
        if greet or not new:
            report(line)

    async with connect(mongo) as database:
        new = await is_new(database)
        missing = await missing_indexes(database)
        if new:
            report_line(f"a new database: {len(missing)} indexes are made")
        for index in () if new else missing:
            report_line(f"index {index}: missing or other than declared, is made")
        await ensure_indexes(database)
        await upgrade(database)
        if nats is None:
            return lines
        async with connected_broker(nats, "provision") as broker:
            lease = MongoLease(database, "migration")
            ledger, letters = MongoLedger(database), MongoDeadLetters(database)
            migration = Migration(broker, ledger, nats, SystemClock(), report_line, lease, letters)
            if migrate:
                await migration.run()
            elif await migration.broken_off():
                raise BadConfiguration("a migration was broken off, and pages wait in it; run: aoc provision --migrate")
            for line in [*await provision(broker, nats, reduce=reduce), *await declare_readers(broker, database)]:
                report_line(line)
            # Only now: until its streams are changed, an older version may still be at work.
            await note_former_ids(database)
            if noted := await event_outline.fill(database):
                report_line(
                    f"the outline of {noted:,} stored events is made; searches by source or operation are fast now"
                )
    return lines


async def declare_readers(broker: NatsBroker, database: Database) -> list[str]:
    """Make the checkpoints and consumers of readers; what was done. Raises `Transient`."""
    checkpoints, events = MongoReaders(database), MongoPublications(database)
    done: list[str] = []
    for reader in consumers.READERS:
        log = events if reader.stream == EVENTS_STREAM else MongoMessageLog(database, reader.stream)
        done += await declare_reader(broker, reader, checkpoints, log)
    return done

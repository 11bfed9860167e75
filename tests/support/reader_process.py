"""A replica of a reader in a process of its own, to be killed: writes the ids of what it has handled into a file."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aoc_common.bus import continuity
from aoc_common.bus.broker import make_broker
from aoc_common.bus.events import reading_events
from aoc_common.clock import SystemClock
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.readers import MongoReaders
from reader_bench import READER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.event_message import EventMessage

LEASE = timedelta(seconds=1)


async def _read(nats: NatsSettings, mongo: MongoSettings, file: Path) -> None:
    broker = make_broker(nats, "alerter")
    await broker.connect()

    async def handle(events: Sequence[EventMessage]) -> None:
        with file.open("a") as out:
            out.writelines(f"{one.message_id}\n" for one in events)
        await asyncio.sleep(0.1)

    async with (
        connect(mongo) as database,
        reading_events(broker, READER, MongoReaders(database), MongoPublications(database), handle, SystemClock()),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    continuity.LOOK_S = 0.1  # type: ignore[misc]
    continuity._LEASE = LEASE  # type: ignore[misc]
    asyncio.run(
        _read(
            NatsSettings.model_validate_json(sys.argv[1]),
            MongoSettings.model_validate_json(sys.argv[2]),
            Path(sys.argv[3]),
        )
    )

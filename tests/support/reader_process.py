"""A replica of a reader in a process of its own that is killed in the middle of a batch.

It writes the ids of what it has handled into a file. Its end is SIGKILL once it has handled as many batches as it was
told to, before the reader learns that the last of them is done: a kill from outside would fall there only by chance.
"""

from __future__ import annotations

import asyncio
import os
import signal
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


async def _read(nats: NatsSettings, mongo: MongoSettings, file: Path, batches: int) -> None:
    broker = make_broker(nats, "alerter")
    await broker.connect()

    handled = 0

    async def handle(events: Sequence[EventMessage]) -> None:
        nonlocal handled
        with file.open("a") as out:
            out.writelines(f"{one.message_id}\n" for one in events)
        handled += 1
        if handled == batches:
            os.kill(os.getpid(), signal.SIGKILL)

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
            int(sys.argv[4]),
        )
    )

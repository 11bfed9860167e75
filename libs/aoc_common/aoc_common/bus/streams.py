"""JetStream declarations. A service ensures the streams it uses at start: created when missing, else updated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import stamina
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext

    from aoc_common.settings import NatsSettings

_DAY: Final = 24 * 3600

#: Seconds in which JetStream remembers message ids. Longer than a killed normalizer's page takes to come back to a
#: replica (ack wait plus its work), so that an event that is published again is dropped.
DUPLICATE_WINDOW_S: Final = 15 * 60


def declarations(settings: NatsSettings) -> dict[str, StreamConfig]:
    """Stream name -> configuration."""
    base = StreamConfig(
        storage=StorageType.FILE,
        num_replicas=settings.replicas,
        duplicate_window=DUPLICATE_WINDOW_S,
        discard=DiscardPolicy.OLD,
    )
    streams = (
        replace(
            base,
            name=subjects.RAW_STREAM,
            description="Pages of records as Microsoft sent them. A full stream refuses; nothing is dropped.",
            subjects=[subjects.ALL_RAW],
            max_age=7 * _DAY,
            max_bytes=settings.raw_max_bytes,
            discard=DiscardPolicy.NEW,
        ),
        replace(
            base,
            name=subjects.EVENTS_STREAM,
            description="Normalised events, each once.",
            subjects=[subjects.ALL_EVENTS],
            max_age=3 * _DAY,
            max_bytes=settings.events_max_bytes,
        ),
        replace(
            base,
            name=subjects.ALERTS_STREAM,
            description="Alerts, created or changed.",
            subjects=[subjects.ALL_ALERTS],
            max_age=30 * _DAY,
        ),
        replace(
            base,
            name=subjects.JOBS_STREAM,
            description="Jobs. One pending job a subject, so that a source is never collected twice at a time.",
            subjects=[subjects.ALL_JOBS],
            retention=RetentionPolicy.WORK_QUEUE,
            max_msgs_per_subject=1,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
        ),
        replace(
            base,
            name=subjects.DLQ_STREAM,
            description="What a service could not handle, with the reason and the headers it came with.",
            subjects=[subjects.ALL_DEAD_LETTERS],
            max_age=30 * _DAY,
        ),
    )
    return {stream.name or "": stream for stream in streams}


@stamina.retry(on=Unreachable, attempts=10, timeout=60)
async def ensure_streams(js: JetStreamContext, settings: NatsSettings, names: Sequence[str]) -> None:
    """Create or update these streams. Raises `Unreachable` when JetStream does not answer."""
    known = declarations(settings)
    for name in names:
        config = known[name]
        try:
            try:
                await js.stream_info(name)
            except NotFoundError:
                await js.add_stream(config)
            else:
                await js.update_stream(config)
        except (APIError, NatsError) as error:
            raise Unreachable(f"stream {name}: {error}") from error

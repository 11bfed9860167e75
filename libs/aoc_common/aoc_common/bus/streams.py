"""What the streams of the system are. `provision` makes them, services check them and change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import stamina
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from aoc_common.contracts import subjects
from aoc_common.contracts.beats import MAX_BEAT_BYTES
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from aoc_common.settings import NatsSettings

_DAY: Final = 24 * 3600

#: Consumers of a stream that downstream tools read: who may read can leave ones behind, and each costs memory.
_READERS: Final = 1_000

#: Atomic batches came with this version of nats-server (ADR-50 of its makers).
OLDEST_SERVER: Final = (2, 12)
#: Fields of a stream that must be as declared, or the promise does not hold; and those that operators may choose. An
#: age is chosen where one is declared at all.
_MUST: Final = (
    "subjects", "retention", "discard", "max_age", "max_msgs", "max_msgs_per_subject", "discard_new_per_subject",
    "storage", "allow_atomic", "allow_direct", "duplicate_window", "no_ack", "sealed", "mirror", "sources",
    "subject_transform", "allow_rollup_hdrs",
)  # fmt: skip
_CHOSEN: Final = ("max_bytes", "num_replicas", "max_consumers")
#: What a field is when nobody says.
_UNSET: Final = {
    "max_msgs": -1, "max_msgs_per_subject": -1, "max_bytes": -1, "max_consumers": -1, "num_replicas": 1, "max_age": 0,
    "retention": RetentionPolicy.LIMITS, "discard": DiscardPolicy.OLD, "discard_new_per_subject": False,
    "allow_atomic": False, "allow_direct": False, "sealed": False, "no_ack": False,
    "allow_rollup_hdrs": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a stream that is not as declared. `grave`: the promise of the system does not hold with it."""

    stream: str
    field: str
    actual: object
    declared: object
    grave: bool

    def __str__(self) -> str:
        return f"{self.stream}: {self.field} is {self.actual}, declared is {self.declared}"


def declarations(settings: NatsSettings) -> dict[str, StreamConfig]:
    """Stream name -> configuration."""
    base = StreamConfig(
        storage=StorageType.FILE,
        num_replicas=settings.replicas,
        # Only against a client's own quick repeats: what was published is known by marks (see `bus.atomic`), and the
        # server's memory of ids costs it about a kilobyte each.
        duplicate_window=settings.duplicate_window_s,
        discard=DiscardPolicy.OLD,
    )
    streams = (
        replace(
            base,
            name=subjects.RAW_STREAM,
            description="Pages of records as Microsoft sent them, until they are settled. Full, it refuses.",
            subjects=[subjects.ALL_RAW],
            retention=RetentionPolicy.WORK_QUEUE,
            max_bytes=settings.raw_max_bytes,
            discard=DiscardPolicy.NEW,
            allow_direct=True,
        ),
        replace(
            base,
            name=subjects.EVENTS_STREAM,
            description="Normalised events, each once, and the marks of what was published.",
            subjects=[subjects.ALL_EVENTS, subjects.ALL_MARKS],
            max_age=settings.events_max_age_s,
            max_bytes=settings.events_max_bytes,
            max_consumers=_READERS,
            allow_atomic=True,
            allow_direct=True,
        ),
        replace(
            base,
            name=subjects.ALERTS_STREAM,
            description="Alerts, created or changed.",
            subjects=[subjects.ALL_ALERTS],
            max_age=30 * _DAY,
            max_consumers=_READERS,
            # A revision that was published, and not noted as such before a crash, is published again.
            duplicate_window=max(settings.duplicate_window_s, _DAY),
        ),
        replace(
            base,
            name=subjects.AUDIT_STREAM,
            description="Entries of AOC's own audit trail, as they were noted.",
            subjects=[subjects.ALL_AUDIT],
            max_age=30 * _DAY,
            max_consumers=_READERS,
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
        replace(
            base,
            name=subjects.BEATS_STREAM,
            description="The last sign of life of each running instance of a service.",
            subjects=[subjects.ALL_BEATS],
            max_age=_DAY,
            max_msgs_per_subject=1,
            # So many instances of a day: one that crashes again and again is another each time.
            max_msgs=1_000,
            max_msg_size=MAX_BEAT_BYTES,
            max_bytes=16 * 1024**2,
            allow_direct=True,
        ),
    )
    return {stream.name or "": stream for stream in streams}


def differences(actual: StreamConfig, declared: StreamConfig) -> list[Difference]:
    """In what a stream is not as declared."""
    name = declared.name or ""
    return [
        Difference(name, field, _value(actual, field), _value(declared, field), grave=_is_grave(field, declared))
        for field in (*_MUST, *_CHOSEN)
        if _value(actual, field) != _value(declared, field)
    ]


def _is_grave(field: str, declared: StreamConfig) -> bool:
    return field in _MUST and not (field == "max_age" and declared.max_age)


def _value(config: StreamConfig, field: str) -> object:
    value = getattr(config, field) or _UNSET.get(field)
    return sorted(value) if isinstance(value, list) else getattr(value, "value", value)


def check_version(connection: Client) -> None:
    """Raises `BadConfiguration` for a server without atomic batches."""
    version = connection.connected_server_version
    if (version.major, version.minor) < OLDEST_SERVER:
        needed = ".".join(map(str, OLDEST_SERVER))
        raise BadConfiguration(
            f"AOC_NATS__URL: nats-server {version.major}.{version.minor}.{version.patch} is too old; "
            f"{needed} or newer is needed (atomic batches)"
        )


@stamina.retry(on=Unreachable, attempts=10, timeout=60)
async def check_streams(js: JetStreamContext, settings: NatsSettings, names: Sequence[str]) -> list[Difference]:
    """In what these streams are not as declared, where it does no harm (a size, an age, a number of replicas).

    Raises `BadConfiguration` naming what differs and is grave, or a stream that is not there; `Unreachable` when
    JetStream does not answer.
    """
    known = declarations(settings)
    differing: list[Difference] = []
    for name in names:
        info = await stream_config(js, name)
        if info is None:
            raise BadConfiguration(f"{name}: there is no such stream; run: aoc provision")
        differing += differences(info, known[name])
    grave = [str(difference) for difference in differing if difference.grave]
    if grave:
        raise BadConfiguration(f"{'; '.join(grave)}; run: aoc provision")
    return differing


async def stream_config(js: JetStreamContext, name: str) -> StreamConfig | None:
    """A stream's configuration; None when there is no such stream. Raises `Unreachable`."""
    try:
        return (await js.stream_info(name)).config
    except NotFoundError:
        return None
    except (APIError, NatsError, TimeoutError) as error:
        raise Unreachable(f"stream {name}: {error or type(error).__name__}") from error


async def bounds(js: JetStreamContext, name: str) -> tuple[int, int] | None:
    """The first and last sequence of a stream; None when it cannot be told now."""
    try:
        state = (await js.stream_info(name)).state
    except (APIError, NatsError, TimeoutError):
        return None
    return state.first_seq, state.last_seq

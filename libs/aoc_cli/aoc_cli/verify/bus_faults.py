"""Faults of the bus: deleted streams, deleted consumers, a full AOC_RAW."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

import stamina
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream
from aoc_common.bus.provision import provision
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Transient, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from faststream.nats import NatsBroker

    from aoc_cli.verify.process_control import ProcessControl
    from aoc_cli.verify.stream_follower import StreamFollower
    from aoc_common.settings import NatsSettings

_NORMALIZERS: Final = "normalizer*"
_ALERTERS: Final = "alerter*"
#: What `provision` makes. The exporter's are its own, and it makes them.
_DECLARED: Final = frozenset(consumer.durable for consumer in consumers.ALL)
#: Seconds. Work piles up while nobody normalises; a stream that is deleted should have something in it.
_ACCUMULATE_S: Final = 1.0
_READ_WITHIN_S: Final = 30.0
_POLL_S: Final = 0.1
#: Share of its size from which a stream is full: the next page may still fit, most do not.
_FULL: Final = 0.75


async def recreate(broker: NatsBroker, settings: NatsSettings, names: Collection[str]) -> None:
    """Create these streams and their consumers as declared. Raises `Unreachable`."""
    await provision(broker, settings, only=names)


@dataclass(slots=True)
class BusFaults:
    """Injects faults as a user who may do everything. Raises `Unreachable` when the server stays away.

    `declare_readers`: makes the consumers of readers, as `provision` does.
    """

    broker: NatsBroker
    settings: NatsSettings
    processes: ProcessControl
    recorders: Sequence[StreamFollower]
    seed: int
    declare_readers: Callable[[], Awaitable[object]]
    deleted: int = 0

    async def delete_stream(self, name: str, away_s: float) -> None:
        """Delete a stream with its messages, and create it again `away_s` later.

        Nobody publishes at that moment and the recorders have read everything: no published message is missed.
        """
        async with self.processes.frozen(_ALERTERS if name == subjects.ALERTS_STREAM else _NORMALIZERS):
            await asyncio.sleep(_ACCUMULATE_S)
            await self._read_all()
            await self._delete(name)
        await asyncio.sleep(away_s)
        await self._recreate(name)

    async def delete_consumer(self, stream: str) -> None:
        """Delete one of a stream's consumers, and create it again."""
        self.deleted += 1
        rng = Random(f"consumer:{self.seed}:{self.deleted}")
        names = await self._consumers(stream)
        if names:
            await self._delete_consumer(stream, rng.choice(names))
            await self._recreate(stream)

    async def fill(self, name: str, most_s: float) -> None:
        """Pause the normalizers until a stream is full, at most `most_s`."""
        until = time.monotonic() + most_s
        async with self.processes.frozen(_NORMALIZERS):
            while time.monotonic() < until and not await self._full(name):  # noqa: ASYNC110  # a server offers no event
                await asyncio.sleep(_POLL_S)

    @stamina.retry(on=Transient, attempts=20, timeout=60, wait_max=2)
    async def _recreate(self, stream: str) -> None:
        await recreate(self.broker, self.settings, [stream])
        if any(reader.stream == stream for reader in consumers.READERS):
            await self.declare_readers()

    @stamina.retry(on=Unreachable, attempts=20, timeout=60, wait_max=2)
    async def _read_all(self) -> None:
        try:
            for recorder in self.recorders:
                await recorder.caught_up(_READ_WITHIN_S)
        except (AocError, NatsError) as error:
            raise Unreachable(str(error)) from error

    @stamina.retry(on=Unreachable, attempts=20, timeout=60, wait_max=2)
    async def _delete(self, name: str) -> None:
        try:
            await jetstream(self.broker).delete_stream(name)
        except NotFoundError:
            return
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{name}: {error or type(error).__name__}") from error

    @stamina.retry(on=Unreachable, attempts=20, timeout=60, wait_max=2)
    async def _consumers(self, stream: str) -> list[str]:
        try:
            found = await jetstream(self.broker).consumers_info(stream)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{stream}: {error or type(error).__name__}") from error
        return sorted(consumer.name for consumer in found if consumer.name in _DECLARED)

    @stamina.retry(on=Unreachable, attempts=20, timeout=60, wait_max=2)
    async def _delete_consumer(self, stream: str, name: str) -> None:
        try:
            await jetstream(self.broker).delete_consumer(stream, name)
        except NotFoundError:
            return
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{stream}: {error or type(error).__name__}") from error

    async def _full(self, name: str) -> bool:
        try:
            info = await jetstream(self.broker).stream_info(name)
        except (NatsError, TimeoutError):
            return False
        most = info.config.max_bytes or 0
        return 0 < most * _FULL <= info.state.bytes


async def settled(broker: NatsBroker, last_page: int) -> bool:
    """Whether every page up to this sequence is settled: it has left the stream."""
    state = (await jetstream(broker).stream_info(subjects.RAW_STREAM)).state
    return not state.messages or state.first_seq > last_page

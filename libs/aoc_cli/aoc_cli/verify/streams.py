"""What an operator, or a disk, can do to the bus: delete streams and consumers, and let AOC_RAW fill."""

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

from aoc_common.bus.broker import jetstream
from aoc_common.bus.provision import provision
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Collection

    from faststream.nats import NatsBroker

    from aoc_cli.verify.grip import Grip
    from aoc_cli.verify.watcher import Watcher
    from aoc_common.settings import NatsSettings

_NORMALIZERS: Final = "normalizer*"
#: Seconds. Work piles up while nobody normalises; a stream that is deleted should have something in it.
_PILE_UP_S: Final = 1.0
_SEEN_WITHIN_S: Final = 30.0
_LOOK_S: Final = 0.1
#: Share of its size from which a stream is full: the next page may still fit, most do not.
_FULL: Final = 0.75


async def made_anew(broker: NatsBroker, settings: NatsSettings, names: Collection[str]) -> None:
    """Make these streams and what belongs to them as they are declared. Raises `Unreachable`."""
    await provision(broker, settings, only=names)


@dataclass(slots=True)
class Vandal:
    """Strikes the bus as a user who may do everything. Raises `Unreachable` when the server stays away."""

    broker: NatsBroker
    settings: NatsSettings
    grip: Grip
    watcher: Watcher
    seed: int
    deleted: int = 0

    async def delete_stream(self, name: str, away_s: float) -> None:
        """Delete a stream with all that is in it, and make it anew a while later.

        Nobody publishes events at that moment and the watcher has read all: what was published stays known.
        """
        async with self.grip.frozen(_NORMALIZERS):
            await asyncio.sleep(_PILE_UP_S)
            await self._seen()
            await self._delete(name)
        await asyncio.sleep(away_s)
        await made_anew(self.broker, self.settings, [name])

    async def delete_consumer(self, stream: str) -> None:
        """Delete one of a stream's consumers; the next start, or whoever looks after them, makes it anew."""
        self.deleted += 1
        rng = Random(f"consumer:{self.seed}:{self.deleted}")
        names = await self._consumers(stream)
        if names:
            await self._delete_consumer(stream, rng.choice(names))
            await made_anew(self.broker, self.settings, [stream])

    async def fill(self, name: str, most_s: float) -> None:
        """Keep the normalizers down until a stream is full, or for so long."""
        until = time.monotonic() + most_s
        async with self.grip.frozen(_NORMALIZERS):
            while time.monotonic() < until and not await self._full(name):  # noqa: ASYNC110  # a server offers no event
                await asyncio.sleep(_LOOK_S)

    @stamina.retry(on=Unreachable, attempts=20, timeout=60, wait_max=2)
    async def _seen(self) -> None:
        try:
            await self.watcher.caught_up(_SEEN_WITHIN_S)
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
        return sorted(one.name for one in found if one.config.durable_name)

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
    """Whether every page up to this one was done: it has left the stream."""
    state = (await jetstream(broker).stream_info(subjects.RAW_STREAM)).state
    return not state.messages or state.first_seq > last_page

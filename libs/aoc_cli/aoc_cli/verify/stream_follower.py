"""Reads a stream continuously from the first message, so that messages that are deleted were read before."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import reading
from aoc_common.errors import AocError

if TYPE_CHECKING:
    from datetime import datetime

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

_BATCH: Final = 1000
_IDLE_S: Final = 0.5
_PAUSE_S: Final = 0.2


@dataclass(slots=True)
class StreamFollower(ABC):
    """`run` it as a task; `take` is given each message once, in order, and the number of its stream's incarnation.

    `missed`: messages that the stream dropped before they were read.
    """

    STREAM: ClassVar[str]

    broker: NatsBroker
    missed: int = 0
    _created: datetime | None = None
    _incarnation: int = -1
    _next: int = 1
    _last: int = 0
    _at_end: float = 0.0

    @abstractmethod
    def take(self, message: Msg, incarnation: int) -> None:
        """Remember a message."""

    async def run(self) -> None:
        """Read until cancelled, whatever happens to the server and the stream."""
        while True:
            try:
                await self._follow()
            except (AocError, NatsError, TimeoutError, OSError):
                # The server or the stream is away: reading resumes at the same position when it is back.
                await asyncio.sleep(_PAUSE_S)

    async def caught_up(self, within_s: float) -> None:
        """Wait until everything in the stream now is read. Raises `AocError` on timeout."""
        requested_at = time.monotonic()
        while self._at_end < requested_at:
            if time.monotonic() > requested_at + within_s:
                raise AocError(f"{self.STREAM} was not read to its end within {within_s:.0f} s")
            await asyncio.sleep(_PAUSE_S / 4)

    async def _follow(self) -> None:
        await self._find()
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._next,
        )
        new_consumer = True
        async with reading(self.broker, self.STREAM, config) as pull:
            while True:
                messages = await pull.batch(_BATCH, _IDLE_S)
                for message in messages:
                    skipped = message.metadata.sequence.stream - self._next
                    if skipped > 0 and not new_consumer:
                        return  # a killed server does not send again what it had sent: start a new consumer
                    self.missed += max(skipped, 0)
                    self._note(message)
                    new_consumer = False
                # A consumer of a deleted stream answers nothing, like one without messages; so does one whose last
                # messages were lost with a killed server.
                if not messages and (await self._find() or self._next <= self._last):
                    return

    async def _find(self) -> bool:
        """Look the stream up; whether it was replaced, or its end lies before what was read."""
        requested_at = time.monotonic()
        info = await jetstream(self.broker).stream_info(self.STREAM)
        first, last = info.state.first_seq, info.state.last_seq
        replaced = info.created != self._created or last < self._next - 1
        if replaced:
            self._created, self._next = info.created, 1
            self._incarnation += 1
        if first > self._next:
            self.missed += first - self._next
            self._next = first
        self._last = last
        if self._next > last:
            self._at_end = requested_at
        return replaced

    def _note(self, message: Msg) -> None:
        sequence = message.metadata.sequence.stream
        if sequence < self._next:
            return  # a killed server lost the position of this consumer
        self._next = sequence + 1
        self.take(message, self._incarnation)

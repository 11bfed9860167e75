"""Records AOC_EVENTS continuously from the first message, so that deleted messages were read before."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_cli.verify.published import Bodies, MessageProperties
from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.contracts.twins import HEADER
from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

_EVENTS: Final = "aoc.events."
_BATCH: Final = 1000
_IDLE_S: Final = 0.5
_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One message of AOC_EVENTS.

    `message_id`: the event id for a first version, `id:digest` for later ones. `twin_of`: the first that it names.
    `incarnation`: number of the stream's incarnation. `at`: when the stream stored it. `properties`: None for no event.
    """

    message_id: str
    twin_of: str | None = None
    incarnation: int = 0
    at: datetime | None = None
    properties: MessageProperties | None = None

    @property
    def event(self) -> str:
        """The event's id."""
        return self.message_id.partition(":")[0]


def repeated(messages: Iterable[RecordedMessage], retention_s: float | None) -> set[str]:
    """Ids of events of which one version was published again while its stream still held it.

    `retention_s`: how long a stream holds a message; None: longer than any run.
    """
    last: dict[tuple[int, str], datetime | None] = {}
    repeated_events: set[str] = set()
    for message in messages:
        key = (message.incarnation, message.message_id)
        if key in last:
            before = last[key]
            known = retention_s is None or before is None or message.at is None
            if known or (message.at - before).total_seconds() < retention_s:  # type: ignore[operator]
                repeated_events.add(message.event)
        last[key] = message.at
    return repeated_events


@dataclass(slots=True)
class StreamRecorder:
    """`run` it as a task; `messages` is what it has read, in order.

    `missed`: messages that the stream dropped before they were read. `bodies`: a sample of complete bodies.
    """

    broker: NatsBroker
    messages: list[RecordedMessage] = field(default_factory=list)
    missed: int = 0
    bodies: Bodies = field(default_factory=Bodies)
    _created: datetime | None = None
    _incarnation: int = -1
    _next: int = 1
    _last: int = 0
    _at_end: float = 0.0

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
                raise AocError(f"{subjects.EVENTS_STREAM} was not read to its end within {within_s:.0f} s")
            await asyncio.sleep(_PAUSE_S / 4)

    async def _follow(self) -> None:
        await self._find()
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._next,
        )
        new_consumer = True
        async with reading(self.broker, subjects.EVENTS_STREAM, config) as pull:
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
        info = await jetstream(self.broker).stream_info(subjects.EVENTS_STREAM)
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
        headers, metadata = message.headers or {}, message.metadata
        if metadata.sequence.stream < self._next:
            return  # a killed server lost the position of this consumer
        self._next = metadata.sequence.stream + 1
        if not message.subject.startswith(_EVENTS):
            return
        properties = self.bodies.read(message)
        name, twin = headers.get("Nats-Msg-Id", ""), headers.get(HEADER)
        self.messages.append(RecordedMessage(name, twin, self._incarnation, metadata.timestamp, properties))

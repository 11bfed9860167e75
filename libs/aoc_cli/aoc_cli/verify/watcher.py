"""Reads AOC_EVENTS from its first message to its last, all the time, so that what is deleted from it was seen."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_cli.verify.published import Bodies, Told
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
_TOGETHER: Final = 1000
_IDLE_S: Final = 0.5
_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of AOC_EVENTS.

    `message_id`: of the first version the event's id, of others `id:digest`. `twin_of`: whose twin it says it is.
    `incarnation`: of how many streams of that name before it. `at`: when the stream took it. `told`: what it says.
    """

    message_id: str
    twin_of: str | None = None
    incarnation: int = 0
    at: datetime | None = None
    told: Told | None = None

    @property
    def event(self) -> str:
        """The event's id."""
        return self.message_id.partition(":")[0]


def repeated(seen: Iterable[Seen], kept_s: float | None) -> set[str]:
    """Ids of events of which one version was published again while its stream still held it.

    `kept_s`: how long a stream keeps a message; None: longer than any run.
    """
    last: dict[tuple[int, str], datetime | None] = {}
    found: set[str] = set()
    for one in seen:
        key = (one.incarnation, one.message_id)
        if key in last:
            before = last[key]
            known = kept_s is None or before is None or one.at is None
            if known or (one.at - before).total_seconds() < kept_s:  # type: ignore[operator]
                found.add(one.event)
        last[key] = one.at
    return found


@dataclass(slots=True)
class Watcher:
    """`run` it beside everything else; `seen` is what it saw, in order.

    `missed`: messages that were gone before it could read them. `bodies`: some of them whole.
    """

    broker: NatsBroker
    seen: list[Seen] = field(default_factory=list)
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
                # Away, or deleted: what is there when it comes back is read from where this was.
                await asyncio.sleep(_PAUSE_S)

    async def caught_up(self, within_s: float) -> None:
        """Wait until all is read that stands in the stream now. Raises `AocError` when that takes longer."""
        asked = time.monotonic()
        while self._at_end < asked:
            if time.monotonic() > asked + within_s:
                raise AocError(f"{subjects.EVENTS_STREAM} was not read to its end within {within_s:.0f} s")
            await asyncio.sleep(_PAUSE_S / 4)

    async def _follow(self) -> None:
        await self._find()
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._next,
        )
        asked_anew = True
        async with reading(self.broker, subjects.EVENTS_STREAM, config) as pull:
            while True:
                messages = await pull.batch(_TOGETHER, _IDLE_S)
                for message in messages:
                    left_out = message.metadata.sequence.stream - self._next
                    if left_out > 0 and not asked_anew:
                        return  # what a server had sent when it was killed it does not send again: ask anew
                    self.missed += max(left_out, 0)
                    self._note(message)
                    asked_anew = False
                # A consumer of a stream that is gone answers nothing, as one with nothing to give does; and one whose
                # last messages went with a killed server neither.
                if not messages and (await self._find() or self._next <= self._last):
                    return

    async def _find(self) -> bool:
        """Find the stream; whether it is another one than before, or went back behind what was read of it."""
        asked = time.monotonic()
        info = await jetstream(self.broker).stream_info(subjects.EVENTS_STREAM)
        first, last = info.state.first_seq, info.state.last_seq
        other = info.created != self._created or last < self._next - 1
        if other:
            self._created, self._next = info.created, 1
            self._incarnation += 1
        if first > self._next:
            self.missed += first - self._next
            self._next = first
        self._last = last
        if self._next > last:
            self._at_end = asked
        return other

    def _note(self, message: Msg) -> None:
        headers, told = message.headers or {}, message.metadata
        if told.sequence.stream < self._next:
            return  # a server that was killed forgot how far this consumer was
        self._next = told.sequence.stream + 1
        if not message.subject.startswith(_EVENTS):
            return
        said = self.bodies.read(message)
        name, twin = headers.get("Nats-Msg-Id", ""), headers.get(HEADER)
        self.seen.append(Seen(name, twin, self._incarnation, told.timestamp, said))

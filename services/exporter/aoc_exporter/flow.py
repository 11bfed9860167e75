"""One sink at work: its consumers, what it sends, and how it fares."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from aoc_common.bus import sink_slots
from aoc_common.bus.broker import connection
from aoc_common.bus.events import reading_events
from aoc_common.bus.readers import view
from aoc_common.bus.reading import reading_messages
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import EventFilter
from aoc_common.contracts.sink_states import Runner, SinkHealth
from aoc_common.errors import Unreachable
from aoc_common.outbound.references import secret
from aoc_exporter import metrics
from aoc_exporter.account import Account
from aoc_exporter.behind import Behind
from aoc_exporter.catching_up import CatchingUp, Sources
from aoc_exporter.courier import Courier
from aoc_exporter.destinations import delivered, make, target_of
from aoc_exporter.formats import FORMATS
from aoc_exporter.intake import Intake
from aoc_exporter.joining import JOINED, Joining
from aoc_exporter.lanes import Lanes
from aoc_exporter.marks import ALERTS, AUDIT, EVENTS, Marks
from aoc_exporter.messages import MessageIntake
from aoc_exporter.selection import Choice, tenants_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from aoc_common.bus.policy import Failures
    from aoc_common.bus.readers import Log, Reader
    from aoc_common.bus.reading import Reading
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.reading import Checkpoint, StoredMessage
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.service.resources import Resources
    from aoc_common.store.readers import CheckpointStore
    from aoc_common.store.sink_accounts import SinkAccountStore
    from aoc_common.store.sink_marks import SinkMarkStore
    from aoc_common.store.sink_states import SinkStateStore
    from aoc_common.store.sink_stretches import SinkStretchStore
    from aoc_exporter.dead_letters import SinkDeadLetters
    from aoc_exporter.selection import Groups
    from aoc_exporter.sent import Sent
    from aoc_exporter.settings import ExportSettings

_LOOK_S: Final = 1.0
#: What is sent late ends within so many seconds, or is broken off.
_LEAVE_S: Final = 3.0
#: Looks that are remembered, to know what was published when.
_LOOKS: Final = 3_600
#: Lane -> its stream. Lanes are called as what a sink may have (`SinkSettings.data`).
MESSAGE_STREAMS: Final = {ALERTS: subjects.ALERTS_STREAM, AUDIT: subjects.AUDIT_STREAM}
_STREAMS: Final = {EVENTS: subjects.EVENTS_STREAM, **MESSAGE_STREAMS}
#: Subjects of one consumer; a sink of more tenants reads those of all.
_MOST_TENANTS: Final = 300


@dataclass(frozen=True, slots=True)
class Backends:
    """What every sink is run with. `message_logs`: by lane. `replica`: this process."""

    resources: Resources
    failures: Failures
    checkpoints: CheckpointStore
    log: Log[EventMessage]
    message_logs: Mapping[str, Log[StoredMessage]]
    states: SinkStateStore
    accounts: SinkAccountStore
    stretches: SinkStretchStore
    marks: SinkMarkStore
    letters: SinkDeadLetters
    export: ExportSettings
    replica: str = field(default_factory=lambda: token_hex(8))


class SinkAtWork:
    """Runs one sink as it is set; another setting takes another one. `run` it until it is told to `leave`."""

    def __init__(
        self, backends: Backends, sink: SinkSettings, groups: Groups, slot: int, sent: Mapping[str, Sent]
    ) -> None:
        self._with = backends
        self.sink = sink
        self.slot = slot
        self._sent = sent
        self._tenants = tenants_of(sink, groups)
        clock = backends.resources.clock
        self.account = Account(sink.name, backends.accounts, clock)
        self._lanes = Lanes(sink, backends.export, clock)
        self._marks = Marks(sink.name, backends.marks, backends.replica, self._heads, self._connections)
        self.courier = Courier(
            sink.name, FORMATS[sink.format], self._lanes, self.account, self._marks, backends.letters, clock
        )
        self._behind = Behind(sink.name, backends.stretches, clock)
        self._joining = Joining(sink, self._tenants, backends.states, self._behind, backends.replica)
        self.choice = Choice(sink, groups)
        self.intake = Intake(
            self.courier, self.choice, self._behind, clock, sent[EVENTS], twins=sink.twins, linger_s=sink.linger_s
        )
        self._messages = {
            lane: MessageIntake(
                lane, self.courier, self.choice, self._joining.leaves_out, self.intake.leaving, clock, sent[lane]
            )
            for lane in MESSAGE_STREAMS
        }
        sources = Sources(
            self._behind, self.intake, self.courier, backends.log, self._head, clock, self.intake.leaving, self._tenants
        )
        self._catching_up = CatchingUp(sources, backends.replica)
        self._looks: deque[tuple[Position, datetime]] = deque(maxlen=_LOOKS)
        self._health = SinkHealth("starting")

    def leave(self) -> None:
        """Begin nothing more."""
        self.intake.leaving.set()

    async def run(self) -> None:
        """Send until told to leave. Raises `BadConfiguration` for settings that cannot work, and `Transient`."""
        try:
            # First: what comes while its settings cannot work yet waits.
            await self._occupy()
            # Before anything is sent: which holes are there.
            await self._observe()
            await self._marks.begin()
            await self._check()
            async with AsyncExitStack() as entered:
                reading = [await entered.enter_async_context(one) for one in self._reading()]
                await self._look_until_left(reading)
            await self._marks.leave()
        finally:
            self.leave()
            await self._lanes.close()
            await self.account.write()

    async def _check(self) -> None:
        """Whether the settings can work. Raises `BadConfiguration`."""
        if self.sink.redaction_key is not None:
            self.choice.use_key(secret(self.sink.redaction_key, self._with.export.secrets, "redaction_key").encode())
        if self._tenants is not None and len(self._tenants) != 1:
            return  # of several tenants each may have a secret of its own
        tenant = next(iter(self._tenants or [subjects.DEFAULT_TENANT]))
        if self._tenants is None and "{tenant}" in target_of(self.sink, "{tenant}"):
            return
        made = await asyncio.to_thread(make, self.sink, tenant, self._with.export, self._with.resources.clock)
        await made.close()

    async def _occupy(self) -> None:
        """Make its consumers, or bring them in order."""
        broker, checkpoints, clock = self._with.resources.broker, self._with.checkpoints, self._with.resources.clock
        await self._behind.refresh()
        before, readers = await self._joining.before(), self._readers()
        of_messages = {
            lane: (reader, self._with.message_logs[lane]) for lane, reader in readers.items() if lane != EVENTS
        }
        if (reader := readers.get(EVENTS)) is not None:
            there = await sink_slots.filtered_tenants(broker, reader) if before is None else before
            await self._joining.let_in(there, self._with.log, clock)
            await sink_slots.occupy(broker, reader, checkpoints, self._with.log)
        for reader, log in of_messages.values():
            there = await sink_slots.filtered_tenants(broker, reader) if before is None else before
            if self._joining.new(there):
                await sink_slots.go_back(broker, reader, checkpoints, log, clock.now() - JOINED)
        # Before what joins comes: a replica that has older settings sees by it that it is not to leave that out.
        await self._joining.done()
        for reader, log in of_messages.values():
            await sink_slots.occupy(broker, reader, checkpoints, log)
        unread = [stream for lane, stream in _STREAMS.items() if lane not in readers]
        await sink_slots.vacate(broker, self.slot, checkpoints, unread)

    def _reading(self) -> Iterator[AbstractAsyncContextManager[Reading]]:
        resources, readers = self._with.resources, self._readers()
        how: dict[str, Any] = {"failures": self._with.failures, "pulse": resources.pulse}
        for lane, log in self._with.message_logs.items():
            if lane in readers:
                handle = self._messages[lane].handle
                yield reading_messages(
                    resources.broker, readers[lane], self._with.checkpoints, log, handle, resources.clock, **how
                )
        if EVENTS in readers:
            yield reading_events(
                resources.broker,
                readers[EVENTS],
                self._with.checkpoints,
                self._with.log,
                resources.drift.guarded(self.intake.handle),
                resources.clock,
                workers=1 if self.sink.linger_s else self._with.export.workers,
                **how,
            )

    def _readers(self) -> dict[str, Reader]:
        """Lane -> who reads its stream."""
        wanted = self._tenants or frozenset()
        if self._tenants is not None and not wanted:
            wanted = frozenset({"-"})  # of groups that nobody is in; no tenant is called so
        tenants = EventFilter(tenants=wanted if len(wanted) <= _MOST_TENANTS else frozenset())
        return {
            lane: sink_slots.reader(self.slot, tenants, self.sink.begin, self._batch(lane), stream)
            for lane, stream in _STREAMS.items()
            if lane in self.sink.data
        }

    def _batch(self, lane: str) -> int:
        return 10_000 if lane == EVENTS and self.sink.linger_s else 500

    async def send_once(self, event: EventMessage) -> None:
        """Send an event that somebody decided to try again. Raises `Unreachable` when it is not taken now."""
        parcel = self.intake.parcel(event)
        if parcel is not None and (left := await self.courier.attempt([parcel], late=True)):
            raise Unreachable(f"sink {self.sink.name}: {left[0].words}")

    async def _head(self) -> Position:
        stream = await view(self._with.resources.js)
        return Position(stream.incarnation, stream.last)

    async def _heads(self) -> dict[str, Position]:
        """The ends of the streams now, by lane."""
        js = self._with.resources.js
        views = {lane: await view(js, reader.stream) for lane, reader in self._readers().items()}
        return {lane: Position(stream.incarnation, stream.last) for lane, stream in views.items()}

    async def _observe(self) -> dict[str, Checkpoint | None]:
        """The checkpoints of its readers now, by lane. Raises `Transient`."""
        states = {
            lane: await self._with.checkpoints.read(reader.checkpoint) for lane, reader in self._readers().items()
        }
        for lane, state in states.items():
            self._sent[lane].observe(self.account, state)
        return states

    def _connections(self) -> int:
        """How often the connection to the bus was made again."""
        return connection(self._with.resources.broker).stats["reconnects"]

    async def _look_until_left(self, reading: Sequence[Reading]) -> None:
        work: dict[str, asyncio.Task[None]] = {}
        try:
            while not self.intake.leaving.is_set():
                await self._behind.refresh()
                self._sent[EVENTS].fall(self.account, self._behind.stretches)
                stretches = self._behind.open
                # The settings are looked at only where there is something that others could leave out.
                for stretch in stretches if stretches and await self._joining.current() else ():
                    running = work.get(stretch.key)
                    if (running is None or running.done()) and self._catching_up.mine(stretch):
                        work[stretch.key] = asyncio.create_task(self._catching_up.run(stretch))
                await self.account.write()
                await self._lanes.reread()
                await self._tell(reading)
                await self._pause()
        finally:
            self.leave()
            if work:
                await asyncio.wait(work.values(), timeout=_LEAVE_S)
            for task in work.values():
                task.cancel()
            await asyncio.gather(*work.values(), return_exceptions=True)

    async def _pause(self) -> None:
        leaving = asyncio.create_task(self.intake.leaving.wait())
        await asyncio.wait({leaving}, timeout=_LOOK_S)
        leaving.cancel()

    async def _tell(self, reading: Sequence[Reading]) -> None:
        """Say how the sink fares, in the store and in metrics."""
        resources, name = self._with.resources, self.sink.name
        now, head = resources.clock.now(), await self._head()
        waiting = sum([await sink_slots.waiting(resources.broker, one) for one in self._readers().values()])
        until = self._until(await self._handled(), now, head)
        troubles = [one.trouble() for one in reading]
        troubles += [self.intake.trouble(), *(one.trouble() for one in self._messages.values())]
        words = next(filter(None, troubles), "")
        behind = [stretch for stretch in self._behind.open if stretch.upto is None]
        if behind and not words:
            words = f"{len(behind)} tenants are behind: {behind[0].tenant}: {behind[0].why}"
        oldest = until if waiting or behind else None
        self._health = SinkHealth(
            "failing" if words else "running", words, None, waiting, oldest, until or self._health.delivered_until,
            self.account.per_s, delivered(self.sink),
        )  # fmt: skip
        if not await self._with.states.tell(name, self._health, now, Runner(self.slot, self._with.replica)):
            # Another replica took it for gone. Whoever has the place next must not share its messages with us.
            raise Unreachable(f"sink {name}: its place was given away")
        metrics.WAITING.labels(name).set(waiting)
        metrics.OLDEST_SECONDS.labels(name).set((now - oldest).total_seconds() if oldest else 0)
        metrics.BEHIND.labels(name).set(len(behind))
        metrics.RUNNING.labels(name).set(not words)

    async def _handled(self) -> Position | None:
        """Up to where all events are settled."""
        state = (await self._observe()).get(EVENTS)
        if state is None:
            return None
        own = state.position if state.hole is None else min(state.position, state.hole.after)
        return min([own, *(stretch.position for stretch in self._behind.open if stretch.upto is None)])

    def _until(self, handled: Position | None, now: datetime, head: Position) -> datetime | None:
        """When the newest of what is settled was the newest of all."""
        self._looks.append((head, now))
        until = None
        while handled is not None and self._looks and self._looks[0][0] <= handled:
            until = self._looks.popleft()[1]
        return until or self._health.delivered_until

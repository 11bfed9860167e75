"""A service of consumers and periodic tasks, made of the parts that its `build` names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from aoc_common import roster
from aoc_common.bus.consume import consuming
from aoc_common.bus.events import handling_events
from aoc_common.bus.policy import Failures, Redelivery
from aoc_common.bus.reading import reading_messages
from aoc_common.clock import SystemClock
from aoc_common.service import probes, tasks
from aoc_common.service.heartbeat import beating
from aoc_common.service.listening import Address
from aoc_common.service.resources import Resources, acquired
from aoc_common.service.run import Service
from aoc_common.service.tasks import Task
from aoc_common.store.mongo.client import ping
from aoc_common.store.mongo.dead_letters import JobDeadLetters, MongoDeadLetters
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.readers import MongoReaders
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from nats.aio.msg import Msg

    from aoc_common.bus.consume import BatchHandler, Consumer
    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.bus.events import Handle as HandleEvents
    from aoc_common.bus.readers import Log, Reader
    from aoc_common.bus.reading import Handle, Origin, Reading
    from aoc_common.clock import Clock
    from aoc_common.contracts.reading import StoredMessage
    from aoc_common.service.probes import Probe
    from aoc_common.service.tasks import Work
    from aoc_common.settings import ServiceSettings
    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)

type Build[S: ServiceSettings] = Callable[[S, Parts], Awaitable[None]]
"""Adds the parts that a service is made of. Nothing of it runs before all of them are there."""


@dataclass(frozen=True, slots=True)
class _Intake:
    """Consumers, and who handles their messages."""

    consumers: Sequence[Consumer]
    handler: BatchHandler
    workers: int
    redelivery: Redelivery


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reader, its log, and who handles what it reads."""

    reader: Reader
    log: Log[StoredMessage]
    handle: Handle
    workers: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of. `failures`: its policy for messages that could not be handled."""

    resources: Resources
    failures: Failures
    _entered: AsyncExitStack
    _tasks: list[Task] = field(default_factory=list)
    _intakes: list[_Intake] = field(default_factory=list)
    _readings: list[_Reading] = field(default_factory=list)
    _probes: dict[str, Probe] = field(default_factory=dict)

    async def enter[T](self, resource: AbstractAsyncContextManager[T]) -> T:
        """Something of the service's own, which is left when all parts have stopped."""
        return await self._entered.enter_async_context(resource)

    def closing(self, close: Callable[[], Awaitable[object]]) -> None:
        """Call this when all parts have stopped."""
        self._entered.push_async_callback(close)

    def every(self, interval_s: float, name: str, work: Work) -> None:
        """Do `work` at the start and then each interval (`tasks.Task`)."""
        self._tasks.append(Task(name, interval_s, work))

    def consume(
        self,
        consumers: Consumer | Sequence[Consumer],
        handler: BatchHandler,
        workers: int = 1,
        redelivery: Redelivery = Redelivery(),  # noqa: B008  # frozen
    ) -> None:
        """Handle the messages of these consumers, `workers` batches at once (`bus.consume`).

        What the service stands on is guarded: while it is not as declared, no message is handled.
        """
        several = consumers if isinstance(consumers, Sequence) else [consumers]
        guarded = self.resources.drift.guarded(handler)
        self._intakes.append(_Intake(several, guarded, workers, redelivery))

    def read_events(self, reader: Reader, handle: HandleEvents, workers: int = 1) -> None:
        """Handle every event that this reader wants, `workers` batches at once, also those that the stream has dropped.

        An event may come twice (`bus.events`). While events are not read, the service is not ready.
        """
        log = MongoPublications(self.resources.database)
        self._readings.append(_Reading(reader, log, handling_events(self.resources.drift.guarded(handle)), workers))

    def read_messages(self, reader: Reader, handler: BatchHandler) -> None:
        """As `read_events`, of AOC_ALERTS or AOC_AUDIT."""
        guarded = self.resources.drift.guarded(handler)

        async def handle(messages: Sequence[Msg], _: Origin) -> None:
            await guarded(messages)

        log = MongoMessageLog(self.resources.database, reader.stream)
        self._readings.append(_Reading(reader, log, handle, 1))

    def probe(self, name: str, probe: Probe) -> None:
        """Be ready only while this is well too."""
        self._probes[name] = probe

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[str, Probe]]:
        """All parts at work; gives the probes. Leaving drains the consumers, then stops the tasks."""
        resources = self.resources
        looking = Task("standing", resources.drift.pause_s, resources.drift.look, jitter=0)
        async with (
            beating(resources.broker, resources.name, resources.pulse),
            tasks.running([looking, *self._tasks], resources.clock) as background,
            AsyncExitStack() as intakes,
        ):
            working = [await intakes.enter_async_context(self._taking_in(intake)) for intake in self._intakes]
            readers = {
                reading.reader.name: await intakes.enter_async_context(self._read(reading))
                for reading in self._readings
            }

            async def reading() -> str | None:
                troubles = {name: reader.trouble() for name, reader in readers.items()}
                return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items() if trouble) or None

            async def workers() -> str | None:
                return self.failures.trouble() if all(at_work() for at_work in working) else "stopped"

            try:
                yield {
                    "nats": probes.bus(resources.broker),
                    "mongo": partial(ping, resources.database),
                    "workers": workers,
                    "background": background,
                    "standing": resources.drift.probe,
                    **({"events": reading} if readers else {}),
                    **self._probes,
                }
            finally:
                resources.stopping.set()

    def _taking_in(self, intake: _Intake) -> AbstractAsyncContextManager[Callable[[], bool]]:
        resources = self.resources
        return consuming(
            resources.broker,
            intake.consumers,
            intake.handler,
            intake.workers,
            self.failures,
            resources.stopping,
            resources.pulse,
            intake.redelivery,
        )

    def _read(self, reading: _Reading) -> AbstractAsyncContextManager[Reading]:
        resources = self.resources
        return reading_messages(
            resources.broker,
            reading.reader,
            MongoReaders(resources.database),
            reading.log,
            reading.handle,
            resources.clock,
            workers=reading.workers,
            failures=self.failures,
            pulse=resources.pulse,
        )


def job_account(database: Database) -> DeadLetterRecorder:
    """The account of messages that have no page in the ledger."""
    return JobDeadLetters(MongoDeadLetters(database))


@dataclass(frozen=True, slots=True)
class Worker[S: ServiceSettings]:
    """A service of consumers and tasks. It answers /livez, /readyz and /metrics.

    `name`: its row in the roster. `account`: where its dead letters are put on record.
    """

    name: str
    settings: S
    build: Build[S]
    account: Callable[[Database], DeadLetterRecorder] = job_account
    clock: Clock = field(default_factory=SystemClock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[str, Probe]]:
        """The service at work, and its probes; leaving puts back what is in work. Raises as `resources.acquired`."""
        async with (
            acquired(self.name, self.settings, roster.service(self.name).streams, self.clock) as resources,
            AsyncExitStack() as entered,
        ):
            parts = Parts(resources, Failures(self.name, self.account(resources.database)), entered)
            await self.build(self.settings, parts)
            async with parts.running() as names:
                _log.info("service.started")
                yield names

    def service(self) -> Service:
        """As a process runs it."""
        health = self.settings.health
        return Service(self._answering, Address(health.host, health.port, "AOC_HEALTH"), self.settings.telemetry)

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[Any]:
        async with self.running() as names:
            yield probes.health_app(names)

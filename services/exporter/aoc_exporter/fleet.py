"""All sinks of this exporter: each runs by itself, is started, changed and left as the catalogue says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.backoff import backoff
from aoc_common.bus import sink_slots
from aoc_common.contracts.sink_states import SinkHealth
from aoc_common.contracts.sinks import MOST_SINKS, document
from aoc_common.errors import AocError
from aoc_common.telemetry import logs
from aoc_exporter import metrics
from aoc_exporter.destinations import target_of
from aoc_exporter.flow import SinkAtWork
from aoc_exporter.selection import tenants_of
from aoc_exporter.sent import Sent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from aoc_common.contracts.sink_states import SinkState
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.store.sinks import SinkStore
    from aoc_exporter.catalogue import Catalogue, Listed
    from aoc_exporter.flow import Backends
    from aoc_exporter.selection import Groups

_log = logs.get(__name__)

#: A sink that cannot run is tried again after pauses that grow up to this. Seconds.
_LONGEST_S: Final = 30.0
#: A sink of a file that no replica has run for so long is in nobody's file any more.
_FORGOTTEN: Final = timedelta(minutes=10)
_LEAVE_S: Final = 40.0
_SOME: Final = 10


@dataclass(slots=True)
class _Running:
    """A sink, what it was started with, and its task. `leaving`: nothing more is begun."""

    listed: Listed
    groups: Groups
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    at_work: list[SinkAtWork] = field(default_factory=list)


class Fleet:
    """Runs the sinks of a catalogue. `groups`: of the tenants, now; may raise `Transient`."""

    def __init__(
        self, catalogue: Catalogue, store: SinkStore, backends: Backends, groups: Callable[[], Awaitable[Groups]]
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._with = backends
        self._groups = groups
        self._running: dict[str, _Running] = {}
        #: By sink and lane: also what was sent before it was started anew.
        self._sent: defaultdict[str, defaultdict[str, Sent]] = defaultdict(lambda: defaultdict(Sent))
        self._leaving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Leave all sinks at the end."""
        try:
            yield
        finally:
            for name in [*self._running]:
                self._leave(name)
            if self._leaving:
                await asyncio.wait(self._leaving, timeout=_LEAVE_S)
            for task in self._leaving:
                task.cancel()
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def at_work(self, name: str) -> SinkAtWork | None:
        """A sink that runs here; None when it does not."""
        running = self._running.get(name)
        return running.at_work[0] if running is not None and running.at_work else None

    async def some_tenants(self, sink: SinkSettings) -> Sequence[str]:
        """Tenants of a sink, a few where it has many; none where it is of all that there are. Raises `Transient`."""
        groups = await self._groups()
        wanted = tenants_of(sink, groups)
        if wanted is None and "{tenant}" in target_of(sink, "{tenant}"):
            wanted = frozenset(groups)  # each has a destination of its own
        return sorted(wanted or ())[:_SOME]

    async def follow(self) -> None:
        """Bring what runs in step with what there is to be. Raises `Transient`."""
        listed, groups = await self._catalogue.sinks(), await self._groups()
        for name, running in [*self._running.items()]:
            if running.listed != listed.get(name) or (running.groups != groups and _by_groups(running.listed)):
                self._leave(name)
        for name, one in listed.items():
            if name not in self._running and not any(task.get_name() == name for task in self._leaving):
                self._start(name, one, groups)
        await self._vacate(listed)

    def _start(self, name: str, listed: Listed, groups: Groups) -> None:
        running = _Running(listed, groups)
        running.task = asyncio.create_task(self._run(name, running), name=name)
        self._running[name] = running

    def _leave(self, name: str) -> None:
        running = self._running.pop(name)
        running.leaving.set()
        for at_work in running.at_work:
            at_work.leave()
        if running.task is not None:
            self._leaving.add(running.task)
            running.task.add_done_callback(self._leaving.discard)

    async def _run(self, name: str, running: _Running) -> None:
        """Run a sink until it is left, whatever it meets: none of it is the others' trouble."""
        tries = 0
        while not running.leaving.is_set():
            began = self._with.resources.clock.monotonic()
            try:
                await self._once(running)
            except AocError as error:
                await self._broken(name, str(error))
            except Exception as error:  # noqa: BLE001  # reported with its traceback
                _log.exception("sink.failed", sink=name)
                await self._broken(name, f"{type(error).__name__}: {error}")
            finally:
                running.at_work.clear()
            tries = 1 if self._with.resources.clock.monotonic() - began > _LONGEST_S else tries + 1
            await _first(running.leaving, backoff(tries, _LONGEST_S))

    async def _once(self, running: _Running) -> None:
        sink, now = running.listed.settings, self._with.resources.clock.now()
        place = await self._with.states.place(sink.name, running.listed.origin, document(sink), now)
        if place is None:
            raise AocError(f"all {MOST_SINKS} places of sinks are taken")
        if sink.paused:
            await self._with.states.tell(sink.name, SinkHealth("paused"), now)
            await _first(running.leaving, _FORGOTTEN.total_seconds() / 10)
            return
        at_work = SinkAtWork(self._with, sink, running.groups, place.slot, self._sent[sink.name])
        running.at_work.append(at_work)
        if running.leaving.is_set():
            return
        _log.info("sink.started", sink=sink.name, kind=sink.kind, slot=place.slot)
        await at_work.run()
        _log.info("sink.left", sink=sink.name)

    async def _broken(self, name: str, words: str) -> None:
        _log.warning("sink.broken", sink=name, error=words)
        metrics.RUNNING.labels(name).set(0)
        try:
            now = self._with.resources.clock.now()
            await self._with.states.tell(name, SinkHealth("broken", words, now), now)
        except AocError as error:
            _log.info("sink.untold", sink=name, error=str(error))

    async def _vacate(self, listed: Mapping[str, Listed]) -> None:
        """Free the places of sinks that are gone."""
        now = self._with.resources.clock.now()
        for state in await self._with.states.all():
            if state.name in listed or any(task.get_name() == state.name for task in self._leaving):
                continue
            gone = state.origin == "store" or now - state.seen_at > _FORGOTTEN
            if gone and await self._store.get(state.name) is None:
                await self._free(state)

    async def _free(self, state: SinkState) -> None:
        """What is a sink's goes first, and its place last: whoever has it next begins anew."""
        await sink_slots.vacate(self._with.resources.broker, state.slot, self._with.checkpoints)
        await self._with.stretches.forget(state.name)
        await self._with.marks.forget(state.name)
        await self._with.accounts.forget(state.name)
        await self._with.states.free(state.name)
        self._sent.pop(state.name, None)
        metrics.CATALOGUE.forget(sink=state.name)
        _log.info("sink.removed", sink=state.name, slot=state.slot)


def _by_groups(listed: Listed) -> bool:
    return any(one.groups for one in (listed.settings.include, *listed.settings.exclude))


async def _first(event: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()

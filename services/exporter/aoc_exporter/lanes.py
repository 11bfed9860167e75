"""The ways to the destinations of one sink: one for each destination, made when it is first needed.

Secrets and certificates are read when a destination is made. So it is looked every few seconds whether the files that
it refers to are others than they were, and it is then made anew: tokens and certificates are renewed without a restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs
from aoc_exporter.delivery.breaker import Breaker
from aoc_exporter.delivery.lane import Lane
from aoc_exporter.delivery.pace import Pace
from aoc_exporter.destinations import make, referred_to, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_common.clock import Clock
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome
    from aoc_exporter.settings import ExportSettings

_log = logs.get(__name__)


#: A destination that owes an answer for so long, and for so many times as long as it usually takes, is stuck. Seconds.
_STUCK_S: Final = 4.0
_USUAL_TIMES: Final = 4.0
#: Of one that has not answered yet.
_FIRST_S: Final = 8.0
#: How often it is looked whether files are others than they were. Seconds.
_REREAD_S: Final = 5.0


class Way:
    """A destination and the lane to it; knows since when an answer is owed.

    `files`: it was made of these. `labels`: what is said there of each entry takes room, too.
    """

    def __init__(
        self,
        sink: Sink,
        allowed: ExportSettings,
        clock: Clock,
        files: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.files = files
        self.idempotent = sink.idempotent
        self.entry_bytes = max(1, sink.limits.entry_bytes - _room_of(labels or {}))
        self._breaker = Breaker(clock)
        self._current = _Current(sink, self)
        self.lane = Lane(self._current, Pace(clock, allowed.requests), self._breaker, clock)
        self.close = self._current.close
        self.clock = clock
        self._requests = 0
        self._began: dict[int, float] = {}
        self._usual_s: float | None = None

    @property
    def sink(self) -> Sink:
        """By which it is reached now."""
        return self._current.sink

    @property
    def wait_s(self) -> float:
        """Seconds for which the destination is left alone."""
        return self._breaker.wait_s()

    @property
    def stuck(self) -> bool:
        """Whether it has owed an answer for too long."""
        if not self._began:
            return False
        patience = _FIRST_S if self._usual_s is None else max(_STUCK_S, _USUAL_TIMES * self._usual_s)
        return self.clock.monotonic() - min(self._began.values()) > patience

    async def renew(self, sink: Sink, files: str) -> None:
        """Send by this one from now on: it is the same destination by other secrets, and asked at once."""
        self.files = files
        self._breaker.succeeded()
        await self._current.renew(sink)

    @contextmanager
    def owing(self) -> Iterator[None]:
        """An answer is owed."""
        self._requests += 1
        number = self._requests
        self._began[number] = self.clock.monotonic()
        try:
            yield
        finally:
            del self._began[number]

    def answered(self, took_s: float) -> None:
        """It has taken a batch in so many seconds."""
        self._usual_s = took_s if self._usual_s is None else max(took_s, 0.9 * self._usual_s)


class _Current:
    """The sink by which a destination is reached now; tells its way how long it takes."""

    def __init__(self, sink: Sink, way: Way) -> None:
        self.sink = sink
        self._way = way
        #: Sinks by which something is under way.
        self._used: Counter[Sink] = Counter()
        self.idempotent = sink.idempotent
        self.limits = sink.limits

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says."""
        sink, began = self.sink, self._way.clock.monotonic()
        self._used[sink] += 1
        try:
            with self._way.owing():
                outcomes = await sink.send(items)
        finally:
            self._used[sink] -= 1
            await self._leave(sink)
        self._way.answered(self._way.clock.monotonic() - began)
        return outcomes

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return self.sink.framed(items)

    async def close(self) -> None:
        """As the port says."""
        await self.sink.close()

    async def renew(self, sink: Sink) -> None:
        """Send by this one from now on. What is under way comes to its end by the old one."""
        before, self.sink = self.sink, sink
        await self._leave(before)

    async def _leave(self, sink: Sink) -> None:
        if sink is self.sink or self._used[sink]:
            return
        del self._used[sink]
        try:
            await sink.close()
        except (OSError, RuntimeError) as error:  # what it has sent is settled
            _log.warning("destination.left", error=type(error).__name__)


@dataclass(slots=True)
class _Made:
    """A way that is made, or about to be. `tenant`: one of those that it is for."""

    tenant: str
    task: asyncio.Task[Way]


class Lanes:
    """Tenant -> its way. Tenants whose options are the same share one."""

    def __init__(self, sink: SinkSettings, allowed: ExportSettings, clock: Clock) -> None:
        self._settings = sink
        self._allowed = allowed
        self._clock = clock
        self._targets: dict[str, str] = {}
        self._apart = bool(sink.per_tenant) or "{tenant}" in target_of(sink, "{tenant}")
        self._ways: dict[str, _Made] = {}
        self._reread_at = clock.monotonic() + _REREAD_S

    @property
    def several(self) -> bool:
        """Whether tenants have destinations of their own, also of those that nothing came of yet."""
        return self._apart or len(self._ways) > 1

    async def of(self, tenant: str) -> Way:
        """The way for a tenant's entries. Raises `BadConfiguration`; the next call tries again."""
        target = self._targets.get(tenant)
        if target is None:
            target = self._targets[tenant] = target_of(self._settings, tenant)
        if (made := self._ways.get(target)) is None:
            made = self._ways[target] = _Made(tenant, asyncio.create_task(self._made(tenant)))
        try:
            return await asyncio.shield(made.task)
        except Exception:
            if self._ways.get(target) is made and made.task.done():
                del self._ways[target]
            raise

    async def reread(self) -> None:
        """Make anew what refers to files that have changed, if it is time to look. Never raises for a file."""
        if self._clock.monotonic() < self._reread_at:
            return
        self._reread_at = self._clock.monotonic() + _REREAD_S
        for made in [one for one in self._ways.values() if _is_there(one.task)]:
            way = made.task.result()
            try:
                if await asyncio.to_thread(self._files, made.tenant) == way.files:
                    continue
                files, sink = await asyncio.to_thread(self._read, made.tenant, way.sink)
            except BadConfiguration as error:
                # Half written, or gone for a moment: what was read before may do still.
                _log.warning("destination.unreadable", sink=self._settings.name, error=str(error))
                continue
            await way.renew(sink, files)
            _log.info("destination.renewed", sink=self._settings.name, tenant=made.tenant)

    async def close(self) -> None:
        """Let go of all destinations."""
        tasks, self._ways = [made.task for made in self._ways.values()], {}
        for task in tasks:
            task.cancel()  # of no effect on those that are made
        made = [way for way in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(way, Way)]
        for error in await asyncio.gather(*(way.close() for way in made), return_exceptions=True):
            if error is not None:
                _log.warning("destination.left", sink=self._settings.name, error=type(error).__name__)

    async def _made(self, tenant: str) -> Way:
        files, sink = await asyncio.to_thread(self._read, tenant)
        return Way(sink, self._allowed, self._clock, files, self._settings.labels)

    def _read(self, tenant: str, before: Sink | None = None) -> tuple[str, Sink]:
        files = self._files(tenant)  # first: what changes in between is read once more than needed
        return files, make(self._settings, tenant, self._allowed, self._clock, before)

    def _files(self, tenant: str) -> str:
        return referred_to(self._settings, tenant, self._allowed)


def _room_of(labels: Mapping[str, str]) -> int:
    """Bytes that labels take beside an entry, at most: each with what stands around it, and characters escaped."""
    return sum(len(name) + 2 * len(text.encode()) + 16 for name, text in labels.items())


def _is_there(task: asyncio.Task[Way]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None

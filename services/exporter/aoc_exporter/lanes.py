"""The ways to the destinations of one sink: one for each destination, made when it is first needed."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aoc_common.telemetry import logs
from aoc_exporter.delivery.breaker import Breaker
from aoc_exporter.delivery.lane import Lane
from aoc_exporter.delivery.pace import Pace
from aoc_exporter.destinations import make, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


class Way:
    """A destination and the lane to it; knows since when an answer is owed."""

    def __init__(self, sink: Sink, allowed: ExportSettings, clock: Clock) -> None:
        self.idempotent = sink.idempotent
        self.entry_bytes = sink.limits.entry_bytes
        self._breaker = Breaker(clock)
        self.lane = Lane(_Timed(sink, self), Pace(clock, allowed.requests), self._breaker, clock)
        self.close = sink.close
        self.clock = clock
        self._requests = 0
        self._began: dict[int, float] = {}
        self._usual_s: float | None = None

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


class _Timed:
    """A sink that tells its way how long it takes."""

    def __init__(self, sink: Sink, way: Way) -> None:
        self._sink = sink
        self._way = way
        self.idempotent = sink.idempotent
        self.limits = sink.limits

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says."""
        began = self._way.clock.monotonic()
        with self._way.owing():
            outcomes = await self._sink.send(items)
        self._way.answered(self._way.clock.monotonic() - began)
        return outcomes

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return self._sink.framed(items)

    async def close(self) -> None:
        """As the port says."""
        await self._sink.close()


class Lanes:
    """Tenant -> its way. Tenants whose options are the same share one."""

    def __init__(self, sink: SinkSettings, allowed: ExportSettings, clock: Clock) -> None:
        self._settings = sink
        self._allowed = allowed
        self._clock = clock
        self._targets: dict[str, str] = {}
        self._ways: dict[str, asyncio.Task[Way]] = {}

    @property
    def several(self) -> bool:
        """Whether tenants have destinations of their own."""
        return len(self._ways) > 1

    async def of(self, tenant: str) -> Way:
        """The way for a tenant's entries. Raises `BadConfiguration`; the next call tries again."""
        target = self._targets.get(tenant)
        if target is None:
            target = self._targets[tenant] = target_of(self._settings, tenant)
        if (task := self._ways.get(target)) is None:
            task = self._ways[target] = asyncio.create_task(self._made(tenant))
        try:
            return await asyncio.shield(task)
        except Exception:
            if self._ways.get(target) is task and task.done():
                del self._ways[target]
            raise

    async def close(self) -> None:
        """Let go of all destinations."""
        tasks, self._ways = list(self._ways.values()), {}
        for task in tasks:
            task.cancel()  # of no effect on those that are made
        made = [way for way in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(way, Way)]
        for error in await asyncio.gather(*(way.close() for way in made), return_exceptions=True):
            if error is not None:
                _log.warning("destination.left", sink=self._settings.name, error=type(error).__name__)

    async def _made(self, tenant: str) -> Way:
        sink = await asyncio.to_thread(make, self._settings, tenant, self._allowed, self._clock)
        return Way(sink, self._allowed, self._clock)

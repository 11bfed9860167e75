"""Looks again and again who stands still (`standstill`), so that asking costs nothing, however many ask.

A look that finds something is believed when a later one finds the same: a message that has just arrived, or a beat that
a bus which was restarted has not got yet, is no standstill.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError
from aoc_common.service.standstill import Assessment, Life, assess
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from aoc_common.bus.lag import BusState
    from aoc_common.clock import Clock
    from aoc_common.service.standstill import Standstill

_log = logs.get(__name__)

_EVERY_S: Final = 2.0
#: The same until the first look: whoever asks meanwhile is told that nobody knows.
_SOON_S: Final = 0.2
#: Seconds between the first look that finds something and the one that is believed.
SURE_S: Final = 5.0
#: A look that is older than this says nothing of the present.
_STALE_S: Final = 15.0
_TOLD: Final = 3

type LookOnce = Callable[[], Awaitable[BusState]]
"""One look at the bus. Raises `Transient` when that is not possible."""


async def confirmed_standstills(look: LookOnce, clock: Clock) -> Assessment:
    """What stands still, by one look, or by two where the first finds something. Raises `Transient`."""
    first = assess(await look())
    if not first.standstills:
        return first
    await clock.sleep(SURE_S)
    second = assess(await look())
    known = {one.who for one in first.standstills}
    return Assessment(second.at, second.services, tuple(one for one in second.standstills if one.who in known))


class StandstillMonitor:
    """The last look, and since when each finding is found."""

    def __init__(self, look: LookOnce, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._found: dict[str, float] = {}
        self._sure: tuple[Standstill, ...] = ()
        self._looked_at: float | None = None
        self._trouble = "nobody has looked yet"
        metrics.MONITOR.export()

    def pause_s(self) -> float:
        """Seconds until the next look."""
        return _EVERY_S if self._looked_at else _SOON_S

    async def look(self) -> None:
        """Look once."""
        try:
            found = assess(await self._look())
        except AocError as error:
            self._trouble = str(error)
            metrics.LOOK_FAILED.set(1)
            return
        now = self._clock.monotonic()
        self._trouble, self._looked_at = "", now
        self._found = {one.who: self._found.get(one.who, now) for one in found.standstills}
        sure = tuple(one for one in found.standstills if now - self._found[one.who] >= SURE_S)
        self._tell(sure)
        self._sure = sure
        _measure(found, sure)

    def standstills(self) -> tuple[Standstill, ...] | str:
        """Who stands still; in words why that is not known, where it is not."""
        if self._looked_at is None or self._clock.monotonic() - self._looked_at > _STALE_S:
            return self._trouble or "no look came to its end"
        return self._sure

    async def probe(self) -> str | None:
        """Who stands still, in words; None when nobody does."""
        found = self.standstills()
        if isinstance(found, str):
            return f"not known: {found}"
        more = f" (and {len(found) - _TOLD} more)" if len(found) > _TOLD else ""
        return ". ".join(one.message for one in found[:_TOLD]) + more if found else None

    def _tell(self, sure: tuple[Standstill, ...]) -> None:
        before, now = {one.who for one in self._sure}, {one.who for one in sure}
        for one in sure:
            if one.who not in before:
                _log.error("service.stands_still", who=one.who, since=str(one.since), why=one.message, hint=one.fix)
        for who in sorted(before - now):
            _log.info("service.moves_again", who=who)


def _measure(found: Assessment, sure: tuple[Standstill, ...]) -> None:
    metrics.LOOK_FAILED.set(0)
    oldest: dict[str, float] = {}
    for service in found.services:
        for life in (Life.RUNNING, Life.SILENT):
            alike = sum(one.life is life for one in service.instances)
            metrics.SERVICE_INSTANCES.labels(service.name, life.value).set(alike)
        since = [one.since for one in sure if one.service == service.name and one.since]
        seconds = (found.at - min(since)).total_seconds() if since else 0
        metrics.SERVICE_STILL_SECONDS.labels(service.name).set(seconds)
        for lag in service.lags:
            metrics.BUS_WAITING.labels(lag.durable).set(lag.waiting)
            metrics.BUS_IN_WORK.labels(lag.durable).set(lag.in_work)
            metrics.BUS_REDELIVERED.labels(lag.durable).set(lag.redelivered)
            oldest[lag.stream] = (found.at - lag.oldest).total_seconds() if lag.oldest else 0.0
    for stream, age in oldest.items():
        metrics.BUS_OLDEST_SECONDS.labels(stream).set(age)

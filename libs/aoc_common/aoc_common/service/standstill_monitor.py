"""Watches for standstills (`standstill`) in the background, so that a request for the result costs nothing.

A standstill is confirmed when a later snapshot of the bus shows it too: a message that has just arrived, or a heartbeat
that a restarted bus has not received yet, is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError
from aoc_common.service.standstill import Assessment, InstanceState, assess
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from aoc_common.bus.lag import BusState
    from aoc_common.clock import Clock
    from aoc_common.service.standstill import Standstill

_log = logs.get(__name__)

_EVERY_S: Final = 2.0
#: The same until the first look: whoever asks meanwhile is told that nobody knows.
_FIRST_LOOK_S: Final = 0.2
#: Seconds between the first look that finds something and the one that is believed.
SURE_S: Final = 5.0
#: A look that is older than this says nothing of the present.
_STALE_S: Final = 15.0
_SHOWN: Final = 3

type LookOnce = Callable[[], Awaitable[BusState]]
"""One look at the bus. Raises `Transient` when that is not possible."""


async def confirmed_standstills(look: LookOnce, clock: Clock) -> Assessment:
    """What stands still, by one look, or by two where the first finds something. Raises `Transient`."""
    first = assess(await look())
    if not first.standstills:
        return first
    await clock.sleep(SURE_S)
    second = assess(await look())
    known = {standstill.who for standstill in first.standstills}
    return Assessment(
        second.at, second.services, tuple(standstill for standstill in second.standstills if standstill.who in known)
    )


class StandstillMonitor:
    """The last snapshot's standstills, and since when each has been seen."""

    def __init__(self, look: LookOnce, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._since: dict[str, float] = {}
        self._sure: tuple[Standstill, ...] = ()
        self._looked_at: float | None = None
        self._trouble = "nobody has looked yet"
        metrics.MONITOR.export()

    def pause_s(self) -> float:
        """Seconds until the next look."""
        return _EVERY_S if self._looked_at else _FIRST_LOOK_S

    async def look(self) -> None:
        """Look once."""
        try:
            assessment = assess(await self._look())
        except AocError as error:
            self._trouble = str(error)
            metrics.LOOK_FAILED.set(1)
            return
        now = self._clock.monotonic()
        self._trouble, self._looked_at = "", now
        self._since = {standstill.who: self._since.get(standstill.who, now) for standstill in assessment.standstills}
        sure = tuple(standstill for standstill in assessment.standstills if now - self._since[standstill.who] >= SURE_S)
        self._report(sure)
        self._sure = sure
        _measure(assessment, sure)

    def standstills(self) -> tuple[Standstill, ...] | str:
        """Who stands still; in words why that is not known, where it is not."""
        if self._looked_at is None or self._clock.monotonic() - self._looked_at > _STALE_S:
            return self._trouble or "no look came to its end"
        return self._sure

    async def probe(self) -> str | None:
        """Who stands still, in words; None when nobody does."""
        confirmed = self.standstills()
        if isinstance(confirmed, str):
            return f"not known: {confirmed}"
        more = f" (and {len(confirmed) - _SHOWN} more)" if len(confirmed) > _SHOWN else ""
        return ". ".join(standstill.message for standstill in confirmed[:_SHOWN]) + more if confirmed else None

    def _report(self, sure: tuple[Standstill, ...]) -> None:
        before, now = {standstill.who for standstill in self._sure}, {standstill.who for standstill in sure}
        for standstill in sure:
            if standstill.who not in before:
                _log.error(
                    "service.stands_still",
                    who=standstill.who,
                    since=str(standstill.since),
                    why=standstill.message,
                    hint=standstill.fix,
                )
        for who in sorted(before - now):
            _log.info("service.moves_again", who=who)


def _measure(assessment: Assessment, sure: tuple[Standstill, ...]) -> None:
    metrics.LOOK_FAILED.set(0)
    oldest: dict[str, float] = {}
    for service in assessment.services:
        for life in (InstanceState.RUNNING, InstanceState.SILENT):
            alike = sum(instance.life is life for instance in service.instances)
            metrics.SERVICE_INSTANCES.labels(service.name, life.value).set(alike)
        since = [standstill.since for standstill in sure if standstill.service == service.name and standstill.since]
        seconds = (assessment.at - min(since)).total_seconds() if since else 0
        metrics.SERVICE_STILL_SECONDS.labels(service.name).set(seconds)
        for lag in service.lags:
            metrics.BUS_WAITING.labels(lag.durable).set(lag.waiting)
            metrics.BUS_IN_WORK.labels(lag.durable).set(lag.in_work)
            metrics.BUS_REDELIVERED.labels(lag.durable).set(lag.redelivered)
            if lag.work_queue:
                oldest[lag.stream] = (assessment.at - lag.oldest).total_seconds() if lag.oldest else 0.0
    for stream, age in oldest.items():
        metrics.BUS_OLDEST_SECONDS.labels(stream).set(age)

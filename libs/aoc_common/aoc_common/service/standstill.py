"""Who stands still, and since when: assess by what waits on the bus and by the heartbeats of services. Pure.

- An instance whose beat is old is silent: stopped, blocked, or gone. One that left on purpose, or after which another
  one started in its place, is no trouble.
- A batch in which nothing has moved for long, and a consumer at which everything fails for long, stand still though the
  process is alive. (What fails at a source of Microsoft's, the source's own health tells.)
- Work that waits while nobody runs who could do it, or nobody takes it, stands still.

What is idle is well, and so is a backlog of which something is settled. All times are the server's (`bus.lag`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.beats import SILENT_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aoc_common.bus.lag import BusState, ConsumerLag, LastBeat
    from aoc_common.contracts.beats import ConsumerWork

#: Seconds for which work may wait that nobody takes.
_UNTAKEN_S: Final = 15.0
#: Beats say how long an instance has run, not when it started: by so much the answers of the server may be apart.
_SLACK: Final = timedelta(seconds=0.2)
_LEFT_BEHIND: Final = "What it had in work comes again by itself, to whoever runs"


class InstanceState(StrEnum):
    """What is known of an instance."""

    RUNNING = "running"
    SILENT = "silent"
    REPLACED = "replaced"
    """Silent, and another one was started in its place."""
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of a service. `started`, `seen`: by the server's clock."""

    name: str
    version: str
    started: datetime
    seen: datetime
    life: InstanceState
    work: tuple[ConsumerWork, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service: its instances and what waits for it."""

    name: str
    instances: tuple[Instance, ...]
    lags: tuple[ConsumerLag, ...]

    @property
    def running(self) -> list[Instance]:
        """Those that are alive."""
        return [instance for instance in self.instances if instance.life is InstanceState.RUNNING]

    @property
    def lag(self) -> int:
        """Messages that wait or are in work."""
        return sum(lag.lag for lag in self.lags)

    @property
    def settled_at(self) -> datetime | None:
        """When a message was last settled, as far as the server remembers."""
        return max((lag.settled_at for lag in self.lags if lag.settled_at), default=None)

    @property
    def oldest(self) -> datetime | None:
        """From when the oldest message is that waits for this service, or for another one on the same stream."""
        return min((lag.oldest for lag in self.lags if lag.lag and lag.oldest), default=None)


@dataclass(frozen=True, slots=True)
class Standstill:
    """Somebody stands still.

    `who`: the service, and its instance or consumer. `since`: None when nobody knows. `said`: one sentence; `fix`: what
    to do.
    """

    service: str
    who: str
    since: datetime | None
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one look means."""

    at: datetime
    services: tuple[ServiceState, ...]
    standstills: tuple[Standstill, ...]


def assess(look: BusState) -> Assessment:
    """What a look means."""
    names = sorted({lag.service for lag in look.lags} | {beat.service for beat in look.seen})
    services = tuple(
        ServiceState(
            name,
            tuple(_instances([beat for beat in look.seen if beat.service == name], look.at)),
            tuple(lag for lag in look.lags if lag.service == name),
        )
        for name in names
    )
    still = [standstill for service in services for standstill in _of_service(service, look.at)]
    return Assessment(look.at, services, (*still, *_of_lacking(look)))


def _instances(seen: Sequence[LastBeat], now: datetime) -> Iterator[Instance]:
    """Each with its life. One that fell silent is replaced by one that started since: each replaces one."""
    free = sorted(last.at - timedelta(seconds=last.beat.running_s) for last in seen)
    for last in sorted(seen, key=lambda last: last.at):
        started = last.at - timedelta(seconds=last.beat.running_s)
        life = InstanceState.RUNNING
        if last.beat.leaving:
            life = InstanceState.LEFT
        elif (now - last.at).total_seconds() > SILENT_S:
            successor = next((other for other in free if other > max(last.at - _SLACK, started)), None)
            life = InstanceState.SILENT if successor is None else InstanceState.REPLACED
            if successor is not None:
                free.remove(successor)
        yield Instance(last.instance, last.beat.version, started, last.at, life, last.beat.work)


def _of_service(service: ServiceState, now: datetime) -> Iterator[Standstill]:
    silent = [instance for instance in service.instances if instance.life is InstanceState.SILENT]
    for instance in silent:
        yield _silent(service, instance, now)
    if not service.running:
        if service.lag and not silent:
            yield from _deserted(service, now)
        return
    for lag in service.lags:
        yield from _of_consumer(service, lag, now)


def _silent(service: ServiceState, instance: Instance, now: datetime) -> Standstill:
    others = len(service.running)
    waits = f"; {service.lag:,} messages wait for it" if service.lag else ""
    beside = f"; {others} more of {service.name} run" if others else waits
    silent = _for(now - instance.seen)
    message = (
        f"{service.name} {instance.name} stands still since {_at(instance.seen)}: no sign of life for {silent}{beside}"
    )
    fix = (
        f"Look whether the process is stopped (kill -CONT), hangs, or is gone (start it again), and at its log. "
        f"{_LEFT_BEHIND}; one that was taken away for good is forgotten a day after its last sign"
    )
    return Standstill(service.name, f"{service.name} {instance.name}", instance.seen, message, fix)


def _deserted(service: ServiceState, now: datetime) -> Iterator[Standstill]:
    """Work waits, and nobody is known to run."""
    left_at = max(
        (instance.seen for instance in service.instances if instance.life is InstanceState.LEFT), default=None
    )
    if left_at is None and any(lag.asking for lag in service.lags):
        # A version that has no heartbeat asks for work.
        return
    moved = max(_moved(lag) for lag in service.lags if lag.lag)
    since = max(filter(None, (left_at, moved, service.oldest if left_at else None)))
    if (now - since).total_seconds() > _UNTAKEN_S:
        message = f"{service.name} stands still since {_at(since)}: {service.lag:,} messages wait, and none of it runs"
        yield Standstill(service.name, service.name, since, message, f"Start the {service.name}")


def _of_consumer(service: ServiceState, lag: ConsumerLag, now: datetime) -> Iterator[Standstill]:
    """What stands still at a consumer although the service is alive: the first of its causes."""
    work = [
        (instance.seen, what) for instance in service.running for what in instance.work if what.consumer == lag.durable
    ]
    if not lag.lag or not work:  # where nobody is set up to serve it, nobody stands still
        return
    who = f"{service.name}, consumer {lag.durable}"
    held = [(seen - timedelta(seconds=what.held_s), what.held) for seen, what in work if what.held and what.held_s]
    if held and (now - (since := min(held)[0])).total_seconds() > lag.still_after_s:
        message = (
            f"{who} stands still since {_at(since)}: {min(held)[1]:,} messages are in work, and nothing moves in them; "
            f"{lag.waiting:,} more wait"
        )
        yield Standstill(
            service.name, who, since, message, f"Look at the {service.name}'s log, and restart it. {_LEFT_BEHIND}"
        )
        return
    failing = [(seen - timedelta(seconds=what.failing_s), what.error) for seen, what in work if what.failing_s]
    fails = failing and len(failing) == len(work) and not lag.of_sources
    if fails and (now - (since := max(failing)[0])).total_seconds() > lag.still_after_s:
        message = f"{who} stands still since {_at(since)}: all of {lag.lag:,} messages fail ({max(failing)[1]})"
        yield Standstill(service.name, who, since, message, f"Mend what fails; see the {service.name}'s log")
        return
    since = _moved(lag)
    untaken = lag.waiting and not lag.in_work and not held
    if untaken and (now - since).total_seconds() > _UNTAKEN_S:
        why = "the consumer is paused" if lag.paused else "nobody takes them"
        message = f"{who} stands still since {_at(since)}: {lag.waiting:,} messages wait, and {why}"
        fix = "Run aoc provision: it ends the pause" if lag.paused else f"Restart the {service.name}; see its log"
        yield Standstill(service.name, who, since, message, fix)


def _of_lacking(look: BusState) -> Iterator[Standstill]:
    for name in look.missing:
        yield Standstill("", name, None, f"{name} is not there: what it is for stands still", "Run aoc provision")


def _moved(lag: ConsumerLag) -> datetime:
    """When a message was last given to somebody or settled, as far as the server remembers."""
    return max(filter(None, (lag.created, lag.taken_at, lag.settled_at)))


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _for(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 120:  # noqa: PLR2004  # two minutes
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"  # noqa: PLR2004  # two hours

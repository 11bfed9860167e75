"""The faults that strike a run: kills, pauses, outages, deletions and clock steps, in an order by the seed."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from aoc_cli.verify.account_deletion import delete_account
from aoc_cli.verify.fault_kinds import EVENTS_AGE_S
from aoc_common.contracts import subjects
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from aoc_cli.verify.bus_faults import BusFaults
    from aoc_cli.verify.clocks import Clocks
    from aoc_cli.verify.fault_kinds import Kind
    from aoc_cli.verify.process_control import ProcessControl

type Deed = Literal["kill -9", "pause", "down", "delete stream", "delete consumer", "delete account", "fill", "clock"]

#: Seconds between two strikes; seconds of a pause.
_CALM_S: Final = (0.5, 2.0)
_PAUSE_S: Final = (0.5, 4.0)
#: Longer than ack_wait: a message is redelivered to another replica, and then its first one continues.
_LONG_PAUSE_S: Final = 35.0
#: Longer than the duplicate window; than the bus holds events; than the first delay of a redelivery.
_FORGOTTEN_S: Final = (3.0, 6.0)
_EXPIRED_S: Final = EVENTS_AGE_S + 5.0
_RETRY_DELAY_S: Final = 35.0
_AWAY_S: Final = (0.5, 3.0)
_FILL_S: Final = 40.0
_DAY_S: Final = 24 * 3600.0
#: Victims that an outage strikes all together, and the bus.
_REPLICATED: Final = ("normalizer", "collector", "exporter", "alerter", "nats")
#: Services that read AOC_EVENTS.
_READERS: Final = ("exporter", "alerter")
#: Seconds. Strikes that need a busy pipeline wait for it at most this long.
_WORK_WAIT_S: Final = 20.0


class Strike(NamedTuple):
    """One fault: what happens to which victim, for how long; `step_s` of a clock."""

    deed: Deed
    victim: str
    seconds: float = 0.0
    step_s: float = 0.0

    @property
    def harmless(self) -> bool:
        """Whether every served state is still read: none ends before it can be stored."""
        return self.deed == "delete account" or (self.deed, self.victim) == ("delete stream", subjects.EVENTS_STREAM)

    def __str__(self) -> str:
        step = f" {self.step_s:+,.0f} s" if self.step_s else ""
        return f"{self.deed} {self.victim}{step}" + (f" for {self.seconds:.1f} s" if self.seconds else "")


def plan(
    victims: Sequence[str], seed: int, rounds: int, kinds: Collection[Kind] = (), *, all_: bool = True
) -> list[Strike]:
    """Each round has the strikes of each kind of fault, in an order by the seed.

    `all_`: each round also kills every victim once and pauses it once; from the second round on a normalizer is paused
    for longer than ack_wait, and an alerter, where there is one.
    """
    rng, other = Random(f"chaos:{seed}"), Random(f"kinds:{seed}")
    strikes: list[Strike] = []
    for number in range(rounds):
        part: list[Strike] = []
        if all_:
            part += [Strike("kill -9", victim) for victim in victims]
            part += [Strike("pause", victim, rng.uniform(*_PAUSE_S)) for victim in victims]
            if number:
                part += [
                    Strike("pause", rng.choice([victim for victim in victims if name in victim]), _LONG_PAUSE_S)
                    for name in ("normalizer", "alerter")
                    if _runs(name, victims)
                ]
        part += [strike for kind in sorted(kinds) for strike in _of(kind, victims, other)]
        rng.shuffle(part)
        strikes += part
    return strikes


def _runs(service: str, victims: Sequence[str]) -> bool:
    """Whether a service is among these processes."""
    return any(victim.startswith(service) for victim in victims)


def _of(kind: Kind, victims: Sequence[str], rng: Random) -> Iterator[Strike]:
    """The strikes of a kind of fault in a round; none when the simulator injects it."""
    match kind:
        case "windows":
            servers = [victim for victim in victims if not victim.startswith(_REPLICATED)]
            yield Strike("down", "normalizer*", rng.uniform(*_FORGOTTEN_S))
            yield Strike("down", "normalizer*", _EXPIRED_S)
            yield Strike("down", "collector*", rng.uniform(*_FORGOTTEN_S))
            yield Strike("down", "nats-server", rng.uniform(*_FORGOTTEN_S))
            yield from (Strike("down", victim, _RETRY_DELAY_S) for victim in servers)
            yield from (Strike("down", f"{name}*", _EXPIRED_S) for name in _READERS if _runs(name, victims))
        case "streams":
            of_alerts = (subjects.ALERTS_STREAM,) if _runs("alerter", victims) else ()
            of_sinks = (subjects.AUDIT_STREAM,) if _runs("exporter", victims) else ()
            for name in (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.JOBS_STREAM, *of_alerts, *of_sinks):
                yield Strike("delete stream", name, rng.uniform(*_AWAY_S))
        case "deletions":
            yield Strike("delete stream", subjects.EVENTS_STREAM, rng.uniform(*_AWAY_S))
            yield from (Strike("delete account", tenant.slug) for tenant in DEFAULT_TENANTS)
        case "consumers":
            of_alerter = (subjects.EVENTS_STREAM, subjects.ALERTS_STREAM) if _runs("alerter", victims) else ()
            for name in (subjects.RAW_STREAM, subjects.JOBS_STREAM, *of_alerter):
                yield Strike("delete consumer", name)
        case "full":
            yield Strike("fill", subjects.RAW_STREAM, _FILL_S)
        case "clock":
            yield Strike("clock", "collector", rng.uniform(*_FORGOTTEN_S), 3 * _DAY_S)
            yield Strike("clock", "collector", rng.uniform(*_FORGOTTEN_S), -3600.0)
            yield Strike("clock", "normalizer", rng.uniform(*_FORGOTTEN_S), -_DAY_S)
            yield Strike("clock", "simulator", rng.uniform(*_FORGOTTEN_S), 3 * _DAY_S)
            if _runs("alerter", victims):
                yield Strike("clock", "alerter", rng.uniform(*_FORGOTTEN_S), 3 * _DAY_S)
                yield Strike("clock", "alerter", rng.uniform(*_FORGOTTEN_S), -_DAY_S)


@dataclass(slots=True)
class Chaos:
    """Carries a plan out. The supervisor of the children restarts what was killed.

    `busy`: set when the pipeline has work; strikes at streams and services wait for it.
    """

    processes: ProcessControl
    bus_faults: BusFaults
    clocks: Clocks
    strikes: Sequence[Strike]
    seed: int
    report: Callable[[str], None]
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[Strike] = field(default_factory=list)

    async def run(self) -> None:
        """Strike after strike; a long pause overlaps with the next ones."""
        rng = Random(f"calm:{self.seed}")
        if any(strike.deed not in {"kill -9", "pause"} for strike in self.strikes):
            await asyncio.wait([asyncio.create_task(self.busy.wait())], timeout=_WORK_WAIT_S)
        async with asyncio.TaskGroup() as beside:
            for strike in self.strikes:
                await asyncio.sleep(rng.uniform(*_CALM_S))
                self.report(str(strike))
                await self._strike(strike, beside)
                self.done.append(strike)

    async def _strike(self, strike: Strike, beside: asyncio.TaskGroup) -> None:
        deed, victim, seconds, step_s = strike
        match deed:
            case "kill -9" | "pause":
                child = self.processes.children[victim]
                while not child.alive():  # noqa: ASYNC110  # a process offers no event
                    # Still dead from the strike before: another one would prove nothing.
                    await asyncio.sleep(_CALM_S[0])
                if deed == "kill -9":
                    child.kill()
                elif seconds < _LONG_PAUSE_S:
                    await self.processes.pause(child, seconds)
                else:
                    beside.create_task(self.processes.pause(child, seconds))
            case "down":
                await self.processes.down(victim, seconds)
            case "delete stream" | "delete consumer" | "delete account":
                await self._delete(strike)
            case "fill":
                await self.bus_faults.fill(victim, seconds)
            case "clock":
                await self.clocks.step(victim, step_s, seconds)

    async def _delete(self, strike: Strike) -> None:
        if strike.deed == "delete stream":
            await self.bus_faults.delete_stream(strike.victim, strike.seconds)
        elif strike.deed == "delete consumer":
            await self.bus_faults.delete_consumer(strike.victim)
        else:
            await delete_account(self.clocks.simulator, strike.victim, self.seed + len(self.done))

    def counts(self) -> Counter[str]:
        """Deed -> how many were carried out."""
        return Counter(strike.deed for strike in self.done)

"""What strikes a run, and when: kills, pauses, outages, deletions and clocks, in an order of the seed's."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from aoc_cli.verify.accounts import delete_account
from aoc_cli.verify.kinds import EVENTS_AGE_S
from aoc_common.contracts import subjects
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from aoc_cli.verify.clocks import Clocks
    from aoc_cli.verify.grip import Grip
    from aoc_cli.verify.kinds import Kind
    from aoc_cli.verify.streams import Vandal

type Deed = Literal["kill -9", "pause", "down", "delete stream", "delete consumer", "delete account", "fill", "clock"]

#: Seconds between two strikes, and that a pause takes.
_CALM_S: Final = (0.5, 2.0)
_PAUSE_S: Final = (0.5, 4.0)
#: Longer than a message waits for its acknowledgement: it is given to another replica, and then its first one goes on.
_LONG_PAUSE_S: Final = 35.0
#: Longer than the bus remembers ids; than it keeps events; than a message that fails is put off at first.
_FORGOTTEN_S: Final = (3.0, 6.0)
_EXPIRED_S: Final = EVENTS_AGE_S + 5.0
_PUT_OFF_S: Final = 35.0
_AWAY_S: Final = (0.5, 3.0)
_FILL_S: Final = 40.0
_DAY_S: Final = 24 * 3600.0
#: Seconds. Strikes that need work to be under way wait for it for so long.
_UNDER_WAY_S: Final = 20.0


class Strike(NamedTuple):
    """What happens to whom, for how long; `step_s` of a clock."""

    deed: Deed
    victim: str
    seconds: float = 0.0
    step_s: float = 0.0

    @property
    def harmless(self) -> bool:
        """Whether all that is served is read all the same: nothing is over before it can be stored."""
        return self.deed == "delete account" or (self.deed, self.victim) == ("delete stream", subjects.EVENTS_STREAM)

    def __str__(self) -> str:
        step = f" {self.step_s:+,.0f} s" if self.step_s else ""
        return f"{self.deed} {self.victim}{step}" + (f" for {self.seconds:.1f} s" if self.seconds else "")


def plan(
    victims: Sequence[str], seed: int, rounds: int, kinds: Collection[Kind] = (), *, all_: bool = True
) -> list[Strike]:
    """Each round strikes as each kind of fault does, in an order of the seed's.

    `all_`: each round also kills every victim once and pauses it once; from the second round on one of them is paused
    for longer than a message waits.
    """
    rng, other = Random(f"chaos:{seed}"), Random(f"kinds:{seed}")
    strikes: list[Strike] = []
    for number in range(rounds):
        part: list[Strike] = []
        if all_:
            part += [Strike("kill -9", victim) for victim in victims]
            part += [Strike("pause", victim, rng.uniform(*_PAUSE_S)) for victim in victims]
            if number:
                part.append(Strike("pause", rng.choice([one for one in victims if "normalizer" in one]), _LONG_PAUSE_S))
        part += [strike for kind in sorted(kinds) for strike in _of(kind, victims, other)]
        rng.shuffle(part)
        strikes += part
    return strikes


def _of(kind: Kind, victims: Sequence[str], rng: Random) -> Iterator[Strike]:
    """What a kind of fault strikes in a round; nothing when it is the simulator's own."""
    match kind:
        case "windows":
            servers = [one for one in victims if not one.startswith(("normalizer", "collector", "nats"))]
            yield Strike("down", "normalizer*", rng.uniform(*_FORGOTTEN_S))
            yield Strike("down", "normalizer*", _EXPIRED_S)
            yield Strike("down", "collector*", rng.uniform(*_FORGOTTEN_S))
            yield Strike("down", "nats-server", rng.uniform(*_FORGOTTEN_S))
            yield from (Strike("down", one, _PUT_OFF_S) for one in servers)
        case "streams":
            for name in (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.JOBS_STREAM):
                yield Strike("delete stream", name, rng.uniform(*_AWAY_S))
        case "deletions":
            yield Strike("delete stream", subjects.EVENTS_STREAM, rng.uniform(*_AWAY_S))
            yield from (Strike("delete account", tenant.slug) for tenant in DEFAULT_TENANTS)
        case "consumers":
            for name in (subjects.RAW_STREAM, subjects.JOBS_STREAM):
                yield Strike("delete consumer", name)
        case "full":
            yield Strike("fill", subjects.RAW_STREAM, _FILL_S)
        case "clock":
            yield Strike("clock", "collector", rng.uniform(*_FORGOTTEN_S), 3 * _DAY_S)
            yield Strike("clock", "collector", rng.uniform(*_FORGOTTEN_S), -3600.0)
            yield Strike("clock", "normalizer", rng.uniform(*_FORGOTTEN_S), -_DAY_S)
            yield Strike("clock", "simulator", rng.uniform(*_FORGOTTEN_S), 3 * _DAY_S)


@dataclass(slots=True)
class Chaos:
    """Carries a plan out. Whoever supervises the children starts again what was killed.

    `under_way`: set when the pipeline has something to do, for which strikes at what lies in it wait.
    """

    grip: Grip
    vandal: Vandal
    clocks: Clocks
    strikes: Sequence[Strike]
    seed: int
    say: Callable[[str], None]
    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[Strike] = field(default_factory=list)

    async def run(self) -> None:
        """Strike after strike; a long pause goes on beside the next ones."""
        rng = Random(f"calm:{self.seed}")
        if any(strike.deed not in {"kill -9", "pause"} for strike in self.strikes):
            await asyncio.wait([asyncio.create_task(self.under_way.wait())], timeout=_UNDER_WAY_S)
        async with asyncio.TaskGroup() as beside:
            for strike in self.strikes:
                await asyncio.sleep(rng.uniform(*_CALM_S))
                self.say(str(strike))
                await self._strike(strike, beside)
                self.done.append(strike)

    async def _strike(self, strike: Strike, beside: asyncio.TaskGroup) -> None:
        deed, victim, seconds, step_s = strike
        match deed:
            case "kill -9" | "pause":
                child = self.grip.children[victim]
                while not child.alive():  # noqa: ASYNC110  # a process offers no event
                    # Dead still from the strike before: nothing to prove by another.
                    await asyncio.sleep(_CALM_S[0])
                if deed == "kill -9":
                    child.kill()
                elif seconds < _LONG_PAUSE_S:
                    await self.grip.pause(child, seconds)
                else:
                    beside.create_task(self.grip.pause(child, seconds))
            case "down":
                await self.grip.down(victim, seconds)
            case "delete stream" | "delete consumer" | "delete account":
                await self._delete(strike)
            case "fill":
                await self.vandal.fill(victim, seconds)
            case "clock":
                await self.clocks.step(victim, step_s, seconds)

    async def _delete(self, strike: Strike) -> None:
        if strike.deed == "delete stream":
            await self.vandal.delete_stream(strike.victim, strike.seconds)
        elif strike.deed == "delete consumer":
            await self.vandal.delete_consumer(strike.victim)
        else:
            await delete_account(self.clocks.simulator, strike.victim, self.seed + len(self.done))

    def counts(self) -> Counter[str]:
        """Deed -> how many were carried out."""
        return Counter(strike.deed for strike in self.done)

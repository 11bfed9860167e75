"""Kills and pauses, at random: services, the bus and the database, while they work."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_cli.local.process import Child

type Kind = Literal["kill -9", "pause"]

#: Seconds between two strikes, and that a pause takes.
_CALM_S: Final = (0.5, 2.0)
_PAUSE_S: Final = (0.5, 4.0)
#: Longer than a message waits for its acknowledgement: it is given to another replica, and then its first one goes on.
_LONG_PAUSE_S: Final = 35.0


class Strike(NamedTuple):
    """What happens to whom; `seconds` for a pause."""

    kind: Kind
    victim: str
    seconds: float = 0.0


def plan(victims: list[str], seed: int, rounds: int) -> list[Strike]:
    """Each round kills every victim once and pauses it once, in an order of the seed's.

    From the second round on one of them is paused for longer than a message waits.
    """
    rng = Random(f"chaos:{seed}")
    strikes: list[Strike] = []
    for number in range(rounds):
        part = [Strike("kill -9", victim) for victim in victims]
        part += [Strike("pause", victim, rng.uniform(*_PAUSE_S)) for victim in victims]
        if number:
            part.append(Strike("pause", rng.choice([one for one in victims if "normalizer" in one]), _LONG_PAUSE_S))
        rng.shuffle(part)
        strikes += part
    return strikes


@dataclass(slots=True)
class Chaos:
    """Carries a plan out. Whoever supervises the children starts again what was killed."""

    children: Mapping[str, Child]
    strikes: list[Strike]
    seed: int
    say: Callable[[str], None]
    done: list[Strike] = field(default_factory=list)

    async def run(self) -> None:
        """Strike after strike; a long pause goes on beside the next ones."""
        rng = Random(f"calm:{self.seed}")
        async with asyncio.TaskGroup() as pauses:
            for strike in self.strikes:
                await asyncio.sleep(rng.uniform(*_CALM_S))
                child = self.children[strike.victim]
                while not child.alive():  # noqa: ASYNC110  # a process offers no event
                    # Dead still from the strike before: nothing to prove by another.
                    await asyncio.sleep(_CALM_S[0])
                self.say(f"{strike.kind} {strike.victim}")
                if strike.kind == "kill -9":
                    child.kill()
                else:
                    task = pauses.create_task(_pause(child, strike.seconds))
                    if strike.seconds < _LONG_PAUSE_S:
                        await task
                self.done.append(strike)

    def count(self, kind: Kind) -> int:
        """How many of a kind were carried out."""
        return sum(strike.kind == kind for strike in self.done)


async def _pause(child: Child, seconds: float) -> None:
    pid = child.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        # Killed meanwhile, it is another process by now.
        if child.alive() and child.pid == pid:
            os.kill(pid, signal.SIGCONT)

"""Receivers of the simulator on real ports, and the sinks that send to them."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from aoc_common.outbound.web import HttpOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Accepted, Refused, Retry
from listening import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.routing import BaseRoute

    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item

LOOPBACK = ("127.0.0.0/8",)
LOCAL = HttpOptions(timeout_s=5, allowed_networks=LOOPBACK)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def serving(routes: Sequence[BaseRoute]) -> AsyncIterator[str]:
    """Serve these routes on loopback; gives their address."""
    async with listening(Starlette(routes=list(routes))) as where:
        yield where


class Account:
    """What a sink says of what it sent, as the exporter keeps it.

    - `accepted`, `refused`: keys, the latter with the destination's words.
    - `repeats`: sendings that may have been, or were, a repeat; `rounds`: how often what was left was sent.
    """

    def __init__(self) -> None:
        self.accepted: set[str] = set()
        self.refused: dict[str, str] = {}
        self.repeats: Counter[str] = Counter()
        self.rounds = 0
        self.words: list[str] = []

    async def send(self, sink: Sink, items: Sequence[Item], rounds: int = 40) -> None:
        """Send until every item is accepted or refused."""
        left = list(items)
        unknown: Counter[str] = Counter()
        while left:
            self.rounds += 1
            assert self.rounds <= rounds, self.words[-3:]
            outcomes = await deliver(sink, left)
            again = []
            for item, outcome in zip(left, outcomes, strict=True):
                match outcome:
                    case Accepted(repeats):
                        self.accepted.add(item.key)
                        self.repeats[item.key] += repeats + unknown[item.key]
                    case Refused(words):
                        self.refused[item.key] = words
                    case Retry(words, _, maybe_taken):
                        unknown[item.key] += maybe_taken
                        self.words.append(words)
                        again.append(item)
            left = again


class Tokens:
    """Access tokens, in their order."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def token(self, *, renewed: bool = False) -> str:
        """The present one, or the next."""
        if renewed and len(self._tokens) > 1:
            self._tokens.pop(0)
        return self._tokens[0]


def texts(data: dict[str, Any]) -> str:
    """Everything that a receiver took, as text."""
    return "\n".join(map(str, data.values()))

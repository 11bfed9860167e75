"""The way to one destination: its pace, its breaker, and batches within its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_exporter.delivery.deliver import REFUSES_EVERYTHING, deliver
from aoc_exporter.delivery.port import batches
from aoc_exporter.outcome import Accepted, Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock
    from aoc_exporter.delivery.breaker import Breaker
    from aoc_exporter.delivery.pace import Pace
    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

#: How long a call waits for a destination that is left alone before it gives the items back. Seconds.
_PATIENCE_S: Final = 5.0
#: A destination that took something within so many seconds means what it refuses. So does one that has refused
#: everything so often: what is left may be nothing else.
_LATELY_S: Final = 300.0
_OFTEN: Final = 10


class Lane:
    """Sends what it is given at the pace that the destination takes. Calls may overlap."""

    def __init__(self, sink: Sink, pace: Pace, breaker: Breaker, clock: Clock) -> None:
        self._sink = sink
        self._pace = pace
        self._breaker = breaker
        self._clock = clock
        self._accepted_at = float("-inf")
        self._in_vain = 0

    async def send(self, items: Sequence[Item]) -> list[Outcome]:
        """An outcome for each item, in their order. Returns within seconds while the destination is away."""
        outcomes: list[Outcome] = []
        for batch in batches(items, self._sink.limits):
            outcomes += await self._one(batch)
        return outcomes

    async def _one(self, batch: Sequence[Item]) -> list[Outcome]:
        async with self._pace.place():
            if not await self._let_in():
                return [Retry("the destination is left alone for a while", self._breaker.wait_s())] * len(batch)
            began = self._clock.monotonic()
            try:
                outcomes = await deliver(self._sink, batch, believed=self._believed())
            except BaseException:
                self._breaker.left()
                raise
            self._note(outcomes)
            # Refusals of single items, or of where they go, say nothing against the destination; what comes again does.
            put_off = [outcome for outcome in outcomes if isinstance(outcome, Retry) and not outcome.own]
            self._pace.went(began, well=not put_off)
            if put_off and not any(_answered(outcome) for outcome in outcomes):
                self._breaker.failed(max((outcome.after_s or 0.0 for outcome in put_off), default=None))
            else:
                self._breaker.succeeded()
            return outcomes

    def _believed(self) -> bool:
        return self._clock.monotonic() - self._accepted_at <= _LATELY_S or self._in_vain >= _OFTEN

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        if any(isinstance(outcome, Accepted) for outcome in outcomes):
            self._accepted_at, self._in_vain = self._clock.monotonic(), 0
        elif any(isinstance(outcome, Retry) and outcome.words.startswith(REFUSES_EVERYTHING) for outcome in outcomes):
            self._in_vain += 1

    async def _let_in(self) -> bool:
        waited = 0.0
        while not self._breaker.enter():
            pause = self._breaker.wait_s()
            if waited + pause > _PATIENCE_S:
                return False
            await self._clock.sleep(pause)
            waited += pause
        return True


def _answered(outcome: Outcome) -> bool:
    """Whether the destination has decided."""
    return not isinstance(outcome, Retry) or outcome.own

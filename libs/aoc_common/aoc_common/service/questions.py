"""Questions to a service: a job on the bus, and the answer in the store, waited for within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.clock import Clock
    from aoc_common.store.sink_answers import SinkAnswerStore

#: A service answers within 20 s.
PATIENCE_S: Final = 25.0
_LOOK_S: Final = 0.1


class _Ticketed(Protocol):
    """A job whose answer is stored under a ticket."""

    @property
    def ticket(self) -> str: ...


class Questions[J: _Ticketed]:
    """Asks a service. `publish`: puts a job on the bus. `who`: is asked, as people say: "exporter"."""

    def __init__(
        self,
        publish: Callable[[J], Awaitable[object]],
        answers: SinkAnswerStore,
        clock: Clock,
        who: str,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._publish = publish
        self._answers = answers
        self._clock = clock
        self._who = who
        self._patience_s = patience_s

    async def asked(self, job: J) -> Mapping[str, Any]:
        """The answer. Raises `BadConfiguration` for what cannot be done, `Unreachable` when nobody answers in time."""
        ends = self._clock.monotonic() + self._patience_s
        await self._publish(job)
        while (answer := await self._answers.answered(job.ticket)) is None:
            if self._clock.monotonic() >= ends:
                raise Unreachable(f"no {self._who} has answered within {self._patience_s:g} s")
            await self._clock.sleep(_LOOK_S)
        if "error" in answer:
            raise BadConfiguration(str(answer["error"]))
        return answer

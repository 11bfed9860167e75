"""Questions to exporters about sinks: a job on the bus, and the answer in the store, waited for within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from aoc_common.contracts.jobs import SinkJob
from aoc_common.errors import BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.clock import Clock
    from aoc_common.store.sink_answers import SinkAnswerStore

#: An exporter answers within 20 s.
PATIENCE_S: Final = 25.0
_LOOK_S: Final = 0.1


class SinkQuestions:
    """Asks exporters. `publish`: puts a job on the bus."""

    def __init__(
        self,
        publish: Callable[[SinkJob], Awaitable[object]],
        answers: SinkAnswerStore,
        clock: Clock,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._publish = publish
        self._answers = answers
        self._clock = clock
        self._patience_s = patience_s

    async def ask(self, what: str, sink: str, **more: Any) -> Mapping[str, Any]:
        """The answer. Raises `BadConfiguration` for what cannot be done, `Unreachable` when nobody answers in time."""
        job = SinkJob.model_validate({"what": what, "sink": sink, "ticket": uuid4().hex, **more})
        ends = self._clock.monotonic() + self._patience_s
        await self._publish(job)
        while (answer := await self._answers.answered(job.ticket)) is None:
            if self._clock.monotonic() >= ends:
                raise Unreachable(f"no exporter has answered within {self._patience_s:g} s")
            await self._clock.sleep(_LOOK_S)
        if "error" in answer:
            raise BadConfiguration(str(answer["error"]))
        return answer

"""Questions to exporters about sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aoc_common.contracts.jobs import SinkJob
from aoc_common.service.questions import PATIENCE_S, Questions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.clock import Clock
    from aoc_common.store.sink_answers import SinkAnswerStore


class SinkQuestions(Questions[SinkJob]):
    """Asks exporters. `publish`: puts a job on the bus."""

    def __init__(
        self,
        publish: Callable[[SinkJob], Awaitable[object]],
        answers: SinkAnswerStore,
        clock: Clock,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(publish, answers, clock, "exporter", patience_s)

    async def ask(self, what: str, sink: str, **more: Any) -> Mapping[str, Any]:
        """The answer. Raises as `asked`."""
        return await self.asked(SinkJob.model_validate({"what": what, "sink": sink, "ticket": uuid4().hex, **more}))

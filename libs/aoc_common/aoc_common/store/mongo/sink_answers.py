"""The answers of exporters about sinks, in `sink_answers`, for a quarter of an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.clock import Clock

_KEPT: Final = timedelta(minutes=15)


class MongoSinkAnswers:
    """`SinkAnswerStore` over `sink_answers`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._answers = database["sink_answers"]
        self._clock = clock

    async def answer(self, ticket: str, answer: Mapping[str, Any]) -> None:
        """Store an answer."""
        document = {"answer": dict(answer), "expire_at": self._clock.now() + _KEPT}
        with translated("sink answers"):
            await self._answers.update_one({"_id": ticket}, {"$set": document}, upsert=True)

    async def answered(self, ticket: str) -> Mapping[str, Any] | None:
        """The answer."""
        with translated("sink answers"):
            document = await self._answers.find_one({"_id": ticket})
        return None if document is None else document["answer"]

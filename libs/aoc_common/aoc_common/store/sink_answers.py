"""Answers of exporters to who asked something of a sink. Both methods may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class SinkAnswerStore(Protocol):
    """Answers by ticket."""

    async def answer(self, ticket: str, answer: Mapping[str, Any]) -> None:
        """Store an answer for a quarter of an hour. Idempotent."""
        ...

    async def answered(self, ticket: str) -> Mapping[str, Any] | None:
        """The answer; None while there is none."""
        ...

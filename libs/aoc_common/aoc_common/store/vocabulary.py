"""The words that a tenant's events can be found by. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aoc_common.contracts.query.filters import Span


class Vocabulary(Protocol):
    """Words and addresses among the terms of events. Not ids: nobody misspells them, and there are too many."""

    async def words(self, tenant: str, span: Span, most: int) -> list[str] | None:
        """The terms of a span, in order. None when there are more than `most`, or when not all of them are known.

        Not all are while `aoc remap --terms` has not finished, and where ids may begin as the span does.
        """
        ...

    async def alike(self, tenant: str, word: str, most: int) -> list[str]:
        """Known words that `word` may be a misspelling of: those that are most like it, in alphabetical order."""
        ...

    async def knows(self, tenant: str, word: str) -> bool:
        """Whether an event was stored with this word. False for ids, which are not in it."""
        ...

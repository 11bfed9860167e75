"""Where the index finds nothing: a look through the events and their records themselves, for as long as it is worth.

An event is found by its sentence and by what names something in its record, not by every word of it
(docs/adr/0030-search.md). Nobody who searches for one of the others shall believe that it is nowhere.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids
from aoc_common.contracts.query import grammar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from aoc_common.contracts.query.grammar import Asked
    from aoc_common.store.searches import EventPage, EventQuery, EventSearch

#: Seconds that a look takes at most.
LONGEST_S: Final = 3.0
_SHORTEST_S: Final = 0.05


class _Limited:
    """`Pace` of a search that ends after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:  # noqa: ARG002
        """What is left of the time; None when that is too little."""
        left = self._end - time.monotonic()
        yield left if left > _SHORTEST_S else None


async def in_records(
    search: EventSearch,
    query: EventQuery,
    asked: Sequence[Asked],
    unknown: Collection[str],
    seconds: float = LONGEST_S,
) -> EventPage | None:
    """The newest events that have the words of a query anywhere in them; None when it has none to look for.

    `unknown`: words by which no event is found; where there are none, all words are looked for. `searched_to` of the
    page tells how far back it came in its time. Raises `Transient`.
    """
    where = grammar.in_records(asked, unknown)
    if where is None:
        return None
    # What was not asked for in words, such as --not-understood, holds here too.
    indexed = grammar.clauses(asked)
    others = [clause for clause in query.where if clause not in indexed]
    return await search.search(replace(query, where=(*where, *others)), _Limited(seconds))


def how_far(page: EventPage) -> str:
    """`, back to 2026-11-20 08:00 UTC; --deep looks through all of them`; empty when it came to the end."""
    if page.searched_to is None:
        return ""
    back_to = ids.complete_from(page.searched_to)
    when = f", back to {back_to:%Y-%m-%d %H:%M} UTC" if back_to else ""
    return f"{when}; --deep looks through all of them"

"""What may be the matter when a search finds nothing: another tenant, or a word that no event has.

Raises `Transient` when the store is away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import terms
from aoc_common.contracts.query import grammar, values
from aoc_common.contracts.query.alike import closest
from aoc_common.contracts.query.filters import Clause, Field
from aoc_common.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aoc_common.contracts.query.grammar import Asked, Piece
    from aoc_common.store.event_counts import EventCounts
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery
    from aoc_common.store.vocabulary import Vocabulary

#: Words that are looked at of one query, and how many are tried in place of one.
_MOST_WORDS: Final = 8
_TRIED: Final = 5
#: Events that are counted of each word that is tried: what is in more of them is rather meant.
_COUNTED: Final = 200
_IN_WORDS: Final[frozenset[Field]] = frozenset({"text", "actor", "operation"})

type SourcesOf = Callable[[], Awaitable[Mapping[str, Sequence[str]]]]
"""Tenant -> its sources, both sorted: of these there is something."""


@dataclass(frozen=True, slots=True)
class Hint:
    """`tenants`: of these there is something, and nothing of the one that was asked for; `sources`: likewise.

    `unknown`: words that no event of the tenant has. `instead`: parameter -> what may have been meant.
    """

    tenants: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)


class Hints:
    """Looks for what may be the matter.

    From whom something is hidden, he is told of words that none of the events that he sees has, and of none in place of
    them: the vocabulary has the words of all.
    """

    def __init__(self, counts: EventCounts, vocabulary: Vocabulary, sources: SourcesOf) -> None:
        self._counts = counts
        self._vocabulary = vocabulary
        self._sources = sources

    async def of(self, query: EventQuery, asked: Sequence[Asked], pace: Pace | None = None) -> Hint:
        """Why `query`, which was asked for by these parameters, finds nothing."""
        known = await self._sources()
        if known and query.tenant not in known:
            return Hint(tenants=tuple(known))
        sources = known.get(query.tenant, ())
        missed = False
        unknown: dict[str, str | None] = {}
        instead: dict[str, str] = {}
        for name, of_field, text in asked:
            changes: list[tuple[Piece, str]] = []
            for piece_field, piece in grammar.pieces(of_field, text):
                better = piece.text
                if piece.star:
                    continue
                if piece_field in _IN_WORDS:
                    better = await self._respelt(query, piece.text, unknown, pace)
                elif piece_field == "source" and sources and piece.text.lower() not in sources:
                    missed = True
                    better = next(iter(closest(piece.text.lower(), sources)), piece.text)
                if better != piece.text:
                    changes.append((piece, better))
            if changes:
                instead[name] = _with(text, changes)
        return Hint(sources=tuple(sources) if missed else (), unknown=tuple(unknown), instead=instead)

    async def _respelt(self, query: EventQuery, text: str, unknown: dict[str, str | None], pace: Pace | None) -> str:
        """The text with words that events have in place of those that none has, where one is like them."""
        asked_for = terms.query_terms(text)
        for term in asked_for:
            if term not in unknown:
                looked_up = terms.is_word(term) and terms.former_spelling(term) is None
                if not looked_up or len(unknown) >= _MOST_WORDS or await self._knows(query, term, pace):
                    continue
                unknown[term] = None if query.scope.hidden else await self._meant(query, term, pace)
            if (better := unknown[term]) is not None:
                # A word with accents does not stand in the text as it is looked up.
                replaced = re.sub(re.escape(term), better, text, count=1, flags=re.IGNORECASE)
                text = better if replaced == text and len(asked_for) == 1 else replaced
        return text

    async def _knows(self, query: EventQuery, word: str, pace: Pace | None) -> bool:
        """Whether an event that the reader sees may have the word."""
        if not await self._vocabulary.knows(query.tenant, word):
            return False
        if not query.scope.hidden:
            return True
        number, all_counted = await self._counted(_every(query, word), 1, pace)
        return number > 0 or not all_counted

    async def _meant(self, query: EventQuery, word: str, pace: Pace | None) -> str | None:
        """The known word that is meant most likely: of those that are equally alike, the one in most events."""
        alike = await self._vocabulary.alike(query.tenant, word, _TRIED)
        if len(alike) < 2:  # noqa: PLR2004  # nothing to choose between
            return alike[0] if alike else None
        counts: dict[str, int] = {}
        for candidate in alike:
            counts[candidate], _ = await self._counted(_every(query, candidate), _COUNTED, pace)
        return max(alike, key=lambda candidate: counts[candidate])

    async def _counted(self, query: EventQuery, most: int, pace: Pace | None) -> tuple[int, bool]:
        """As `EventCounts.count`; none are counted where there is no time for it: a search never fails for its hint."""
        try:
            return await self._counts.count(query, most, pace)
        except TimedOut:
            return 0, False


def _every(query: EventQuery, word: str) -> EventQuery:
    """All events of a query's tenant that have a word."""
    return replace(query, where=(Clause("text", (values.exactly("text", word),)),), start=None, end=None)


def _with(text: str, changes: Sequence[tuple[Piece, str]]) -> str:
    """The text with other values in these places."""
    for piece, value in reversed(changes):
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if piece.quoted else value
        text = text[: piece.position] + quoted + ("*" if piece.star else "") + text[piece.end :]
    return text

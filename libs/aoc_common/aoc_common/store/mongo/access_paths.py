"""From a query to the access paths to its events: the one table from filters to indexes.

Every clause becomes a condition on documents. An access path is a set of prefixes of an index in which all events are
that match. It covers the conditions that the index serves; the others are its residual filter, which is applied to the
documents that it leads to.

| a clause on | becomes the path | of index | which covers |
| --- | --- | --- | --- |
| source, service, operation, result | the kinds that match, whatever is said of them | `kinds` | all such clauses |
| the same, and the kinds are too many, or not known | none | | |
| text, actor, ip, correlation id: one value | each of its needs: a term, or those in a span | `terms` | that need |
| the same: several values | one need of each | `terms` | it, if needs say all |
| the same: excluded | none | | |
| nothing | all events of the tenant | `newest` | |

Kinds are those of `event_outline`; where none matches, nothing does. What a need does not say of a value is its check,
and part of the residual filter.

Which of several paths is taken is a plan's (`search_plans`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from aoc_common.contracts.ids import lowest_id
from aoc_common.contracts.query import values
from aoc_common.errors import Malformed
from aoc_common.store.mongo import conditions
from aoc_common.store.mongo.client import BATCH_SIZE
from aoc_common.store.mongo.event_outline import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aoc_common.contracts.query.filters import Clause, Need, Span, Value
    from aoc_common.store.mongo.client import Document
    from aoc_common.store.searches import EventQuery

#: Above every id.
TOP: Final = 1 << 128
#: Prefixes that a path has at most, of terms and of kinds: each is a scan of its own.
_TERMS: Final = 24
_KINDS: Final = 64
#: More are worth it when they lead to so few events together that one look is enough.
_MANY_KINDS: Final = 256
_FEW_EVENTS: Final = 1_000

type Key = tuple[tuple[str, int], ...]
"""An index, as its fields and directions."""

NEWEST: Final[Key] = (("tenant", 1), ("_id", -1))
TERMS: Final[Key] = (("tenant", 1), ("terms", 1), ("_id", -1))
KINDS: Final[Key] = (("tenant", 1), *((field, 1) for field in Kind._fields), ("_id", -1))


class Words(Protocol):
    """The terms that a tenant's events have."""

    async def words(self, tenant: str, span: Span, most: int) -> list[str] | None:
        """Those of a span, at most so many; None when there are more, or not all are known."""
        ...


@dataclass(frozen=True, slots=True)
class AccessPath:
    """Prefixes of an index, each a filter on its leading fields, and the residual filter.

    `events`: to about how many events it leads; None when that is not known.
    """

    index: Key
    prefixes: tuple[Document, ...]
    residual: Document
    events: int | None = None


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """Ids in [low, high), and the access paths to them, the last of which is that of all events.

    No paths: nothing matches.
    """

    tenant: str
    low: int
    high: int
    paths: tuple[AccessPath, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An access path while conditions are added. `covers`: positions of conditions."""

    index: Key
    prefixes: tuple[Document, ...]
    covers: frozenset[int]
    events: int | None = None


def checked(query: EventQuery) -> str:
    """The tenant of a query. Raises `Malformed` for a value that is not text."""
    for clause in query.where:
        _check_texts(clause)
    return query.tenant


def asks_for_kinds(query: EventQuery) -> bool:
    """Whether the kinds of the tenant are needed for its paths."""
    return any(map(_of_kinds, _where(query)))


async def compiled(query: EventQuery, kinds: Mapping[Kind, int] | None, words: Words) -> CompiledQuery:
    """The paths of a checked query, the most promising first. `kinds`: those of the tenant; None: not all are known.

    Raises what `words` raises.
    """
    tenant = query.tenant
    low = lowest_id(query.start).int if query.start else 0
    high = lowest_id(query.end).int if query.end else TOP
    if query.before is not None:
        high = min(high, query.before.int)
    compiler = _Compiler(tenant, words)
    of_kinds = [clause for clause in _where(query) if _of_kinds(clause)]
    if low >= high or not compiler.of_kinds(of_kinds, kinds):
        return CompiledQuery(tenant, low, high, ())
    if not query.twins:
        compiler.add({"twin_of": {"$exists": False}})
    # Cheap conditions first: the others are applied to what these leave.
    of_terms = [clause for clause in query.where if not _of_kinds(clause)]
    for clause in sorted(of_terms, key=conditions.beyond_needs):
        await compiler.of_terms(clause)
    return CompiledQuery(tenant, low, high, compiler.paths())


class _Compiler:
    """Gathers conditions, and access paths that cover some of them."""

    def __init__(self, tenant: str, words: Words) -> None:
        self._tenant = tenant
        self._words = words
        self._conditions: list[Document] = []
        self._candidates: list[_Candidate] = []

    def add(self, condition: Document) -> int:
        """A condition; its position."""
        self._conditions.append(condition)
        return len(self._conditions) - 1

    def of_kinds(self, clauses: Sequence[Clause], kinds: Mapping[Kind, int] | None) -> bool:
        """Clauses on the fields of kinds; whether anything can match."""
        if not clauses:
            return True
        if kinds is None:
            for clause in clauses:
                self.add(conditions.check(clause))
            return True
        matching = {kind: count for kind, count in kinds.items() if all(_is(kind, clause) for clause in clauses)}
        # Also where all match: a kind that does not may appear while the search runs.
        covers = frozenset([self.add(_of_values(clause, kinds)) for clause in clauses])
        events = sum(matching.values())
        most = _MANY_KINDS if events <= _FEW_EVENTS else _KINDS
        if len(matching) < len(kinds) and len(matching) <= most:
            prefixes = tuple({"tenant": self._tenant, **kind._asdict()} for kind in matching)
            self._candidates.append(_Candidate(KINDS, prefixes, covers, events))
        return bool(matching)

    async def of_terms(self, clause: Clause) -> None:
        """A clause on a field that terms are made of."""
        if clause.excluded or len(clause.values) > 1:
            position = self.add(conditions.check(clause))
            if not clause.excluded:
                await self._of_any(clause.values, position)
            return
        value = clause.values[0]
        for need in sorted(value.needs, key=_commonness):
            await self._add_path([need], frozenset({self.add(conditions.need(need))}))
        if value.check is not None:
            self.add(conditions.check(clause))

    async def _of_any(self, values: Sequence[Value], position: int) -> None:
        if all(value.needs for value in values):
            exact = all(len(value.needs) == 1 and value.check is None for value in values)
            rarest = [min(value.needs, key=_commonness) for value in values]
            await self._add_path(rarest, frozenset({position} if exact else ()))

    async def _add_path(self, needs: Iterable[Need], covers: frozenset[int]) -> None:
        """The path over the terms of all spans of all these needs, unless they are too many."""
        terms: dict[str, None] = {}
        for span in (span for need in needs for span in need):
            if span.term is not None:
                terms[span.term] = None
            elif (words := await self._words.words(self._tenant, span, _TERMS)) is not None:
                terms |= dict.fromkeys(words)
            else:
                return
        if len(terms) <= _TERMS:
            # No prefixes: no event has any such term.
            prefixes = tuple({"tenant": self._tenant, "terms": term} for term in terms)
            self._candidates.append(_Candidate(TERMS, prefixes, covers))

    def paths(self) -> tuple[AccessPath, ...]:
        """All access paths, the last that of all events, each with its residual filter."""
        every = _Candidate(NEWEST, ({"tenant": self._tenant},), frozenset())
        return tuple(
            AccessPath(path.index, path.prefixes, self._residual(path.covers), path.events)
            for path in (*self._candidates, every)
        )

    def _residual(self, covered: frozenset[int]) -> Document:
        left = [condition for position, condition in enumerate(self._conditions) if position not in covered]
        return {} if not left else left[0] if len(left) == 1 else {"$and": left}


def _where(query: EventQuery) -> tuple[Clause, ...]:
    """What is asked for, and what the reader may see: there is no query without both."""
    return (*query.where, *values.not_hidden(query.scope.hidden))


def _of_kinds(clause: Clause) -> bool:
    """Whether the kind of an event says whether it matches."""
    return clause.field in Kind._fields and all(value.check is not None for value in clause.values)


def _is(kind: Kind, clause: Clause) -> bool:
    """Whether events of a kind match a clause."""
    stored = getattr(kind, clause.field)
    checks = [value.check for value in clause.values if value.check is not None]
    return clause.excluded != any(re.search(check.pattern, stored, re.IGNORECASE) for check in checks)


def _of_values(clause: Clause, kinds: Iterable[Kind]) -> Document:
    """A clause on a field of kinds as the values that are stored there: to compare is cheaper than a pattern."""
    stored = sorted({getattr(kind, clause.field) for kind in kinds if _is(kind, clause)})
    if len(stored) > BATCH_SIZE:
        return conditions.check(clause)
    return {clause.field: stored[0] if len(stored) == 1 else {"$in": stored}}


def _commonness(need: Need) -> tuple[bool, bool, int, str]:
    """Sorts the need first that is most likely the rarest: terms before ranges, digits first, then long words."""
    first = need[0].first
    digits = any(character.isdigit() or character == "@" for character in first)
    return need[0].term is None, not digits, -len(first), first


def _check_texts(clause: Clause) -> None:
    for value in clause.values:
        for span in (span for need in value.needs for span in need):
            _text(clause.field, span.first)
            _text(clause.field, span.last)
        if value.check is not None:
            _text(clause.field, value.check.text)


def _text(field: str, value: Any) -> str:
    # A mapping here would be an operator of the query language.
    if not isinstance(value, str):
        raise Malformed(f"{field}: expected text")
    return value

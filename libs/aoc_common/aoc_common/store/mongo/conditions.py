"""Clauses of a query as conditions on stored documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.access import Hidden
    from aoc_common.contracts.query.filters import Check, Clause, Field, Need, Value
    from aoc_common.store.mongo.client import Document

#: Stored in lower case only, so that equality serves.
_LOWER: Final = frozenset({"source", "service", "result", "actor"})


def need(spans: Need) -> Document:
    """The documents that have a term in one of these spans."""
    points = [span.term for span in spans if span.term is not None]
    # Without $elemMatch, one term of a document may be above `first`, and another one below `last`.
    alternatives: list[Document] = [
        {"terms": {"$elemMatch": {"$gte": span.first, "$lte": span.last}}} for span in spans if span.term is None
    ]
    if points:
        alternatives.append({"terms": points[0] if len(points) == 1 else {"$in": points}})
    return _any(alternatives)


def check(clause: Clause) -> Document:
    """All that a clause says."""
    condition = _any([_value(clause.field, value) for value in clause.values])
    return {"$nor": [condition]} if clause.excluded else condition


def beyond_needs(clause: Clause) -> bool:
    """Whether a clause says more than the needs of one value that must be there."""
    return clause.excluded or len(clause.values) != 1 or clause.values[0].check is not None


def not_hidden(hidden: Hidden) -> list[Document]:
    """What documents must be that a reader sees, from whom this is hidden; nothing where nothing is hidden whole."""
    return [check(clause) for clause in values.not_hidden(hidden)]


def _value(field: Field, value: Value) -> Document:
    parts = [need(spans) for spans in value.needs]
    if value.check is not None:
        parts.append(_any([_at(path, value.check) for path in PATHS[field]]))
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _at(path: str, check: Check) -> Document:
    if path in _LOWER and check.kind == "equal":
        return {path: check.text}
    return {path: {"$regex": check.pattern, "$options": "i"}}


def _any(conditions: Sequence[Document]) -> Document:
    return conditions[0] if len(conditions) == 1 else {"$or": list(conditions)}

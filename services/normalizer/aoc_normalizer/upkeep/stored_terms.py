"""The search terms of stored events as they would be made now, without reading their records again.

A record that is mapped again can get another sentence. Here the sentence that is stored is what people read, so its
words are what the event has to be found by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aoc_common.contracts import spelling, terms
from aoc_normalizer import bounds
from aoc_normalizer.found_by import FAILED, most_telling, telling, unread_terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.store.mongo.stored_terms import StoredTerms


def renewed(stored: StoredTerms) -> tuple[str, ...]:
    """The terms of a stored event: those that it has, as they are spelt now, and those that it lacks."""
    first = [term for term in stored.terms if term == terms.NOT_UNDERSTOOD]
    if stored.ip:
        first += terms.name_terms(stored.ip)
    if stored.failed:
        first.append(FAILED)
    first += terms.name_terms(stored.message)
    held = [
        spelling.ordered_address(short) if (short := _address(term)) else term
        for term in stored.terms
        if not terms.says_nothing(term)
    ]
    unread = unread_terms(orjson.loads(stored.unmapped)) if stored.unmapped else ()
    renewed_terms, _ = most_telling(
        first, [*held, *terms.operation_terms(stored.operation), *_of_request(stored), *unread]
    )
    return renewed_terms


def _address(term: str) -> str | None:
    """The address that a term of before is."""
    return spelling.address(term) if "." in term or ":" in term else None


def _of_request(stored: StoredTerms) -> Iterator[str]:
    yield from terms.name_terms(stored.detail or "")
    for parameter in stored.request.get("parameters", [])[: bounds.ITEMS]:
        yield from terms.name_terms(telling(parameter.get("value")) or "")
    for change in stored.request.get("changes", [])[: bounds.ITEMS]:
        yield from terms.name_terms(str(change.get("name") or ""))
        for value in (change.get("new"), change.get("old")):
            for item in value[: bounds.VALUES] if isinstance(value, list) else (value,):
                yield from terms.name_terms(telling(item) or "")

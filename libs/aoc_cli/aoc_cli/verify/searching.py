"""Whether events are found by their own words, through the search that people use."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import batched
from random import Random
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.books import about, plain_address
from aoc_common.contracts import ids
from aoc_common.contracts.query import values
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from aoc_cli.verify.books import Fact, Key
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.event_search import MongoEventSearch

#: Events that are looked for.
_SAMPLE: Final = 48
#: Events that are looked for at once.
_TOGETHER: Final = 8
_MOST: Final = 100
#: A word that no record has.
_NOBODYS: Final = "quokka"
_INSTANT: Final = timedelta(milliseconds=1)


def sample(keys: Mapping[UUID, Key], seed: int) -> list[UUID]:
    """Some events, of each source one at least; the same for the same events and seed."""
    rng = Random(f"searching:{seed}")  # noqa: S311  # randomness must be reproducible here, not secret
    order = sorted(keys)
    rng.shuffle(order)
    first: dict[tuple[str, str], UUID] = {}
    for one in order:
        first.setdefault(keys[one][:2], one)
    rest = (one for one in order if first[keys[one][:2]] != one)
    return [*first.values(), *(one for one, _ in zip(rest, range(_SAMPLE - len(first)), strict=False))]


async def check_search(
    search: MongoEventSearch,
    chosen: Sequence[UUID],
    keys: Mapping[UUID, Key],
    facts: Mapping[Key, Fact],
    tenants: Sequence[str],
    tally: Statements,
) -> None:
    """Ask for each of these events by what its record says, and in another tenant, where it must not be found."""
    for some in batched(chosen, _TOGETHER):
        await asyncio.gather(*(_check_one(search, one, keys[one], facts[keys[one]], tenants, tally) for one in some))


async def _check_one(
    search: MongoEventSearch, one: UUID, key: Key, fact: Fact, tenants: Sequence[str], tally: Statements
) -> None:
    for words in _words(fact):
        found = await _found(search, key[0], fact, words)
        said = "found" if one in found else f"not found by {words!r}"
        tally.hold("search: by its own words", about(key), said, "found")
    words = f"{plain_address(fact.ip) or fact.operation} {_NOBODYS}"
    good = one not in await _found(search, key[0], fact, words)
    tally.holds("search: all words", about(key), f"found by {words!r}", "no record has all of them", good=good)
    for other in (tenant for tenant in tenants if tenant != key[0]):
        found = await _found(search, other, fact, fact.operation)
        got = await search.get(other, one)
        good = one not in found and got is None
        tally.holds("search: other tenants", about(key), f"found in {other}", f"in {key[0]} only", good=good)
    query = EventQuery(
        key[0],
        where=(values.clause("source", key[1]), values.clause("operation", fact.operation)),
        start=ids.from_ms(fact.time_ms),
        end=ids.from_ms(fact.time_ms) + _INSTANT,
        limit=_MOST,
    )
    page = await search.search(query)
    said = "found" if one in {event.id for event in page.events} else "not found by source, operation and time"
    tally.hold("search: by its facets", about(key), said, "found")


def _words(fact: Fact) -> Iterator[str]:
    """By what people look for a record: how it calls whoever acted, its operation, its address."""
    yield fact.operation
    if (who := next((name for name in fact.says if "@" in name), None)) is not None and fact.class_uid != _FINDING:
        yield who
    if fact.ip and plain_address(fact.ip):
        yield fact.ip


_FINDING: Final = 2004


async def _found(search: MongoEventSearch, tenant: str, fact: Fact, words: str) -> set[UUID]:
    start = ids.from_ms(fact.time_ms)
    query = EventQuery(tenant, (values.clause("text", words),), start=start, end=start + _INSTANT, limit=_MOST)
    return {event.id for event in (await search.search(query)).events}

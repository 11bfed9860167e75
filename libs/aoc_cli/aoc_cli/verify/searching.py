"""Whether events are found by the words of their records, through the search of the gateway."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import batched
from random import Random
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.ground_truth import about, plain_address
from aoc_common.contracts import ids
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import values
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from aoc_cli.verify.ground_truth import RecordFacts, RecordKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.event_search import MongoEventSearch

#: Events that are looked for.
_SAMPLE: Final = 48
#: Events that are looked for at once.
_BATCH: Final = 8
_MOST: Final = 100
#: A word that is in no record.
_ABSENT_WORD: Final = "quokka"
_INSTANT: Final = timedelta(milliseconds=1)


def sample(keys: Mapping[UUID, RecordKey], seed: int) -> list[UUID]:
    """Some events, at least one of each source; the same for the same events and seed."""
    rng = Random(f"searching:{seed}")  # noqa: S311  # randomness must be reproducible here, not secret
    order = sorted(keys)
    rng.shuffle(order)
    first: dict[tuple[str, str], UUID] = {}
    for event in order:
        first.setdefault(keys[event][:2], event)
    rest = (event for event in order if first[keys[event][:2]] != event)
    return [*first.values(), *(event for event, _ in zip(rest, range(_SAMPLE - len(first)), strict=False))]


async def check_search(
    search: MongoEventSearch,
    chosen: Sequence[UUID],
    keys: Mapping[UUID, RecordKey],
    facts: Mapping[RecordKey, RecordFacts],
    tenants: Sequence[str],
    tally: Statements,
) -> None:
    """Search each of these events by its record's words, and in another tenant, where it must not be found."""
    for some in batched(chosen, _BATCH):
        await asyncio.gather(
            *(_check_event(search, event, keys[event], facts[keys[event]], tenants, tally) for event in some)
        )


async def _check_event(
    search: MongoEventSearch,
    event_id: UUID,
    key: RecordKey,
    fact: RecordFacts,
    tenants: Sequence[str],
    tally: Statements,
) -> None:
    for words in _words(fact):
        results = await _find(search, key[0], fact, words)
        outcome = "found" if event_id in results else f"not found by {words!r}"
        tally.compare("search: by its own words", about(key), outcome, "found")
    words = f"{plain_address(fact.ip) or fact.operation} {_ABSENT_WORD}"
    good = event_id not in await _find(search, key[0], fact, words)
    tally.judge("search: all words", about(key), f"found by {words!r}", "no record has all of them", good=good)
    for other in (tenant for tenant in tenants if tenant != key[0]):
        results = await _find(search, other, fact, fact.operation)
        direct = await search.get(Scope(other), event_id)
        good = event_id not in results and direct is None
        tally.judge("search: other tenants", about(key), f"found in {other}", f"in {key[0]} only", good=good)
    query = EventQuery(
        Scope(key[0]),
        where=(values.clause("source", key[1]), values.clause("operation", fact.operation)),
        start=ids.from_ms(fact.time_ms),
        end=ids.from_ms(fact.time_ms) + _INSTANT,
        limit=_MOST,
    )
    page = await search.search(query)
    outcome = "found" if event_id in {event.id for event in page.events} else "not found by source, operation and time"
    tally.compare("search: by its facets", about(key), outcome, "found")


def _words(fact: RecordFacts) -> Iterator[str]:
    """The words by which people search a record: its operation, its actor, its address."""
    yield fact.operation
    if (
        who := next((name for name in fact.actor_as_written if "@" in name), None)
    ) is not None and fact.class_uid != _FINDING:
        yield who
    if fact.ip and plain_address(fact.ip):
        yield fact.ip


_FINDING: Final = 2004


async def _find(search: MongoEventSearch, tenant: str, fact: RecordFacts, words: str) -> set[UUID]:
    start = ids.from_ms(fact.time_ms)
    query = EventQuery(Scope(tenant), (values.clause("text", words),), start=start, end=start + _INSTANT, limit=_MOST)
    return {event.id for event in (await search.search(query)).events}

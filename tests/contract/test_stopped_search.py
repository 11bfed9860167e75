"""A search that is stopped reports how far it searched, and continues there. On a real MongoDB-protocol server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pymongo.errors import ExecutionTimeout

from aoc_common.contracts.access import Scope
from aoc_common.contracts.ids import complete_from
from aoc_common.errors import Transient
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_scans import Scanner
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.searches import EventQuery
from making import NOW, an_event, asking
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence


class Turns:
    """A pace of so many turns; the first ones may take as many seconds as `short` says."""

    def __init__(self, turns: int, short: Sequence[float] = ()) -> None:
        self.left = turns
        self.short = list(short)

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0):
        self.left -= 1
        yield None if self.left < 0 else self.short.pop(0) if self.short else 20.0


@pytest.fixture
async def search(database):
    """Events of two days, every third of them Eve's."""
    await ensure_indexes(database, ("events",))
    store = MongoEvents(database, lambda _tenant, _source: timedelta(days=3000))
    actors = ("eve", "dana", "li")
    made = [an_event(str(n), NOW - timedelta(minutes=20 * n), actor=actors[n % 3]) for n in range(144)]
    await store.insert(made, ["p"] * len(made))
    return make_event_search(database, ManualClock(NOW))


EVE = EventQuery(
    Scope("contoso"), asking(actor="eve"), start=NOW - timedelta(days=3), end=NOW + timedelta(seconds=1), limit=500
)


async def test_a_search_that_is_stopped_tells_each_event_once_when_it_is_gone_on_with(search) -> None:
    whole, found, query, parts = await search.search(EVE), [], EVE, 0
    while True:
        page = await search.search(query, Turns(1))
        found += page.events
        parts += 1
        if page.searched_to is None:
            break
        assert all(one.id.int >= page.searched_to.int for one in page.events)
        query = replace(query, before=page.searched_to)

    assert whole.searched_to is None
    assert len(whole.events) == 48
    assert [one.id for one in found] == [one.id for one in whole.events]
    assert parts > 2


async def test_a_filter_that_nothing_matches_comes_to_its_end(search) -> None:
    query, stops = replace(EVE, where=asking(actor="nobody")), []
    while (page := await search.search(query, Turns(1))).searched_to is not None:
        assert page.events == ()
        stops.append(page.searched_to)
        query = replace(query, before=page.searched_to)

    assert stops
    assert stops == sorted(stops, reverse=True)
    assert len(set(stops)) == len(stops)


async def test_a_page_that_is_full_was_not_stopped(search) -> None:
    page = await search.search(replace(EVE, limit=5), Turns(100))

    assert (len(page.events), page.more, page.searched_to) == (5, True, None)


async def test_facets_that_were_stopped_are_not_complete_and_say_from_when_on_they_count(search) -> None:
    counts = await search.facets(EVE, ["actor"], 5, Turns(1))
    since = complete_from(counts.searched_to)
    [(actor, count)] = (await search.facets(replace(EVE, start=since), ["actor"], 5)).fields["actor"]

    assert counts.complete is False
    assert counts.fields["actor"] == [(actor, count)]


async def test_a_window_that_holds_more_than_a_turn_allows_is_looked_at_in_narrower_ones(database) -> None:
    """Records without a time stand in one millisecond, all of them."""
    await ensure_indexes(database, ("events",))
    store = MongoEvents(database, lambda _tenant, _source: timedelta(days=3000))
    made = [an_event(str(n), NOW, actor="eve" if n % 2 else "dana") for n in range(1200)]
    await store.insert(made, ["p"] * len(made))
    found = await make_event_search(database, ManualClock(NOW)).search(EVE, Turns(1000, short=[0.004] * 4))

    assert len(found.events) == 500
    assert (found.more, {one.actor for one in found.events}) == (True, {"eve"})
    assert [one.id for one in found.events] == sorted((one.id for one in found.events), reverse=True)


async def test_where_no_path_can_be_counted_within_a_turn_all_is_found_nevertheless(search, monkeypatch) -> None:
    counted: list[object] = []

    async def too_slow(_scanner: Scanner, scan: object, _seconds: float) -> int:
        counted.append(scan)
        raise ExecutionTimeout("operation exceeded time limit")

    monkeypatch.setattr(Scanner, "count", too_slow)
    query = replace(EVE, where=asking(actor="eve", ip="203.0.113.9"))
    found = await search.search(query, Turns(1000))

    assert counted
    assert len(found.events) == 48


async def test_a_search_that_has_no_turn_at_all_is_no_empty_result(search) -> None:
    with pytest.raises(Transient):
        await search.search(EVE, Turns(0))

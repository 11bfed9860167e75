"""What finding records by their second promises, on any MongoDB-protocol server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts import ids
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.exact_times import MongoExactTimes
from making import NOW, an_event

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

LATER = NOW + timedelta(milliseconds=345)


@pytest.fixture
async def exact_times(database: Database) -> MongoExactTimes:
    """Events of three records and two tenants, each 345 ms after a second."""
    await ensure_indexes(database, ("events",))
    made = [an_event(name, LATER, tenant, terms=(name,)) for name in "abc" for tenant in ("contoso", "fabrikam")]
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=9999)).insert(made, ["p"] * len(made))
    return MongoExactTimes(database)


async def test_the_event_of_the_same_record_tenant_and_second_is_found(exact_times) -> None:
    await exact_times.note()
    whole, exact = an_event("a", NOW).id, an_event("a", LATER).id
    theirs = an_event("b", NOW, "fabrikam").id
    asked = {whole: ("contoso", "a"), theirs: ("fabrikam", "b"), an_event("x", NOW).id: ("contoso", "x")}

    assert await exact_times.stored(asked) == {whole: exact, theirs: an_event("b", LATER, "fabrikam").id}
    assert ids.second_of(whole) == ids.second_of(exact) != ids.second_of(theirs)
    assert await exact_times.stored({whole: ("fabrikam", "a")}) == {}
    other_second = an_event("a", NOW + timedelta(seconds=1)).id
    assert await exact_times.stored({other_second: ("contoso", "a")}) == {}
    assert await exact_times.stored({exact: ("contoso", "a")}) == {}
    assert await exact_times.stored({}) == {}


async def test_nothing_is_looked_for_until_somebody_notes_that_there_is_something(exact_times, database) -> None:
    asked = {an_event("a", NOW).id: ("contoso", "a")}
    before = await exact_times.stored(asked)
    await MongoExactTimes(database).note()

    assert before == {}
    assert len(await exact_times.stored(asked)) == 1

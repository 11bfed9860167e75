"""The same sign-in with its time to the second and with decimals is one event, whichever comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.store.mongo.client import ensure_indexes
from replica import HOUR, NOW, SIGN_IN, Replica

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def replica(database: Database) -> Replica:
    await ensure_indexes(database)
    return Replica(database)


def streamed(at: str, **more: Any) -> dict[str, Any]:
    """The sign-in as Azure Monitor brings it, with a time of its own exactness."""
    inside = SIGN_IN | {"createdDateTime": at} | more
    return {"time": at, "category": "SignInLogs", "operationName": "Sign-in activity", "properties": inside}


WHOLE = SIGN_IN | {"createdDateTime": "2026-11-23T07:30:00Z"}
EXACT = streamed("2026-11-23T07:30:00.3456789Z")


@pytest.mark.parametrize("order", [(EXACT, WHOLE), (WHOLE, EXACT), (EXACT, WHOLE, EXACT, WHOLE)])
async def test_whichever_comes_first_it_is_one_event(replica: Replica, database: Database, order) -> None:
    totals = [
        await replica.takes(f"s{number}", record, fetched=NOW + number * HOUR) for number, record in enumerate(order)
    ]

    assert [(one.stored, one.changed, one.duplicate) for one in totals] == [(1, 0, 0), *[(0, 0, 1)] * (len(order) - 1)]
    assert await database["events"].count_documents({}) == len(replica.sent) == 1


@pytest.mark.slow
@pytest.mark.parametrize("order", [(EXACT, WHOLE), (WHOLE, EXACT), (EXACT, EXACT, WHOLE)])
async def test_on_one_page_it_is_one_event_too_and_stays_it(replica: Replica, database: Database, order) -> None:
    first = await replica.takes("a", *order)
    again = await replica.takes("b", *order, fetched=NOW + HOUR)

    assert (first.stored, first.duplicate) == (1, len(order) - 1)
    assert (again.stored, again.changed, again.duplicate) == (0, 0, len(order))
    [stored] = await database["events"].find({}).to_list(None)
    assert (stored["_id"].int >> 80) % 1000 == stored["time"].microsecond // 1000 == 0


async def test_what_is_stored_with_both_times_stays_two_events(replica: Replica, database: Database) -> None:
    await replica.takes("a", WHOLE)
    await database["upgrades"].delete_many({})
    [stored] = await database["events"].find({}).to_list(None)
    # As an earlier version stored them, which came with decimals first.
    await database["events"].delete_many({})
    await replica.takes("b", EXACT)
    await database["events"].insert_one(stored)
    totals = [await replica.takes(f"c{number}", record) for number, record in enumerate((EXACT, WHOLE, EXACT))]

    assert [(one.stored, one.duplicate) for one in totals] == [(0, 1)] * 3
    assert await database["events"].count_documents({}) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        WHOLE | {"createdDateTime": "2026-11-23T07:30:01Z"},
        WHOLE | {"createdDateTime": "2026-11-23T07:29:59Z"},
        WHOLE | {"id": "00000000-0000-4000-8000-0000000000ff"},
    ],
)
async def test_another_record_and_another_second_are_other_events(replica: Replica, database: Database, other) -> None:
    await replica.takes("a", EXACT)
    totals = await replica.takes("b", other)

    assert totals.stored == 1
    assert await database["events"].count_documents({}) == 2


async def test_a_version_of_a_sign_in_is_one_whichever_form_it_comes_in(replica: Replica, database: Database) -> None:
    await replica.takes("a", EXACT)
    await replica.takes("b", WHOLE)
    risen = streamed("2026-11-23T07:30:00.3456789Z", riskState="atRisk", riskLevelDuringSignIn="high")
    totals = await replica.takes("c", risen, fetched=NOW + HOUR)

    assert (totals.stored, totals.changed) == (0, 1)
    assert await database["events"].count_documents({}) == 1

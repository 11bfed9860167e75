"""What the ledger tells of pages that are in work more than once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SLICE = "contoso/graph-signins/s"
ONE, OTHER = (SLICE, "one"), (SLICE, "other")


def outcome(page: tuple[str, str], stored: int = 1, duplicate: int = 0, **fields: int) -> PageOutcome:
    slice_id, name = page
    return PageOutcome(name, "contoso", "graph-signins", slice_id, stored, duplicate, 0, NOW, **fields)


@pytest.fixture
async def ledger(database: Database) -> MongoLedger:
    """With two pages that wait."""
    await ensure_indexes(database, ACCOUNT)
    made = MongoLedger(database)
    await made.pages_received(
        [PublishedPage(page, "contoso", "graph-signins", slice_id, 1, NOW) for slice_id, page in (ONE, OTHER)]
    )
    return made


async def test_a_page_that_is_settled_takes_nothing_on(ledger: MongoLedger) -> None:
    assert await ledger.pages_settled([outcome(ONE)]) == {}

    assert await ledger.taking_on([ONE, OTHER]) == {OTHER}


async def test_a_page_that_took_something_on_is_settled_only_by_who_knows_of_all_of_it(ledger: MongoLedger) -> None:
    await ledger.taking_on([ONE])
    await ledger.taking_on([ONE])

    assert await ledger.pages_settled([outcome(ONE, 0, 1), outcome(OTHER)]) == {ONE: 2}
    assert await ledger.pages_settled([outcome(ONE, 0, 1, adoptions=1)]) == {ONE: 2}
    assert await ledger.settled([ONE, OTHER]) == {OTHER}
    assert await ledger.pages_settled([outcome(ONE, adoptions=2)]) == {}
    assert await ledger.pages_settled([outcome(ONE, 0, 1)]) == {}
    totals = await ledger.totals("contoso", SLICE)
    assert (totals.pages, totals.stored, totals.duplicate) == (2, 2, 0)


async def test_a_page_that_was_forgotten_meanwhile_is_settled_by_who_looks_again(
    ledger: MongoLedger, database: Database
) -> None:
    await ledger.taking_on([ONE])
    await database["ledger_pages"].delete_many({"page": "one"})
    await ledger.pages_received([PublishedPage("one", "contoso", "graph-signins", SLICE, 1, NOW)])

    assert await ledger.pages_settled([outcome(ONE, adoptions=1)]) == {ONE: 0}
    assert await ledger.pages_settled([outcome(ONE)]) == {}
    assert await ledger.settled([ONE]) == {ONE}


async def test_a_page_that_took_something_on_is_given_up_like_any_other_and_may_be_tried_again(
    ledger: MongoLedger,
) -> None:
    await ledger.taking_on([ONE])

    assert await ledger.page_given_up(outcome(ONE, 0, dead_lettered=1))
    assert await ledger.taking_on([ONE]) == {ONE}
    assert await ledger.pages_settled([outcome(ONE, adoptions=2)]) == {}
    assert await ledger.settled([ONE]) == {ONE}

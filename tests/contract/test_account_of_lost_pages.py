"""The account of records whose first page was lost, and which another page took on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from account_books import NOW, Books
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.page_ledger import PageOutcome
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def books(database: Database) -> Books:
    await ensure_indexes(database, ACCOUNT)
    return Books(database)


async def test_a_record_that_a_page_changed_and_took_on_of_a_lost_page_was_fetched_once_with_each(books: Books) -> None:
    """Its page has two outcomes for it: the event that the lost page had stored, and its own newer version."""
    lost = await books.fetched(0, 5, records=1)
    await books.settled(lost, 5, stored=0)
    name = await books.fetched(1, 6, records=1)
    both = PageOutcome("p6", "contoso", "graph-signins", name, 1, 0, 0, NOW, changed=1, added=1)
    await books.ledger.pages_settled([both])
    await books.account.settle(NOW, 10)

    account = await books.of()

    assert (account.records, account.stored, account.changed) == (2, 1, 1)


async def test_what_was_taken_on_of_a_slice_whose_records_nobody_knows_is_in_the_account(books: Books) -> None:
    name = await books.fetched(1, 6, records=1)
    both = PageOutcome("p6", "contoso", "graph-signins", name, 1, 0, 0, NOW, changed=1, added=1)
    await books.ledger.pages_settled([both])
    await books.account.settle(NOW, 10)

    account = await books.of()

    assert (account.records, account.stored, account.changed) == (2, 1, 1)

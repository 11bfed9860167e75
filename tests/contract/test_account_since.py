"""From when on an account says that all was collected: also when somebody asked for more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from account_books import NOW, T0, Books
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def books(database: Database) -> Books:
    await ensure_indexes(database, ACCOUNT)
    return Books(database)


@pytest.mark.parametrize(
    ("asked", "since"),
    [
        # Days before the source's own first one: from, until. What leaves a hole says nothing of the time between.
        ([(30, 29)], 0),
        ([(30, -1)], 30),
        ([(9, 3), (4, -1)], 9),
        ([(9, 5), (4, -1)], 4),
        # It ends within the first day, of which nobody knows when it was begun.
        ([(30, 0)], 0),
    ],
)
async def test_what_was_asked_for_counts_from_the_day_on_which_no_hole_follows(
    books: Books, asked: list[tuple[int, int]], since: int
) -> None:
    day, first = timedelta(days=1), T0.replace(hour=0)
    await books.settled(await books.fetched(0, 5, records=1), 5)
    for number, (start, end) in enumerate(asked):
        begin, until, name = first - start * day, first - end * day, f"asked {number}"
        await books.ledger.open_slice(name, "contoso", "graph-signins", begin, until, rereading=True)
        await books.ledger.slice_fetched(SliceFetched(name, pages=0, records=0, at=NOW))
        await books.sources.note_requested("contoso", "graph-signins", begin, until)
    on_its_way = (await books.of()).since
    await books.account.settle(NOW, 10)

    assert (await books.of()).since == first - since * day
    assert on_its_way is None


async def test_what_was_asked_for_counts_from_when_it_is_settled(books: Books) -> None:
    day, first = timedelta(days=1), T0.replace(hour=0)
    await books.settled(await books.fetched(0, 5, records=1), 5)
    await books.account.settle(NOW, 10)
    for start in (9, 4):
        begin, until, name = first - start * day, first - (start - 5) * day, f"asked {start}"
        await books.ledger.open_slice(name, "contoso", "graph-signins", begin, until, rereading=True)
        await books.ledger.note_pages([PublishedPage(name, "contoso", "graph-signins", name, start, NOW)])
        await books.ledger.slice_fetched(SliceFetched(name, pages=1, records=1, at=NOW))
        await books.sources.note_requested("contoso", "graph-signins", begin, until)
    neither = (await books.of()).since
    await books.ledger.pages_settled([PageOutcome("asked 4", "contoso", "graph-signins", "asked 4", 1, 0, 0, NOW)])
    await books.account.settle(NOW, 10)
    newer = (await books.of()).since
    await books.ledger.pages_settled([PageOutcome("asked 9", "contoso", "graph-signins", "asked 9", 1, 0, 0, NOW)])
    await books.account.settle(NOW, 10)

    assert (neither, newer, (await books.of()).since) == (first, first - 4 * day, first - 9 * day)


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        # Minutes after T0, of a backfill within the slice from 5 to 60 that is still on its way.
        ((20, 30), 5),
        ((20, 59), 5),
        # This one covers its beginning, too.
        ((5, 30), 30),
        ((0, 30), 30),
    ],
)
async def test_a_backfill_within_a_slice_that_is_on_its_way_says_nothing_of_the_slices_beginning(
    books: Books, asked: tuple[int, int], until: int
) -> None:
    minute = timedelta(minutes=1)
    await books.settled(await books.fetched(0, 1, records=1), 1)
    await books.ledger.open_slice("late", "contoso", "graph-signins", T0 + 5 * minute, T0 + 60 * minute)
    await books.ledger.note_pages([PublishedPage("late", "contoso", "graph-signins", "late", 7, NOW)])
    await books.ledger.slice_fetched(SliceFetched("late", pages=1, records=1, at=NOW))
    begin, end = (T0 + one * minute for one in asked)
    await books.ledger.open_slice("asked", "contoso", "graph-signins", begin, end, rereading=True)
    await books.ledger.note_pages([PublishedPage("asked", "contoso", "graph-signins", "asked", 8, NOW)])
    await books.ledger.slice_fetched(SliceFetched("asked", pages=1, records=1, at=NOW))
    await books.ledger.pages_settled([PageOutcome("asked", "contoso", "graph-signins", "asked", 1, 0, 0, NOW)])
    await books.sources.advance("contoso", "graph-signins", T0 + 60 * minute, NOW)
    await books.account.settle(NOW, 10)

    assert (await books.of()).complete_until == T0 + until * minute


async def test_of_slices_that_are_on_their_way_the_one_that_begins_first_counts(books: Books) -> None:
    minute = timedelta(minutes=1)
    await books.settled(await books.fetched(0, 1, records=1), 1)
    for name, begin, end in (("long", 5, 90), ("short", 50, 60), ("asked", 45, 55)):
        await books.ledger.open_slice(
            name, "contoso", "graph-signins", T0 + begin * minute, T0 + end * minute, rereading=name == "asked"
        )
        await books.ledger.note_pages([PublishedPage(name, "contoso", "graph-signins", name, begin, NOW)])
        await books.ledger.slice_fetched(SliceFetched(name, pages=1, records=1, at=NOW))
    await books.ledger.pages_settled([PageOutcome("asked", "contoso", "graph-signins", "asked", 1, 0, 0, NOW)])
    await books.sources.advance("contoso", "graph-signins", T0 + 90 * minute, NOW)
    await books.account.settle(NOW, 10)

    assert (await books.of()).complete_until == T0 + 5 * minute


async def test_what_was_asked_for_is_noted_as_spans_that_are_apart(books: Books) -> None:
    hour = timedelta(hours=1)
    for start, end in [(9, 10), (1, 2), (2, 3), (9, 10), (0, 1), (5, 6)]:
        await books.sources.note_requested("contoso", "graph-signins", T0 + start * hour, T0 + end * hour)
    state = await books.sources.state("contoso", "graph-signins")

    assert [((start - T0) / hour, (end - T0) / hour) for start, end in state.requested] == [(0, 3), (5, 6), (9, 10)]

"""The account of what was collected: settled slice by slice, summed up by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from account_books import FIVE, NOW, T0, Books
from aoc_common.errors import Malformed, Unreachable
from aoc_common.store.accounts import GapCause
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.losses import LostWindow
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.page_ledger import PageOutcome
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


async def test_the_account_counts_records_not_understood_or_undated(books: Books) -> None:
    """Pages that an earlier version settled have no such counts: they count as none."""
    name = await books.fetched(0, 7, 8, records=6)
    one = PageOutcome("p7", "contoso", "graph-signins", name, 3, 0, 0, NOW, not_understood=2, undated=1)
    await books.ledger.pages_settled([one, replace(one, page="p8")])
    await books.database["ledger_pages"].update_one({"page": "p8"}, {"$unset": {"not_understood": 1, "undated": 1}})
    await books.account.settle(NOW, 10)

    account = await books.of()

    assert (account.records, account.stored, account.not_understood, account.undated) == (6, 6, 2, 1)


@pytest.fixture
async def books(database: Database) -> Books:
    await ensure_indexes(database, ACCOUNT)
    return Books(database)


async def test_a_slice_is_settled_when_the_normalizer_is_done_with_every_page(books: Books) -> None:
    first = await books.fetched(0, 5, 6, records=4)
    await books.settled(first, 5, stored=2)
    early = await books.account.settle(NOW, 100)
    before = await books.of()
    await books.settled(first, 6, stored=1, duplicate=1)
    late = await books.account.settle(NOW, 100)
    after = await books.of()

    assert (early, late) == (0, 1)
    assert (before.unsettled, before.complete_until, before.records) == (1, T0, 0)
    assert (after.unsettled, after.complete_until, after.watermark) == (0, T0 + FIVE, T0 + FIVE)
    assert (after.slices, after.pages, after.records, after.stored, after.duplicate) == (1, 2, 4, 3, 1)


async def test_complete_until_stops_before_the_first_slice_that_is_not_settled(books: Books) -> None:
    names = [await books.fetched(number, 10 + number, records=1) for number in range(4)]
    for number in (0, 1, 3):
        await books.settled(names[number], 10 + number)
    await books.account.settle(NOW, 100)

    assert (await books.of()).complete_until == T0 + 2 * FIVE
    assert (await books.of()).watermark == T0 + 4 * FIVE


async def test_an_empty_slice_is_settled_at_once(books: Books) -> None:
    await books.fetched(0)

    assert await books.account.settle(NOW, 100) == 1
    assert (await books.of()).complete_until == T0 + FIVE


async def test_settling_again_changes_nothing(books: Books) -> None:
    await books.settled(await books.fetched(0, 5, records=1), 5)
    await books.account.settle(NOW, 100)
    once = await books.of()

    assert await books.account.settle(NOW, 100) == 0
    assert await books.of() == once


async def test_5_a_slice_settles_by_the_set_of_its_pages_and_not_by_their_number(books: Books) -> None:
    """Two tries: one with pages 10 to 14, one with 10 and 100 to 103. Five are settled, and five are not."""
    name = await books.fetched(0, 10, 11, 12, 13, 14, records=5)
    await books.fetched(0, 10, 100, 101, 102, 103, records=5)
    await books.settled(name, 10, 11, 12, 13, 14)
    early = await books.account.settle(NOW, 100)
    before = await books.of()
    await books.settled(name, 100, 101, 102, stored=0, duplicate=1)
    almost = await books.account.settle(NOW, 100)
    await books.settled(name, 103, stored=0, duplicate=1)
    late = await books.account.settle(NOW, 100)
    account = await books.of()

    assert (early, almost, late) == (0, 0, 1)
    assert before.complete_until == T0
    assert (account.slices, account.stored, account.duplicate, account.complete_until) == (1, 5, 4, T0 + FIVE)


async def test_a_page_that_was_settled_before_it_was_noted_holds_nothing_up(books: Books) -> None:
    name = "contoso/graph-signins/0"
    await books.settled(name, 5, stored=2)
    await books.fetched(0, 5, records=2)

    assert await books.account.settle(NOW, 100) == 1
    assert (await books.of()).stored == 2


async def test_slices_that_wait_for_their_pages_are_not_looked_at_again(books: Books, monkeypatch) -> None:
    for number in range(3):
        await books.fetched(number, number + 1, records=1)
    await books.account.settle(NOW, 100)
    looked = []
    original = books.account._settled

    async def watched(fetched, at):
        found = list(fetched)
        looked.extend(found)
        return await original(found, at)

    monkeypatch.setattr(books.account, "_settled", watched)
    await books.account.settle(NOW, 100)
    await books.settled("contoso/graph-signins/1", 2)
    await books.account.settle(NOW, 100)

    assert [one["_id"] for one in looked] == ["contoso/graph-signins/1"]


async def test_a_page_of_an_earlier_try_that_comes_after_its_slice_was_settled_is_counted(books: Books) -> None:
    # The collector died between the bus and the ledger: nobody has noted page 5.
    name = await books.fetched(0, 9, records=2)
    await books.settled(name, 9, stored=0, duplicate=2)
    await books.account.settle(NOW, 100)
    before = await books.of()
    await books.settled(name, 5, stored=2)
    await books.account.settle(NOW, 100)
    after = await books.of()

    assert (before.stored, after.stored, after.slices, after.unsettled) == (0, 2, 1, 0)


async def test_days_that_a_crash_left_without_their_sum_are_summed_up_later(books: Books, monkeypatch) -> None:
    await books.settled(await books.fetched(0, 5, records=2), 5, stored=2)

    async def crash(*_):
        raise Unreachable("away")

    with monkeypatch.context() as patched:
        patched.setattr(MongoAccount, "_sum_up", crash)
        with pytest.raises(Unreachable):
            await books.account.settle(NOW, 100)
    before = await books.of()
    await books.account.settle(NOW, 100)

    assert (before.stored, (await books.of()).stored) == (0, 2)


async def test_a_page_that_comes_while_its_slice_is_being_settled_is_counted(books: Books, monkeypatch) -> None:
    name = await books.fetched(0, 9, records=2)
    await books.settled(name, 9, stored=0, duplicate=2)
    looked = books.account._settled

    async def late(fetched, at):
        found = await looked(fetched, at)
        await books.settled(name, 5, stored=2)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(books.account, "_settled", late)
        await books.account.settle(NOW, 100)
    await books.account.settle(NOW, 100)

    assert (await books.of()).stored == 2


async def test_a_failure_of_a_slice_that_could_not_be_opened_leaves_nothing_that_cannot_be_settled(
    books: Books,
) -> None:
    name = f"contoso/graph-signins/{0}"
    await books.ledger.slice_failed(name, "the store was away", NOW)
    await books.settled(await books.fetched(0, 5, records=1), 5)
    await books.account.settle(NOW, 100)

    assert (await books.of()).stored == 1


async def test_slices_that_never_come_to_rest_do_not_keep_others_from_being_settled(books: Books) -> None:
    for number in range(3):
        await books.fetched(number, 10 + number, records=1)
    await books.settled(await books.fetched(3, 5, records=1), 5)

    assert [await books.account.settle(NOW, 2) for _ in range(2)] == [0, 1]
    assert (await books.of()).stored == 1


async def test_a_failure_after_a_slice_was_fetched_does_not_take_it_out_of_the_account(books: Books) -> None:
    # As when the database moves the position and dies before it says so: nobody fetches that slice again.
    name = await books.fetched(0, 5, records=1)
    await books.ledger.slice_failed(name, "connection reset", NOW)
    await books.settled(name, 5)
    await books.account.settle(NOW, 100)

    assert (await books.of()).stored == 1


async def test_what_a_slice_published_that_was_given_up_counts_and_holds_nothing_up(books: Books) -> None:
    await books.settled(await books.fetched(0, 5, records=1), 5)
    given_up = "contoso/graph-signins/1"
    await books.ledger.open_slice(given_up, "contoso", "graph-signins", T0 + FIVE, T0 + 2 * FIVE)
    await books.settled(given_up, 7, stored=3)
    await books.ledger.slice_abandoned(given_up, NOW)
    await books.account.settle(NOW, 100)
    account = await books.of()

    assert account.complete_until == T0 + FIVE
    assert (account.stored, account.records) == (4, 4)


@pytest.mark.parametrize("given_up", ["after it was fetched, by one who was away", "before it was fetched after all"])
async def test_a_slice_that_somebody_gave_up_is_not_complete_before_its_pages_are_settled(
    books: Books, given_up: str
) -> None:
    await books.settled(await books.fetched(0, 5, records=1), 5)
    name = await books.fetched(1, 6, records=1)
    if given_up.startswith("before"):
        await books.ledger.open_slice(name, "contoso", "graph-signins", T0 + FIVE, T0 + 2 * FIVE)
    await books.ledger.slice_abandoned(name, NOW)
    if given_up.startswith("before"):
        await books.fetched(1, 6, records=1)
    await books.account.settle(NOW, 100)

    assert (await books.of()).complete_until == T0 + FIVE


async def test_years_are_summed_up_by_source_and_tenants_kept_apart(books: Books, database: Database) -> None:
    for number in (0, 1, 200, 400):
        await books.settled(await books.fetched(number, 20 + number, records=1), 20 + number)
    await books.settled(await books.fetched(0, 7, records=1, tenant="fabrikam"), 7, stored=0, quarantined=1)
    await books.account.settle(NOW, 3)
    await books.account.settle(NOW, 3)
    account, other = await books.of(), await books.of(tenant="fabrikam")

    assert (account.slices, account.stored, account.since) == (4, 4, T0.replace(hour=0))
    assert (other.slices, other.stored, other.quarantined) == (1, 0, 1)
    assert await database["ledger_sums"].count_documents({"tenant": "contoso"}) == 1


async def test_content_that_waits_or_has_expired_is_a_gap(books: Books) -> None:
    blobs = [ContentBlob(f"b{n}", "uri", T0 + n * FIVE, T0 + timedelta(days=7)) for n in range(4)]
    await books.ledger.listed("contoso", "o365-exchange", blobs, NOW)
    await books.ledger.mark_fetched("contoso", "o365-exchange", {"b0": 3}, "contoso/o365-exchange/0", NOW)
    await books.ledger.mark_expired("contoso", "o365-exchange", "b1", NOW)
    await books.sources.advance("contoso", "o365-exchange", NOW, NOW)
    await books.account.settle(NOW, 100)
    account = await books.of("o365-exchange")

    assert (account.blobs_fetched, account.blobs_waiting, account.blobs_expired) == (1, 2, 1)
    assert [(gap.cause, gap.start, gap.end, gap.closable, gap.items) for gap in account.gaps] == [
        (GapCause.EXPIRED, T0 + FIVE, T0 + FIVE, False, 1),
        (GapCause.WAITING, T0 + 2 * FIVE, T0 + 3 * FIVE, True, 2),
    ]
    assert account.gaps[1].detail == "the first of it expires at 2026-11-30T08:00:00Z"


async def test_what_is_lost_for_good_is_a_gap_noted_once(books: Books) -> None:
    await books.fetched(11)
    lost = LostWindow(T0 - timedelta(days=9), T0 - timedelta(days=7), "content can be listed no more")
    for at in (T0, NOW):
        await books.ledger.note_loss("contoso", "graph-signins", lost, at)
    [gap] = (await books.of()).gaps

    assert (gap.cause, gap.start, gap.end, gap.closable, gap.detail) == (
        GapCause.LOST,
        lost.start,
        lost.end,
        False,
        lost.reason,
    )


async def test_a_source_that_is_behind_has_a_gap_with_its_reason(books: Books) -> None:
    await books.fetched(0)
    await books.sources.note_error("contoso", "graph-signins", "Refused: AuditLog.Read.All is missing", NOW)
    [gap] = (await books.of()).gaps

    assert (gap.cause, gap.start, gap.end, gap.closable) == (GapCause.BEHIND, T0 + FIVE, NOW, True)
    assert gap.detail == "Refused: AuditLog.Read.All is missing"


async def test_a_tenant_that_is_no_slug_is_refused(books: Books) -> None:
    with pytest.raises(Malformed):
        await books.account.accounts("a/b", NOW)


async def _forgotten(books: Books, at: datetime) -> None:
    """The server removes what has expired."""
    for name in ("ledger_pages", "ledger_slices"):
        await books.database[name].delete_many({"expire_at": {"$lte": at}})


async def test_pages_are_kept_until_their_slice_is_settled_however_long_that_takes(books: Books) -> None:
    name = await books.fetched(0, 5, 6, records=4)
    await books.settled(name, 5, stored=2)
    await books.account.settle(NOW, 100)
    later = NOW + timedelta(days=120)
    await _forgotten(books, later)
    await books.settled(name, 6, stored=2)

    assert await books.account.settle(later, 100) == 1
    assert (await books.of()).stored == 4
    await _forgotten(books, later + timedelta(days=89))
    assert await books.database["ledger_pages"].count_documents({}) == 2
    await _forgotten(books, later + timedelta(days=91))
    assert await books.database["ledger_pages"].count_documents({}) == 0


async def test_a_record_that_is_tried_again_and_again_finds_the_pages_of_its_slice(books: Books) -> None:
    name = await books.fetched(0, 5, 6, records=2)
    await books.settled(name, 5)
    await books.settled(name, 6, stored=0, quarantined=1)
    await books.account.settle(NOW, 100)
    for number in (1, 2, 3):
        later = NOW + number * timedelta(days=79)
        await _forgotten(books, later)
        await books.settled(name, 6 + number, stored=0, quarantined=1)
        await books.account.settle(later, 100)
    account = await books.of()

    assert (account.stored, account.quarantined, account.unsettled) == (1, 4, 0)


@pytest.mark.parametrize("abandoned", [False, True])
async def test_an_account_that_was_closed_before_its_pages_were_forgotten_stays_when_one_comes_again(
    books: Books, abandoned
) -> None:
    name = await books.fetched(0, 5, 6, records=4)
    if abandoned:
        await books.ledger.slice_abandoned(name, NOW)
    await books.settled(name, 5, 6, stored=2)
    await books.account.settle(NOW, 100)
    later = NOW + timedelta(days=91)
    await _forgotten(books, later)
    # Its acknowledgement was lost, and no normalizer ran meanwhile.
    await books.settled(name, 6, stored=2)
    await books.account.settle(later, 100)
    account = await books.of()

    assert (account.stored, account.unsettled) == (4, 0)


async def test_a_slice_that_was_given_up_is_kept_as_long_as_what_it_published_can_be_tried_again(books: Books) -> None:
    given_up = "contoso/graph-signins/0"
    await books.ledger.open_slice(given_up, "contoso", "graph-signins", T0, T0 + FIVE)
    await books.settled(given_up, 7, stored=3, quarantined=1)
    await books.ledger.slice_abandoned(given_up, NOW)
    await books.sources.advance("contoso", "graph-signins", T0, NOW)
    await books.account.settle(NOW, 100)
    later = NOW + timedelta(days=30)
    await _forgotten(books, later)
    await books.settled(given_up, 8, stored=1)
    await books.account.settle(later, 100)

    assert (await books.of()).stored == 4


async def test_a_page_that_is_settled_stays_as_it_was_whatever_is_said_of_it_later(books: Books) -> None:
    name = await books.fetched(0, 5, 6, records=4)
    await books.settled(name, 5, stored=2)
    await books.settled(name, 5, 6, stored=0, duplicate=2)
    await books.account.settle(NOW, 100)
    account = await books.of()

    assert (account.stored, account.duplicate) == (2, 2)


async def test_a_slice_that_was_tried_again_gave_no_fewer_records_than_became_something(books) -> None:
    # The second try finds one of the five only: the others stand in content that is known to be fetched.
    name = await books.fetched(0, 10, 11, records=1)
    await books.settled(name, 10, stored=4)
    await books.settled(name, 11, stored=1)
    await books.account.settle(NOW, 100)
    account = await books.of()

    assert (account.stored, account.records) == (5, 5)

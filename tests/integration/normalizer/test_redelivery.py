"""A raw page that more than one replica works on, or one replica twice, whatever its delivery count says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.integration.normalizer.test_twins import graph_page, in_graph, in_unified, unified_page

from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.page_ledger import SliceTotals
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched
from redelivering import NOW

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


async def test_a_replica_that_was_paused_while_another_did_its_page_changes_nothing(replicas) -> None:
    paused, other = replicas
    page = await paused.mapped("s", "a", "b")
    await other.takes(page)
    await paused.takes(page)

    assert (len(other.published), paused.published) == (2, [])
    assert await paused.totals("s") == SliceTotals(pages=1, stored=2)


async def test_what_a_replica_stored_before_it_died_is_published_by_the_one_that_was_paused(replicas) -> None:
    paused, other = replicas
    page = await paused.mapped("s", "a", "b")
    await other.dies_with(page)
    await paused.takes(page)

    assert len(paused.published) == 2
    assert await paused.totals("s") == SliceTotals(pages=1, stored=2)


async def test_a_page_that_nobody_had_noted_is_missed_when_it_vanishes_in_work(replicas, database) -> None:
    first, second = replicas
    lost, ledger = await first.mapped("s", "a"), MongoLostPages(database)
    await first.dies_with(lost)
    waiting = await ledger.waiting(datetime.now(UTC) + timedelta(hours=1), None, 10)
    await ledger.mark_lost(lost.page.slice_id, [lost.page.id], NOW)
    await second.takes(await second.mapped("t", "a"))  # what is collected again has other pages

    assert [one.page for one in waiting] == [lost.page.id]
    assert len(second.published) == 1


async def test_pages_that_hold_one_record_may_come_again_in_another_order(replicas) -> None:
    first, second = replicas
    pages = [await first.mapped("s", "a"), await first.mapped("t", "a", "b")]
    await first.dies_with(*pages)
    await second.takes(*reversed(pages))

    assert len(second.published) == 2
    assert [await second.totals(name) for name in ("s", "t")] == [
        SliceTotals(pages=1, stored=1),
        SliceTotals(pages=1, stored=1, duplicate=1),
    ]


async def test_a_page_that_was_done_and_one_that_was_not_come_again_together(replicas) -> None:
    first, second = replicas
    done, undone = await first.mapped("s", "a"), await first.mapped("t", "b")
    await first.takes(done)
    await first.dies_with(undone)
    await second.takes(done, undone)

    assert (len(first.published), len(second.published)) == (1, 1)
    assert [(await second.totals(name)).stored for name in ("s", "t")] == [1, 1]


async def test_a_record_that_stands_twice_on_a_page_is_published_once_and_counts_as_a_duplicate(replicas) -> None:
    first, _ = replicas
    await first.takes(await first.mapped("s", "a", "a", "b"))

    assert len(first.published) == len(set(first.published)) == 2
    assert await first.totals("s") == SliceTotals(pages=1, stored=2, duplicate=1)


async def test_two_copies_of_a_page_in_one_batch_count_as_one(replicas) -> None:
    first, _ = replicas
    page = await first.mapped("s", "a", "b")
    await first.takes(page, page)

    assert (len(first.published), await first.totals("s")) == (2, SliceTotals(pages=1, stored=2))


async def test_a_record_that_can_never_be_stored_and_stands_twice_on_a_page_is_put_aside(
    replicas, database, monkeypatch
) -> None:
    first, _ = replicas
    insert = first.events.insert_encoded

    async def refuse(documents):
        if any(b'Id":"a"' in document for document in documents):
            raise Permanent("events: never")
        return await insert(documents)

    monkeypatch.setattr(first.events, "insert_encoded", refuse)
    await first.takes(await first.mapped("s", "a", "b", "a"))

    assert await first.totals("s") == SliceTotals(pages=1, stored=1, quarantined=2)


@pytest.fixture
def fetched(database: Database):
    """`await fetched(page)`: its slice is fetched, and was looked at while this page, its only one, was waiting."""

    async def on_the_bus(page) -> MongoAccount:
        raw, ledger, account = page.page, MongoLedger(database), MongoAccount(database)
        await ledger.open_slice(raw.slice_id, raw.tenant, raw.source, NOW - timedelta(hours=1), NOW)
        await ledger.note_pages([PublishedPage(raw.id, raw.tenant, raw.source, raw.slice_id, 1, NOW)])
        await ledger.slice_fetched(SliceFetched(raw.slice_id, 1, 1, NOW))
        assert await account.settle(NOW, 10) == 0
        return account

    return on_the_bus


async def _dead(*_):
    raise Unreachable("killed")


async def test_a_slice_settles_although_whoever_settled_its_last_page_died_before_it_said_so(
    replicas, fetched, monkeypatch
) -> None:
    dying, other = replicas
    page = await dying.mapped("s", "a")
    account = await fetched(page)
    monkeypatch.setattr(dying.ledger, "_touch", _dead)
    with pytest.raises(Unreachable):
        await dying.takes(page)
    await other.takes(page)

    assert (await account.settle(NOW, 10), await other.totals("s")) == (1, SliceTotals(pages=1, stored=1))
    assert len(dying.published + other.published) == 1


async def test_a_page_of_nothing_new_that_comes_again_when_its_slice_was_merged_stays_where_it_is(
    replicas, database
) -> None:
    first, paused = replicas
    await first.takes(await first.mapped("r", "a"))
    page = await paused.mapped("s", "a")
    await first.takes(page)
    await database["ledger_pages"].update_one({"page": page.page.id}, {"$set": {"slice_id": "contoso/merged"}})
    await paused.takes(page)

    assert (await first.totals("merged"), await first.totals("s")) == (SliceTotals(1, duplicate=1), SliceTotals())


async def test_a_page_that_is_taken_for_lost_while_it_is_in_work_counts_once(replicas, lost) -> None:
    slow, other = replicas
    page = await slow.mapped("s", "a", "b")
    publish = slow._writer._publish

    async def for_long(pages):
        await lost(page)
        return await publish(pages)

    slow._writer._publish = for_long
    with pytest.raises(Unreachable):
        await slow.takes(page)
    await other.takes(await other.mapped("t", "a", "b"))

    assert [(await other.totals(name)).stored for name in ("s", "t")] == [0, 2]
    # Under the name of the page that was lost: its mark says that they are there.
    assert set(slow.names + other.names) == {page.page.id}


async def test_what_a_page_stored_that_was_lost_and_is_on_the_bus_again_is_its_own(replicas, lost) -> None:
    first, second = replicas
    page = await first.mapped("s", "a", "b")
    await lost(page)
    await first.takes(page)
    await second.takes(await second.mapped("t", "a", "b"))

    assert (len(first.published), second.published) == (2, [])
    assert [await second.totals(name) for name in ("s", "t")] == [
        SliceTotals(pages=1, stored=2),
        SliceTotals(pages=1, duplicate=2),
    ]


async def test_a_lost_page_that_was_in_work_again_and_is_lost_once_more_is_found_once_more(
    replicas, lost, database
) -> None:
    first, second = replicas
    page = await first.mapped("s", "a")
    await lost(page)
    await first.dies_with(page)
    pages = MongoLostPages(database)
    [waiting] = await pages.waiting(datetime.now(UTC) + timedelta(hours=1), None, 10)
    await pages.mark_lost(waiting.slice_id, [waiting.page], NOW)
    await second.takes(await second.mapped("t", "a"))

    assert (len(second.published), (await second.totals("t")).stored) == (1, 1)


async def test_what_a_lost_page_had_published_alone_never_becomes_the_second_of_two_twins(
    database, replicas, lost, monkeypatch
) -> None:
    first, other = replicas
    unified = await first.page(unified_page(in_unified()))
    with monkeypatch.context() as patched:
        patched.setattr(first.ledger, "pages_settled", _dead)
        with pytest.raises(Unreachable):
            await first.takes(unified)
    await lost(unified)
    with monkeypatch.context() as patched:
        patched.setattr(other._writer._twins, "seconds", _dead)
        with pytest.raises(Unreachable):
            await other.takes(await other.page(graph_page(in_graph())))
    await first.takes(await first.page(unified_page(in_unified(), slice_id="contoso/again")))
    await other.takes(await other.page(graph_page(in_graph())))
    told = {one["source"]: one async for one in database["events"].find({})}

    assert len(told) == 2
    assert "twin_of" not in told["o365-azuread"]
    assert told["graph-directory-audits"]["twin_of"] == told["o365-azuread"]["_id"]


async def test_a_page_that_is_tried_again_in_another_slice_is_published_under_the_name_of_its_first_try(
    replicas,
) -> None:
    """Its marks tell what the first try published; by another name, a stream that keeps long held it twice."""
    first, second = replicas
    given_up = await first.mapped("s", "a", "b")
    await first.dies_with(given_up)
    again = await second.mapped("t", "a", "b")
    page = replace(again.page, page_before=given_up.page.id)
    await second.takes(replace(again, page=page))

    assert second.names == [given_up.page.id]
    assert (len(second.published), (await second.totals("t")).stored) == (2, 2)


async def test_a_page_that_was_purged_while_it_was_in_work_is_not_counted_again_by_who_brings_it_again(
    replicas, lost
) -> None:
    """It was given up as gone, and settled a moment later: its events were then counted as stored by two pages."""
    first, second = replicas
    in_work = await first.mapped("s", "a", "b")
    await first.dies_with(in_work)
    await lost(in_work)
    first.bus_is_away = False
    await first.takes(in_work)
    await second.takes(await second.mapped("t", "a", "b"))

    assert (len(first.published), second.published) == (2, [])
    assert [await second.totals(name) for name in ("s", "t")] == [
        SliceTotals(pages=1, stored=2),
        SliceTotals(pages=1, duplicate=2),
    ]


async def test_what_a_try_stored_that_failed_later_is_counted_as_arrived_and_once(replicas, database) -> None:
    first, second = replicas
    page = await first.mapped("s", "a", "b")
    await first.dies_with(page)
    await second.takes(page)
    await second.takes(await second.mapped("s", "a", "b"))
    counted = [one async for one in database["arrivals"].find({"source": "o365-exchange"})]

    assert sum(sum(one["hours"].values()) for one in counted) == 2

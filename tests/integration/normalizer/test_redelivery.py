"""A raw page that more than one replica works on, or one replica twice, whatever its delivery count says."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import orjson
import pytest
from tests.integration.normalizer.test_twins import graph_page, in_graph, in_unified, unified_page

from aoc_common.bus.atomic import Published
from aoc_common.clock import SystemClock
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.page_ledger import SliceTotals
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.flow import map_message
from writing import make_writer

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Replica:
    """The writing half of a normalizer; what it publishes is in `published`."""

    def __init__(self, database: Database) -> None:
        clock = SystemClock()
        self.published: list[str] = []
        self.names: list[str] = []
        self.bus_is_away = False
        self.events = MongoEvents(database, lambda *_: timedelta(days=30), clock)
        self.ledger = MongoLedger(database)
        self._writer = make_writer(database, self.events, self.ledger, self._publish, clock)

    async def mapped(self, slice_id: str, *names: str):
        records = [{"Id": name, "CreationTime": "2026-11-23T07:30:00", "Operation": "Set-Mailbox"} for name in names]
        return await self.page(RawPage("contoso", "o365-exchange", f"contoso/{slice_id}", NOW, orjson.dumps(records)))

    async def page(self, page: RawPage):
        message = SimpleNamespace(subject=page.subject, headers=page.headers(), data=page.body)
        return await map_message(message, self._learn, self.events.encoded, page.fetched_at)

    async def takes(self, *pages) -> None:
        await self._writer.write(pages)

    async def totals(self, slice_id: str) -> SliceTotals:
        return await self.ledger.totals("contoso", f"contoso/{slice_id}")

    async def _learn(self, wanted):
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    async def _publish(self, pages) -> list[Published]:
        if self.bus_is_away:
            raise Unreachable("bus away")
        self.names += [page.page for page in pages if page.messages]
        self.published += [one.headers["Nats-Msg-Id"] for page in pages for one in page.messages]
        return [Published() for _ in pages]


@pytest.fixture
def replicas(database: Database):
    return Replica(database), Replica(database)


async def test_a_replica_that_was_paused_while_another_did_its_page_changes_nothing(replicas) -> None:
    paused, other = replicas
    page = await paused.mapped("s", "a", "b")
    await other.takes(page)
    await paused.takes(page)

    assert (len(other.published), paused.published) == (2, [])
    assert await paused.totals("s") == SliceTotals(pages=1, stored=2)


async def test_what_a_replica_stored_before_it_died_is_published_by_the_one_that_was_paused(replicas) -> None:
    paused, other = replicas
    other.bus_is_away = True
    page = await paused.mapped("s", "a", "b")
    with pytest.raises(Unreachable):
        await other.takes(page)
    await paused.takes(page)

    assert len(paused.published) == 2
    assert await paused.totals("s") == SliceTotals(pages=1, stored=2)


async def test_a_page_that_nobody_had_noted_is_missed_when_it_vanishes_in_work(replicas, database) -> None:
    first, second = replicas
    lost, ledger = await first.mapped("s", "a"), MongoLostPages(database)
    first.bus_is_away = True
    with pytest.raises(Unreachable):
        await first.takes(lost)
    waiting = await ledger.waiting(datetime.now(UTC) + timedelta(hours=1), None, 10)
    await ledger.mark_lost(lost.page.slice_id, [lost.page.id], NOW)
    await second.takes(await second.mapped("t", "a"))  # what is collected again has other pages

    assert [one.page for one in waiting] == [lost.page.id]
    assert len(second.published) == 1


async def test_pages_that_hold_one_record_may_come_again_in_another_order(replicas) -> None:
    first, second = replicas
    pages = [await first.mapped("s", "a"), await first.mapped("t", "a", "b")]
    first.bus_is_away = True
    with pytest.raises(Unreachable):
        await first.takes(*pages)
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
    first.bus_is_away = True
    with pytest.raises(Unreachable):
        await first.takes(undone)
    await second.takes(done, undone)

    assert (len(first.published), len(second.published)) == (1, 1)
    assert [(await second.totals(name)).stored for name in ("s", "t")] == [1, 1]


@pytest.fixture
def lost(database: Database):
    """`await lost(page)`: a page that was stored, and was gone from the bus before it was settled."""

    async def give_up(page) -> None:
        raw, ledger = page.page, MongoLedger(database)
        await ledger.open_slice(raw.slice_id, raw.tenant, raw.source, NOW - timedelta(hours=1), NOW)
        await ledger.note_pages([PublishedPage(raw.id, raw.tenant, raw.source, raw.slice_id, 1, NOW)])
        await MongoLostPages(database).mark_lost(raw.slice_id, [raw.id], NOW)

    return give_up


async def test_1_what_a_page_stored_and_did_not_publish_before_it_was_gone_is_published_by_who_brings_it_again(
    replicas, lost
) -> None:
    first, second = replicas
    first.bus_is_away = True
    gone = await first.mapped("s", "a", "b")
    with pytest.raises(Unreachable):
        await first.takes(gone)
    await lost(gone)
    again = [await second.mapped("t", "a"), await second.mapped("u", "b", "c", "a")]
    await second.takes(*again)
    await second.takes(*again)

    assert len(second.published) == len(set(second.published)) == 3
    # Under the name of the page that is gone: had it been published, its marks would say so.
    assert {gone.page.id, again[1].page.id} == set(second.names)
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, stored=1),
        SliceTotals(pages=1, stored=2, duplicate=1),
    ]


async def test_a_page_that_was_adopted_and_is_gone_too_keeps_the_name_of_the_first(replicas, lost, database) -> None:
    first, second = replicas
    first.bus_is_away = True
    gone = await first.mapped("s", "a")
    with pytest.raises(Unreachable):
        await first.takes(gone)
    await lost(gone)
    middle = await first.mapped("t", "a")
    with pytest.raises(Unreachable):
        await first.takes(middle)
    await lost(middle)
    await second.takes(await second.mapped("u", "a"))

    assert second.names == [gone.page.id]
    assert (len(second.published), (await second.totals("u")).stored) == (1, 1)


@pytest.fixture
async def unpublished(replicas):
    """A page that was stored and not published, by a replica that has died."""
    first, _ = replicas
    first.bus_is_away = True
    page = await first.mapped("s", "a")
    with pytest.raises(Unreachable):
        await first.takes(page)
    return page


async def test_a_page_that_is_settled_takes_on_nothing_of_one_that_is_gone_only_later(
    replicas, lost, unpublished
) -> None:
    _, second = replicas
    settled = await second.mapped("t", "a")
    await second.takes(settled)
    await lost(unpublished)
    # It comes once more: its consumer was made anew, say.
    await second.takes(settled)
    assert not second.published

    await second.takes(await second.mapped("u", "a"))
    assert second.names == [unpublished.page.id]
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, duplicate=1),
        SliceTotals(pages=1, stored=1),
    ]


@pytest.mark.parametrize("dies", [True, False], ids=["and dies", "and ends"])
async def test_a_page_that_takes_something_on_at_one_delivery_is_not_settled_by_another_that_knows_nothing_of_it(
    replicas, lost, unpublished, monkeypatch, dies
) -> None:
    first, second = replicas
    page = await second.mapped("t", "a")
    put_aside = second._writer._put_aside

    async def taken_on_meanwhile(batch) -> None:
        if not first.names:
            await lost(unpublished)
            first.bus_is_away = dies
            with pytest.raises(Unreachable) if dies else nullcontext():
                await first.takes(page)
        await put_aside(batch)

    monkeypatch.setattr(second._writer, "_put_aside", taken_on_meanwhile)
    await second.takes(page)
    await second.takes(page)

    assert first.names + second.names == [unpublished.page.id]
    assert await second.totals("t") == SliceTotals(pages=1, stored=1)


async def test_what_a_delivery_took_on_before_it_died_is_settled_by_the_next(replicas, lost, unpublished) -> None:
    first, second = replicas
    await lost(unpublished)
    pages = [await first.mapped("t", "a", "b"), await first.mapped("u", "c")]
    with pytest.raises(Unreachable):
        await first.takes(*pages)
    await second.takes(*pages)

    # What the second publishes again as it hears of the first has marks on the bus.
    assert {*second.names} == {unpublished.page.id, *(page.page.id for page in pages)}
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, stored=2),
        SliceTotals(pages=1, stored=1),
    ]


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
    first.bus_is_away = True
    with pytest.raises(Unreachable):
        await first.takes(page)
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
    first.bus_is_away = True
    given_up = await first.mapped("s", "a", "b")
    with pytest.raises(Unreachable):
        await first.takes(given_up)
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
    first.bus_is_away = True
    in_work = await first.mapped("s", "a", "b")
    with pytest.raises(Unreachable):
        await first.takes(in_work)
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
    first.bus_is_away = True
    with pytest.raises(Unreachable):
        await first.takes(page)
    await second.takes(page)
    await second.takes(await second.mapped("s", "a", "b"))
    counted = [one async for one in database["arrivals"].find({"source": "o365-exchange"})]

    assert sum(sum(one["hours"].values()) for one in counted) == 2

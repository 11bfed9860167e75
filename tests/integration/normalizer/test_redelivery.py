"""A raw page that more than one replica works on, or one replica twice, whatever its delivery count says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import orjson
import pytest

from aoc_common.bus.atomic import Published
from aoc_common.clock import SystemClock
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.twins import MongoTwins
from aoc_common.store.ports import PublishedPage, SliceTotals
from aoc_normalizer.flow import map_message
from aoc_normalizer.knowledge import NOTHING
from aoc_normalizer.twins import Twins
from aoc_normalizer.writer import Writer

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
        self._writer = Writer(
            self.events, MongoEventVersions(database), Twins(MongoTwins(database), lambda _: "graph", clock),
            self.ledger, MongoQuarantine(database), MongoArrivals(database), self._publish, clock,
        )  # fmt: skip

    async def mapped(self, slice_id: str, *names: str):
        records = [{"Id": name, "CreationTime": "2026-11-23T07:30:00", "Operation": "Set-Mailbox"} for name in names]
        page = RawPage("contoso", "o365-exchange", f"contoso/{slice_id}", NOW, orjson.dumps(records))
        message = SimpleNamespace(subject=page.subject, headers=page.headers(), data=page.body)
        return await map_message(message, self._learn, self.events.encoded)

    async def takes(self, *pages) -> None:
        await self._writer.write(pages)

    async def totals(self, slice_id: str) -> SliceTotals:
        return await self.ledger.totals("contoso", f"contoso/{slice_id}")

    async def _learn(self, wanted):
        return dict.fromkeys(wanted, NOTHING)

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
        await MongoLostPages(database).gone(raw.slice_id, [raw.id], NOW)

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

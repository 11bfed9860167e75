"""A slice whose job was lost is closed once later slices have its time: what its pages gave is in the account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.overtaken import MongoOvertaken
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_normalizer.upkeep.overtaken_slices import OvertakenSlices
from manual_clock import ManualClock

START = datetime(2026, 11, 26, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = timedelta(minutes=10)
SOURCE = "graph-signins"
LOST = f"contoso/{SOURCE}/lost"


class Books:
    """A ledger, and what looks after it."""

    def __init__(self, database, clock: ManualClock) -> None:
        self.clock = clock
        self.ledger, self.sources = MongoLedger(database, clock), MongoSources(database)
        self.backlog, self.account = MongoBacklog(database), MongoAccount(database)
        self.looking = OvertakenSlices(MongoOvertaken(database), clock, PATIENCE)

    async def begun(self, *, records: int = 3) -> None:
        """A slice that gave one page, and of which nothing was heard any more."""
        await self.ledger.open_slice(LOST, "contoso", SOURCE, START, START + HOUR)
        await self.ledger.pages_settled([PageOutcome("p", "contoso", SOURCE, LOST, records, 0, 0, self.clock.now())])

    async def others_have(self, until: datetime) -> None:
        await self.sources.advance("contoso", SOURCE, until, self.clock.now())

    async def looked(self, *, for_: timedelta = 2 * PATIENCE) -> int:
        closed = await self.looking.look()
        self.clock.advance(for_.total_seconds())
        return closed + await self.looking.look()

    async def stored(self) -> int:
        await self.account.settle(self.clock.now(), 100)
        return sum(one.stored for one in await self.account.accounts("contoso", self.clock.now()))


@pytest.fixture
async def books(database):
    await ensure_indexes(database)
    return Books(database, ManualClock(START + 2 * HOUR))


async def test_what_a_slice_gave_whose_time_others_have_counts(books) -> None:
    await books.begun()
    before = await books.stored()
    await books.others_have(START + HOUR)

    assert await books.looked() == 1
    assert (before, await books.stored()) == (0, 3)


async def test_a_slice_that_a_clock_three_days_ahead_began_is_closed_as_soon(books, database) -> None:
    ahead = Books(database, ManualClock(books.clock.now() + timedelta(days=3)))
    await ahead.begun()
    await books.others_have(START + HOUR)

    assert await books.looked() == 1


@pytest.mark.parametrize(("collected", "waited"), [(timedelta(minutes=59), 2 * PATIENCE), (HOUR, timedelta(minutes=9))])
async def test_a_slice_that_others_have_not_collected_or_only_just_stays_open(books, collected, waited) -> None:
    await books.begun()
    await books.others_have(START + collected)

    assert await books.looked(for_=waited) == 0
    assert await books.stored() == 0


async def test_a_slice_in_a_stretch_that_is_still_to_be_collected_stays_open(books) -> None:
    await books.begun()
    await books.others_have(START + 2 * HOUR)
    stretch = Stretch("contoso", SOURCE, Cause.BEHIND, "s", START - HOUR, START + 2 * HOUR, START)
    await books.backlog.add(stretch, books.clock.now())

    assert await books.looked() == 0
    await books.backlog.advance(stretch.id, START + HOUR, books.clock.now())
    assert await books.looked() == 1


async def test_a_slice_that_somebody_tries_again_stays_open(books) -> None:
    await books.begun()
    await books.others_have(START + HOUR)
    await books.looking.look()
    books.clock.advance(2 * PATIENCE.total_seconds())
    await books.ledger.open_slice(LOST, "contoso", SOURCE, START, START + HOUR)

    assert await books.looking.look() == 0


async def test_a_closed_slice_that_is_tried_again_all_the_same_is_ended_as_any_other(books) -> None:
    await books.begun()
    await books.others_have(START + HOUR)
    await books.looked()
    await books.stored()
    await books.ledger.open_slice(LOST, "contoso", SOURCE, START, START + HOUR)

    assert await books.looked() == 1
    assert await books.stored() == 3

"""What any store promises that takes back what a wrong clock has claimed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from aoc_collector.loss_letters import dead_letter_of
from aoc_collector.sources.base import Loss, Window
from aoc_common.contracts.jobs import CollectJob
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.blob_retries import PATIENCE
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.losses import LostWindow
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.blob_retries import MongoBlobRetries
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.clock_corrections import MongoClockCorrections
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.slices import EmptySlice
from aoc_common.store.sources import SourceState
from indexed import ACCOUNT
from memory import MemoryBacklog, MemoryClockCorrections

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINE = ("contoso", "graph-signins")


def stretch(name, begin, end, cause=Cause.BEHIND):
    return Stretch(*MINE, cause, name, begin, end, begin)


class InMemory:
    def __init__(self):
        self.backlog, self._states = MemoryBacklog(), {}
        self.corrections = MemoryClockCorrections(self.backlog, self._states)

    async def open_slice(self, begin, end):
        self.corrections.slices.append((*MINE, begin, end))

    async def advance(self, position, at):
        self._states[MINE] = SourceState(*MINE, position=position, last_success=at, started_at=NOW - DAY)

    async def state(self):
        return self._states[MINE]


class InMongo:
    def __init__(self, database):
        self.backlog, self.corrections = MongoBacklog(database), MongoClockCorrections(database)
        self._ledger, self._sources = MongoLedger(database), MongoSources(database)

    async def open_slice(self, begin, end):
        await self._ledger.open_slice(f"{begin}..{end}", *MINE, begin, end)

    async def advance(self, position, at):
        await self._sources.advance(*MINE, position, NOW - DAY)
        await self._sources.advance(*MINE, position, at)

    async def state(self):
        return await self._sources.state(*MINE)


@pytest.fixture(params=["memory", "mongo"])
async def books(request, database):
    if request.param == "memory":
        return InMemory()
    await ensure_indexes(database, ACCOUNT)
    return InMongo(database)


async def test_doubt_begins_where_the_first_begins_that_reaches_past_now(books):
    assert await books.corrections.first_in_future(*MINE, NOW) is None

    await books.open_slice(NOW - 2 * HOUR, NOW - HOUR)
    await books.backlog.add(stretch("fine", NOW - 9 * HOUR, NOW - 8 * HOUR), NOW)
    assert await books.corrections.first_in_future(*MINE, NOW) is None

    await books.open_slice(NOW - HOUR, NOW + DAY)
    assert await books.corrections.first_in_future(*MINE, NOW) == NOW - HOUR

    await books.backlog.add(stretch("ahead", NOW - 3 * HOUR, NOW + DAY), NOW)
    await books.backlog.add(stretch("asked", NOW - DAY, NOW + DAY, Cause.ASKED), NOW)
    assert await books.corrections.first_in_future(*MINE, NOW) == NOW - 3 * HOUR


async def test_what_was_noted_ahead_names_its_source_until_it_is_withdrawn(books):
    assert await books.corrections.noted_ahead("contoso", NOW) == set()

    await books.backlog.add(stretch("fine", NOW - 9 * HOUR, NOW), NOW)
    await books.backlog.add(stretch("asked", NOW - DAY, NOW + DAY, Cause.ASKED), NOW)
    assert await books.corrections.noted_ahead("contoso", NOW) == set()

    await books.backlog.add(stretch("ahead", NOW - 3 * HOUR, NOW + DAY), NOW)
    assert await books.corrections.noted_ahead("contoso", NOW) == {"graph-signins"}
    assert await books.corrections.noted_ahead("fabrikam", NOW) == set()
    await books.corrections.withdraw(*MINE, NOW)
    await books.backlog.add(stretch("turn", NOW - 3 * HOUR, NOW - HOUR, Cause.LATE), NOW + 3 * DAY)
    assert await books.corrections.noted_ahead("contoso", NOW) == {"graph-signins"}
    await books.corrections.withdraw(*MINE, NOW)
    assert await books.corrections.noted_ahead("contoso", NOW) == set()


async def test_what_was_withdrawn_is_not_collected_and_still_tells_where_doubt_begins(books):
    kept = [stretch("fine", NOW - 9 * HOUR, NOW), stretch("asked", NOW - DAY, NOW + DAY, Cause.ASKED)]
    for one in [*kept, stretch("ahead", NOW - 3 * HOUR, NOW + DAY)]:
        await books.backlog.add(one, NOW)
    await books.corrections.withdraw(*MINE, NOW)
    await books.corrections.withdraw(*MINE, NOW)

    assert [one.name for one in await books.backlog.waiting("contoso")] == ["fine", "asked"]
    assert await books.corrections.first_in_future(*MINE, NOW) == NOW - 3 * HOUR


async def test_a_re_scan_of_the_future_can_be_added_again_when_its_time_comes(books):
    rescan = stretch("turn", NOW - 3 * HOUR, NOW - HOUR, Cause.LATE)
    await books.backlog.add(rescan, NOW + 3 * DAY)
    await books.backlog.advance(rescan.id, rescan.end, NOW + 3 * DAY)
    await books.corrections.withdraw(*MINE, NOW)
    await books.backlog.add(rescan, NOW + HOUR)

    assert [one.name for one in await books.backlog.waiting("contoso")] == ["turn"]


async def test_a_position_is_pulled_back_only_when_it_is_still_the_one_that_was_seen(books):
    await books.advance(NOW + 3 * DAY, NOW + 3 * DAY)
    seen = SimpleNamespace(right=NOW + 3 * DAY, wrong=NOW + DAY)

    assert await books.corrections.pull_back(*MINE, seen.wrong, NOW - HOUR, NOW) is False
    assert await books.corrections.pull_back(*MINE, seen.right, NOW - HOUR, NOW) is True
    state = await books.state()
    assert (state.position, state.last_success, state.started_at) == (NOW - HOUR, NOW, NOW - DAY)


async def test_a_gap_that_a_clock_ahead_has_made_up_is_taken_back_and_its_time_is_doubtful(database):
    await ensure_indexes(database, ACCOUNT)
    corrections, ledger = MongoClockCorrections(database), MongoLedger(database)
    wrong, true = NOW + 8 * DAY, LostWindow(NOW - 20 * DAY, NOW - 19 * DAY, "older than Microsoft keeps it")
    await ledger.note_loss(*MINE, true, NOW - 9 * DAY)
    await ledger.note_loss(*MINE, LostWindow(NOW - 5 * DAY, NOW + DAY, "older than Microsoft keeps it"), wrong)
    stood = LostWindow(NOW - HOUR, NOW + DAY, "its subscription did not run")
    await ledger.note_loss(*MINE, stood, wrong)
    blob = ContentBlob("a", "https://x/a", NOW - DAY, NOW + 6 * DAY)
    await ledger.listed(*MINE, [blob], NOW)
    waiting = MongoBlobRetries(database)
    for _ in range(PATIENCE):
        await waiting.failed(*MINE, {blob: "HTTP 500"}, NOW)
    expired = await waiting.expire(*MINE, NOW - 9 * DAY, wrong)

    begin = await corrections.first_in_future(*MINE, NOW)
    ahead = await corrections.noted_ahead("contoso", NOW)
    await corrections.withdraw(*MINE, NOW)

    assert (expired, begin, ahead) == (1, NOW - 5 * DAY, {"graph-signins"})
    assert await corrections.noted_ahead("contoso", NOW) == set()
    left = [one["start"] async for one in database["ledger_gaps"].find({}).sort("start", 1)]
    assert left == [true.start, stood.start]
    assert await waiting.due(*MINE, NOW, 10) == [blob]


def _too_old(begin, at, reason):
    job = CollectJob(tenant=MINE[0], source=MINE[1], start=begin, end=begin + DAY)
    return dead_letter_of(job, Loss(reason, window=Window(begin, begin + DAY)), at)


async def test_a_gap_that_is_taken_back_leaves_no_dead_letter_behind(database):
    await ensure_indexes(database, ACCOUNT)
    letters = MongoDeadLetters(database)
    for begin, at, reason in (
        (NOW - 20 * DAY, NOW - 9 * DAY, "older than Microsoft keeps it"),
        (NOW - 5 * DAY, NOW + 8 * DAY, "older than Microsoft keeps it"),
        (NOW - 6 * DAY, NOW + 8 * DAY, "its subscription did not run"),
    ):
        await letters.put(_too_old(begin, at, f"{begin:%F} is {reason}"), 0, "")

    await MongoClockCorrections(database).withdraw("contoso", "graph-directory-audits", NOW)
    untouched = await database["dead_letters"].count_documents({"state": "open"})
    for _ in range(2):
        await MongoClockCorrections(database).withdraw(*MINE, NOW)

    still_open = {one["reason"] async for one in database["dead_letters"].find({"state": "open"})}
    assert untouched == 3
    assert still_open == {
        f"{NOW - 20 * DAY:%F} is older than Microsoft keeps it", f"{NOW - 6 * DAY:%F} is its subscription did not run"
    }  # fmt: skip


async def test_nothing_is_called_complete_that_is_still_to_come(database):
    await ensure_indexes(database, ACCOUNT)
    ledger, sources = MongoLedger(database), MongoSources(database)
    await sources.advance(*MINE, NOW - HOUR, NOW - HOUR)
    await sources.advance(*MINE, NOW + 3 * DAY, NOW + 3 * DAY)
    await ledger.slice_empty("x", EmptySlice(*MINE, NOW - HOUR, NOW + 3 * DAY, NOW + 3 * DAY))

    [account] = await MongoAccount(database).accounts("contoso", NOW)

    assert (account.watermark, account.complete_until) == (NOW + 3 * DAY, NOW - HOUR)

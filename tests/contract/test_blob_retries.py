"""What any store of blobs that could not be read promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.blob_retries import MongoBlobRetries
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from indexed import ACCOUNT
from memory import MemoryBlobRetries

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MINE = ("contoso", "o365-exchange")
BAD = ContentBlob("bad", "https://manage.example/bad", NOW - HOUR, NOW + 6 * DAY)


class Books:
    """The store, and a ledger in which blobs are listed and fetched."""

    def __init__(self, waiting, ledger=None):
        self.waiting = waiting
        self.known = set()
        self._ledger = ledger

    async def listed(self, *blobs):
        if self._ledger:
            await self._ledger.listed(*MINE, blobs, NOW)

    async def fetched(self, name):
        self.known.add(name)
        if self._ledger:
            await self._ledger.mark_fetched(*MINE, {name: 1}, "slice", NOW)

    async def fail(self, times, blob=BAD):
        for _ in range(times):
            told = await self.waiting.failed(*MINE, {blob: "HTTP 500"}, NOW)
        return told


@pytest.fixture(params=["memory", "mongo"])
async def books(request, database):
    if request.param == "memory":
        made = Books(None)
        made.waiting = MemoryBlobRetries(lambda: made.known)
        return made
    await ensure_indexes(database, ACCOUNT)
    return Books(MongoBlobRetries(database), MongoLedger(database))


async def test_failures_are_counted_and_from_the_third_on_the_blob_is_put_off(books):
    await books.listed(BAD)

    assert await books.fail(2) == {"bad": 2}
    assert await books.waiting.deferred(*MINE, ["bad", "other"], NOW) == set()
    assert await books.fail(1) == {"bad": 3}
    assert await books.waiting.deferred(*MINE, ["bad", "other"], NOW) == {"bad"}
    assert list(await books.waiting.due(*MINE, NOW, 9)) == []
    assert list(await books.waiting.due(*MINE, NOW + MINUTE, 9)) == [BAD]
    assert await books.waiting.deferred(*MINE, ["bad"], NOW + MINUTE) == set()


async def test_a_blob_that_fails_on_waits_longer_but_never_more_than_an_hour(books):
    await books.listed(BAD)
    await books.fail(40)

    assert list(await books.waiting.due(*MINE, NOW + 59 * MINUTE, 9)) == []
    assert list(await books.waiting.due(*MINE, NOW + HOUR, 9)) == [BAD]


async def test_the_first_wait_is_the_one_that_is_set_and_each_further_one_twice_as_long(database):
    books = Books(MongoBlobRetries(database, timedelta(seconds=5)), MongoLedger(database))
    await books.listed(BAD)

    for times, wait in ((3, timedelta(seconds=5)), (1, timedelta(seconds=10)), (40, HOUR)):
        await books.fail(times)
        assert list(await books.waiting.due(*MINE, NOW + wait - timedelta(seconds=1), 9)) == []
        assert list(await books.waiting.due(*MINE, NOW + wait, 9)) == [BAD]


async def test_a_next_try_that_a_wrong_clock_wrote_is_due(books):
    await books.listed(BAD)
    await books.fail(3)

    assert list(await books.waiting.due(*MINE, NOW - 3 * DAY, 9)) == [BAD]


async def test_what_expires_first_is_due_first_and_no_more_than_was_asked_for(books):
    first = ContentBlob("first", "https://manage.example/first", NOW - HOUR, NOW + DAY)
    await books.listed(BAD, first)
    await books.fail(3)
    await books.fail(3, first)

    assert list(await books.waiting.due(*MINE, NOW + HOUR, 1)) == [first]


async def test_what_is_fetched_fails_no_more(books):
    await books.listed(BAD)
    await books.fail(3)
    await books.fetched("bad")

    assert await books.fail(1) == {}
    assert list(await books.waiting.due(*MINE, NOW + HOUR, 9)) == []
    assert await books.waiting.expire(*MINE, NOW - DAY, NOW + 9 * DAY) == 0


async def test_what_was_never_fetched_expires_once(books):
    await books.listed(BAD)
    await books.fail(3)

    assert await books.waiting.expire(*MINE, NOW - DAY, NOW + DAY) == 0
    assert await books.waiting.expire(*MINE, NOW - DAY, NOW + 7 * DAY) == 1
    assert await books.waiting.expire(*MINE, NOW - DAY, NOW + 7 * DAY) == 0
    assert list(await books.waiting.due(*MINE, NOW + 7 * DAY, 9)) == []


async def test_the_account_shows_a_blob_that_cannot_be_read_as_waiting_and_then_as_expired(database):
    await MongoSources(database).advance(*MINE, NOW, NOW)
    books = Books(MongoBlobRetries(database), MongoLedger(database))
    await books.listed(BAD)
    await books.fail(3)
    [before] = await MongoAccount(database).accounts("contoso", NOW)
    await books.waiting.expire(*MINE, NOW - DAY, NOW + 7 * DAY)
    [after] = await MongoAccount(database).accounts("contoso", NOW)

    assert [(gap.cause, gap.closable, "HTTP 500" in gap.detail) for gap in before.gaps] == [("waiting", True, True)]
    assert [(gap.cause, gap.closable) for gap in after.gaps] == [("expired", False)]

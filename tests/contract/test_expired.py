"""Expired content: however much there is, an account counts days, and is exact wherever a crash comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aoc_common.errors import Unreachable
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.expired import MongoExpired
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from indexed import ACCOUNT

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MINE = ("contoso", "o365-exchange")
OLD, NEW = NOW - 60 * DAY, NOW - 8 * DAY


@pytest.fixture
async def expired(database):
    """Three blobs of two old days, and one that expired lately."""
    await ensure_indexes(database, ACCOUNT)
    await MongoSources(database).advance(*MINE, NOW, NOW)
    ledger = MongoLedger(database)
    for name, created in (("a", OLD), ("b", OLD + HOUR), ("c", OLD + DAY), ("new", NEW)):
        await ledger.listed(*MINE, [ContentBlob(name, "uri", created, created + 7 * DAY)], created)
        await ledger.mark_expired(*MINE, name, created + 7 * DAY)
    return MongoExpired(database)


async def told(database):
    [account] = await MongoAccount(database).accounts("contoso", NOW)
    return account.blobs_expired, [(gap.cause, gap.start, gap.end, gap.items) for gap in account.gaps]


async def test_an_account_is_the_same_when_old_content_is_counted_by_day(database, expired):
    before = await told(database)
    days = await expired.fold(NOW, 100)

    assert before == (4, [("expired", OLD, NEW, 4)])
    assert (days, await told(database)) == (2, before)
    assert await database["ledger_blobs"].count_documents({"state": "expired"}) == 1
    assert await expired.fold(NOW, 100) == 0


@pytest.mark.parametrize("crash", ["update_one", "update_many", "aggregate", "last"])
async def test_an_account_is_the_same_wherever_a_count_is_cut_short(database, expired, crash):
    before = await told(database)
    broken: Any = MongoExpired(database)

    class Dying:
        """A collection that dies when it is asked for one thing, or for it once more."""

        def __init__(self, inner, name, after=0):
            self.inner, self.name, self.left = inner, name, after

        def __getattr__(self, name):
            if name == self.name:
                if not self.left:
                    raise Unreachable("died")
                self.left -= 1
            return getattr(self.inner, name)

    if crash in {"update_one", "last"}:
        broken._gaps = Dying(broken._gaps, "update_one", int(crash == "last"))
    else:
        broken._blobs = Dying(broken._blobs, crash)
    with pytest.raises(Unreachable):
        await broken.fold(NOW, 100)

    assert await told(database) == before
    await expired.fold(NOW, 100)
    assert await told(database) == before
    assert await database["ledger_gaps"].count_documents({"open": {"$exists": True}}) == 0

"""The account of an import that put aside what it could not read, before any page, and of one that read nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.slices import SliceFetched
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
NAME = "contoso/import/damaged"


async def files(database: Database) -> SourceAccount:
    await MongoAccount(database).settle(NOW, 10)
    [account] = await MongoAccount(database).accounts("contoso", NOW)
    became = account.stored + account.changed + account.duplicate + account.quarantined + account.dead_lettered
    assert account.records == became
    return account


async def test_what_was_put_aside_while_reading_stays_in_the_account_when_it_is_tried_again_and_expires(
    database: Database,
) -> None:
    await ensure_indexes(database, ACCOUNT)
    ledger, quarantine = MongoLedger(database), MongoQuarantine(database)
    await ledger.open_slice(NAME, "contoso", "import", NOW, NOW)
    entries = [QuarantineEntry(key, "contoso", "import", NAME, "", "not JSON", "{", NOW) for key in ("a", "b")]
    await quarantine.put(entries)
    for _ in range(2):  # asked again after an outage, it is noted once
        await ledger.pages_settled([PageOutcome("read-1", "contoso", "import", NAME, 0, 0, 2, NOW)])
    await ledger.pages_settled([PageOutcome("p1", "contoso", "import", NAME, 2, 0, 0, NOW)])
    await ledger.slice_fetched(SliceFetched(NAME, 2, 4, NOW))
    fresh = await files(database)
    await ledger.pages_settled([PageOutcome("tried", "contoso", "import", NAME, 0, 0, 1, NOW)])
    tried = await files(database)
    await quarantine.expire(NOW + timedelta(days=400), timedelta(days=90))
    expired = await files(database)

    assert (fresh.records, fresh.stored, fresh.quarantined, fresh.waiting) == (4, 2, 2, 2)
    assert (tried.records, tried.quarantined) == (5, 3)
    assert (expired.records, expired.quarantined, expired.waiting) == (5, 3, 0)
    assert [gap.items for gap in expired.gaps] == [2]


async def test_an_import_that_failed_and_was_given_up_is_not_on_its_way(database: Database) -> None:
    await ensure_indexes(database, ACCOUNT)
    ledger = MongoLedger(database)
    await ledger.open_slice(NAME, "contoso", "import", NOW, NOW)
    await ledger.slice_failed(NAME, "no log", NOW)
    await ledger.slice_abandoned(NAME, NOW)

    assert (await files(database)).unsettled == 0

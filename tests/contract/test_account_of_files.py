"""The account of what came from files: it has no state of a source, and is as good as any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from aoc_common.store.accounts import GapCause
from aoc_common.store.losses import LostWindow
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.slices import SliceFetched
from indexed import ACCOUNT

if TYPE_CHECKING:
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LOST = LostWindow(NOW, NOW, "1 pages of import x were lost on the bus: import the files again")


@pytest.fixture
async def ledger(database: Database) -> MongoLedger:
    await ensure_indexes(database, ACCOUNT)
    return MongoLedger(database)


async def files(database: Database) -> SourceAccount:
    [account] = await MongoAccount(database).accounts("contoso", NOW)
    assert account.source == "import"
    return account


async def test_what_came_from_files_is_in_the_account_with_all_that_is_missing_of_it(ledger, database) -> None:
    name = "contoso/import/whole"
    await ledger.open_slice(name, "contoso", "import", NOW, NOW)
    await ledger.pages_settled([PageOutcome("p1", "contoso", "import", name, 2, 0, 1, NOW)])
    await ledger.slice_fetched(SliceFetched(name, 1, 3, NOW))
    await MongoAccount(database).settle(NOW, 10)
    whole = await files(database)
    await ledger.note_loss("contoso", "import", LOST, NOW)
    await ledger.open_slice("contoso/import/killed", "contoso", "import", NOW, NOW)
    left = await files(database)

    assert (whole.records, whole.stored, whole.quarantined, whole.unsettled, whole.gaps) == (3, 2, 1, 0, ())
    assert [(gap.cause, gap.closable, gap.detail) for gap in left.gaps] == [(GapCause.LOST, False, LOST.reason)]
    assert (left.unsettled, left.complete_until) == (1, None)


async def test_files_of_which_every_page_is_lost_are_in_the_account(ledger, database) -> None:
    await ledger.note_loss("contoso", "import", LOST, NOW)

    assert [gap.detail for gap in (await files(database)).gaps] == [LOST.reason]

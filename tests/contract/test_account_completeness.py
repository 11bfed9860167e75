"""The account, which reports are signed of, omits no loss, gap or import that the ledger has."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.store.accounts import GapCause
from aoc_common.store.arrivals import Arrivals
from aoc_common.store.losses import LostWindow
from aoc_common.store.mongo import account as account_module
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.slices import SliceFetched
from indexed import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.store.accounts import Gap
    from aoc_common.store.mongo.client import Database

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def lost(database: Database) -> Callable[..., Awaitable[tuple[Gap, ...]]]:
    """`await lost((9, 7, "why"), ...)`: note losses from so many days ago until so many; the gaps that are told."""
    await ensure_indexes(database, ACCOUNT)
    ledger = MongoLedger(database)
    await MongoSources(database).advance("contoso", "graph-signins", T0, T0)

    async def note(*losses: tuple[int, int, str]) -> tuple[Gap, ...]:
        for start, end, reason in losses:
            window = LostWindow(T0 - start * DAY, T0 - end * DAY, reason)
            await ledger.note_loss("contoso", "graph-signins", window, T0)
        [found] = await MongoAccount(database).accounts("contoso", T0)
        return found.gaps

    return note


async def test_a_loss_that_grows_is_a_gap_that_grows(lost) -> None:
    [gap] = await lost((9, 7, "listed no more"), (9, 5, "listed no more"), (9, 6, "listed no more"))

    assert (gap.start, gap.end) == (T0 - 9 * DAY, T0 - 5 * DAY)


async def test_too_many_gaps_to_list_become_one_gap_over_all_of_them(lost, monkeypatch) -> None:
    monkeypatch.setattr(account_module, "_GAPS_SHOWN", 3)
    gaps = await lost(*((day, day - 1, f"reason {day}") for day in range(9, 2, -1)))

    assert [gap.detail for gap in gaps] == ["reason 9", "reason 8", "5 gaps that lie between these times"]
    assert (gaps[2].cause, gaps[2].start, gaps[2].end, gaps[2].closable) == (
        GapCause.LOST,
        T0 - 7 * DAY,
        T0 - 2 * DAY,
        False,
    )


async def test_what_was_imported_is_in_the_account_and_claims_no_time(database: Database) -> None:
    await ensure_indexes(database, ACCOUNT)
    ledger, account = MongoLedger(database), MongoAccount(database)
    await ledger.open_slice("contoso/import/0", "contoso", "import", T0, T0)
    await ledger.slice_fetched(SliceFetched("contoso/import/0", 1, 3, T0))
    await ledger.pages_settled([PageOutcome("p1", "contoso", "import", "contoso/import/0", 2, 0, 1, T0)])
    await account.settle(T0, 10)
    [found] = await account.accounts("contoso", T0)

    assert (found.source, found.records, found.stored, found.quarantined) == ("import", 3, 2, 1)
    assert (found.watermark, found.complete_until, found.gaps) == (None, None, ())
    assert await account.accounts("fabrikam", T0) == []


@pytest.mark.parametrize(
    ("age", "newest", "complete"),
    [
        (timedelta(hours=3), None, timedelta(hours=-3)),
        (timedelta(hours=3), timedelta(hours=-4), timedelta(hours=-3)),
        (timedelta(hours=3), timedelta(hours=-1), timedelta()),
        (timedelta(hours=13), None, timedelta()),
    ],
)
async def test_a_subscription_that_warms_up_claims_no_time_since_it_was_started(
    database: Database, age: timedelta, newest: timedelta | None, complete: timedelta
) -> None:
    """Its first content can take twelve hours; until then nothing is listed, whatever has happened."""
    await ensure_indexes(database, ACCOUNT)
    sources = MongoSources(database)
    await sources.note_subscribed("contoso", "o365-general", T0 - age)
    await sources.advance("contoso", "o365-general", T0, T0)
    if newest is not None:
        at = T0 + newest
        await MongoArrivals(database).add([Arrivals("contoso", "o365-general", at.date(), at, Counter({at.hour: 1}))])
    [found] = await MongoAccount(database).accounts("contoso", T0)

    assert (found.watermark, found.complete_until) == (T0, T0 + complete)

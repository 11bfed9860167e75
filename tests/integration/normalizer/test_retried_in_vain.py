"""A record of the quarantine that is published again, and cannot be read again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aoc_common.contracts.raw import RawPage
from aoc_common.review.deciding import Backends
from aoc_common.review.records import republish
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.review_queues import ItemState, Selection
from aoc_common.store.slices import SliceFetched
from aoc_normalizer.settings import NormalizerSettings

NOW = datetime.now(UTC).replace(microsecond=0)
SOURCE = "o365-exchange"
SLICE = f"contoso/{SOURCE}/1"
EVERY = Selection(state=None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    original = NormalizerSettings.__init__
    periods = {"quarantine_s": 0.1, "settle_s": 0.1}
    monkeypatch.setattr(NormalizerSettings, "__init__", lambda self, **given: original(self, **periods | given))


async def test_a_record_that_is_retried_in_vain_waits_for_a_decision_again(
    bus, normalizer, database, eventually
) -> None:
    """Its entry was closed with the page of the retry, though the normalizer had just put it aside once more."""
    await ensure_indexes(database)
    ledger, quarantine = MongoLedger(database), MongoQuarantine(database)
    await MongoSources(database).advance("contoso", SOURCE, NOW, NOW)
    await ledger.open_slice(SLICE, "contoso", SOURCE, NOW, NOW)
    await ledger.slice_fetched(SliceFetched(SLICE, 1, 1, NOW))

    async def put_aside(before: datetime | None) -> bool:
        found = await quarantine.find(EVERY)
        return bool(found) and found[0].failed_at != before

    async def settled() -> bool:
        [account] = await MongoAccount(database).accounts("contoso", NOW)
        return account.unsettled == 0

    async with normalizer():
        await bus.send(RawPage("contoso", SOURCE, SLICE, NOW, b'[{"nothing": "known", "list": [{"a": 1}, {"b": 2}]}]'))
        await eventually(lambda: put_aside(None))
        await eventually(settled)
        [before] = await quarantine.find(EVERY)
        left = await republish(Backends(database, bus.js), before, datetime.now(UTC))
        await eventually(lambda: put_aside(before.failed_at))
        await eventually(settled)
        await quarantine.look_after(NOW)
        [after] = await quarantine.find(EVERY)

    assert left is None
    assert (after.key, after.state, after.tries, after.asked_at) == (before.key, ItemState.OPEN, 1, None)

"""What any ledger of content blobs promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.ledger import MongoLedger
from making import NOW
from memory import MemoryBlobs

MINE = ("contoso", "o365-general")


@pytest.fixture(params=["memory", "mongo"])
def ledger(request, database):
    return MemoryBlobs() if request.param == "memory" else MongoLedger(database)


async def test_a_blob_is_known_only_once_it_was_fetched(ledger):
    blob = ContentBlob("b1", "https://x", NOW, NOW + timedelta(days=7))
    await ledger.listed(*MINE, [blob], NOW)
    before = await ledger.fetched(*MINE, ["b1", "b2"])
    await ledger.mark_fetched(*MINE, {"b1": 12}, "slice", NOW)
    await ledger.listed(*MINE, [blob], NOW)

    assert before == set()
    assert await ledger.fetched(*MINE, ["b1", "b2"]) == {"b1"}
    assert await ledger.fetched(*MINE, ["b2"]) == set()


async def test_a_blob_that_was_fetched_never_becomes_a_gap_and_an_empty_one_is_not_known(ledger):
    await ledger.mark_fetched(*MINE, {"full": 3, "empty": 0}, "slice", NOW)

    expired = [await ledger.mark_expired(*MINE, name, NOW) for name in ("full", "empty", "never")]

    assert expired == [False, False, True]
    assert await ledger.fetched(*MINE, ["full", "empty", "never"]) == {"full"}


async def test_a_blob_expires_once_however_often_it_is_found(ledger):
    assert [await ledger.mark_expired(*MINE, "gone", NOW) for _ in range(2)] == [True, True]


async def test_a_blob_is_known_in_its_own_tenant_and_source_only(database):
    ledger = MongoLedger(database)
    await ledger.mark_fetched(*MINE, {"b1": 12}, "slice", NOW)

    assert await ledger.fetched("fabrikam", "o365-general", ["b1"]) == set()
    assert await ledger.fetched("contoso", "o365-exchange", ["b1"]) == set()

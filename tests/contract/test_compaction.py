"""Merging settled slices: the account stays what it was, wherever the database dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_common.contracts.jobs import slice_id
from aoc_common.errors import AocError
from aoc_common.store.losses import LostWindow
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.compaction import MongoCompaction
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import EmptySlice, SliceFetched
from indexed import ACCOUNT
from unsteady import Unsteady

if TYPE_CHECKING:
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

T0 = datetime(2026, 11, 23, 22, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = T0 + 6 * HOUR
KINDS = ("empty", "pages", "twice", "failed", "unsettled", "lost", "again", "hole")


class Day:
    """What a collector and a normalizer leave of a source: slices of ten minutes with an overlap."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.ledger, self.sources = MongoLedger(database), MongoSources(database)
        self.account, self.tenant = MongoAccount(database), tenant
        self._database, self._sequence = database, 0

    async def live(self, kinds: list[str], source: str = "graph-signins") -> None:
        for number, kind in enumerate(kinds):
            since = T0 + number * 10 * MINUTE
            if kind != "hole":
                await self._slice(kind, since, since + 10 * MINUTE, source)
            await self.sources.advance(self.tenant, source, since + 10 * MINUTE, T0 + 3 * HOUR)
        for _ in range(3):
            await self.account.settle(T0 + 3 * HOUR, 500)

    async def _slice(self, kind: str, since: datetime, end: datetime, source: str) -> None:
        start, at, again = since - MINUTE, since + 11 * MINUTE, kind == "again"
        name = slice_id(self.tenant, source, start, end)
        if kind == "empty":
            await self.ledger.slice_empty(name, EmptySlice(self.tenant, source, since, end, at))
            return
        for _ in range(2 if kind == "twice" else 1):
            await self.ledger.open_slice(name, self.tenant, source, start, end, rereading=again)
        if kind == "failed":
            await self.ledger.slice_failed(name, "Unreachable", at)
            return
        if kind == "lost":
            await self.ledger.note_loss(self.tenant, source, LostWindow(since, end, "too old"), at)
        self._sequence += 1
        seq = self._sequence
        await self.ledger.slice_fetched(SliceFetched(name, pages=1, records=3, at=at))
        if kind != "unsettled":
            await self.ledger.pages_settled([PageOutcome(f"0:{seq}", self.tenant, source, name, 2, 1, 0, at)])

    async def seen(self) -> list[SourceAccount]:
        return await self.account.accounts(self.tenant, NOW)

    async def documents(self) -> list[dict]:
        return await self._database["ledger_slices"].find({"tenant": self.tenant}).sort("start", 1).to_list(None)


async def finished(database: Database, at: datetime = NOW) -> int:
    compaction, fewer = MongoCompaction(database), 0
    for _ in range(2):
        fewer += await compaction.compact(at, 1000)
    return fewer


@pytest.fixture
async def there(database: Database) -> Database:
    await ensure_indexes(database, ACCOUNT)
    return database


def covered(documents: list[dict], minutes: int = 260) -> list[bool]:
    settled = [one for one in documents if one["state"] == "settled"]
    return [any(one["start"] <= T0 + n * MINUTE < one["end"] for one in settled) for n in range(minutes)]


async def test_a_page_that_comes_again_after_its_slice_was_merged_counts_where_it_is(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["pages"] * 4)
    before = await day.seen()
    await finished(there)
    [one] = await day.documents()
    [*_, page] = await there["ledger_pages"].find().sort("page", 1).to_list(None)
    slice_of_page = page["_id"].partition("#")[0]
    assert slice_of_page != one["_id"]
    again = PageOutcome(page["page"], "contoso", "graph-signins", slice_of_page, 2, 1, 0, NOW)
    await day.ledger.pages_settled([again])
    # Another page of the merged slice comes again too: its account is made anew.
    await day.ledger.pages_settled([replace(again, page="0:1", slice_id=one["_id"])])
    for _ in range(2):
        await day.account.settle(NOW, 500)

    assert [(one["state"], one["pages"], one["stored"]) for one in await day.documents()] == [("settled", 4, 8)]
    assert await day.seen() == before


async def test_a_quiet_day_is_few_documents(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["empty", "pages", "empty", "empty", "pages", "pages"] * 2)
    before, written = await day.seen(), len(await day.documents())
    fewer = await finished(there)
    after = await day.documents()

    assert (written, fewer, [(one["start"], one["end"]) for one in after]) == (
        10,
        9,
        [(T0, T0 + 2 * HOUR)],
    )
    assert await day.seen() == before
    assert [one["slice_id"] for one in await there["ledger_pages"].find().to_list(None)] == [after[0]["_id"]] * 6


async def test_empty_slices_that_follow_each_other_are_one_document_and_need_no_settling(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["empty"] * 12)
    [one] = await day.documents()
    [account] = await day.seen()

    assert (one["start"], one["end"], one["state"]) == (T0, T0 + 2 * HOUR, "settled")
    assert (account.slices, account.unsettled, account.complete_until) == (1, 0, T0 + 2 * HOUR)


async def test_an_empty_slice_that_is_told_twice_is_the_same(there: Database) -> None:
    day = Day(there, "contoso")
    for _ in range(2):
        await day.live(["empty"])
    empty = EmptySlice("contoso", "graph-signins", T0 + 10 * MINUTE, T0 + 20 * MINUTE, T0 + HOUR)
    for _ in range(2):
        await day.ledger.slice_empty("contoso/graph-signins/next", empty)

    assert [(one["start"], one["end"]) for one in await day.documents()] == [(T0, T0 + 20 * MINUTE)]


async def test_what_an_earlier_try_gave_counts_although_the_last_gave_nothing(there: Database) -> None:
    day = Day(there, "contoso")
    name = slice_id("contoso", "graph-signins", T0, T0 + HOUR)
    await day.ledger.open_slice(name, "contoso", "graph-signins", T0, T0 + HOUR)
    await day.ledger.pages_settled([PageOutcome("0:7", "contoso", "graph-signins", name, 2, 0, 0, T0)])
    await day.ledger.slice_failed(name, "Unreachable", T0)
    await day.ledger.slice_empty(name, EmptySlice("contoso", "graph-signins", T0, T0 + HOUR, T0))
    await day.sources.advance("contoso", "graph-signins", T0 + HOUR, T0)
    await day.account.settle(T0, 10)

    assert [account.stored for account in await day.seen()] == [2]


async def test_nothing_is_merged_across_the_end_of_a_day_a_gap_a_failure_or_what_is_not_settled(
    there: Database,
) -> None:
    day = Day(there, "contoso")
    between = ["failed", "lost", "hole", "twice"]
    await day.live(
        [kind for one in between for kind in ("pages", "pages", one)] + ["pages", "pages", "unsettled", "pages"]
    )
    await finished(there)
    spans = [((one["start"] - T0) // MINUTE, (one["end"] - T0) // MINUTE) for one in await day.documents()]

    assert spans == [
        (-1, 20), (19, 30), (29, 50), (49, 60), (59, 70), (69, 80), (89, 110), (109, 120), (119, 130), (129, 140),
        (139, 150), (149, 160),
    ]  # fmt: skip
    midnight = T0 + 2 * HOUR
    assert not any(one["start"] < midnight < one["end"] and one.get("slices", 1) > 1 for one in await day.documents())


async def test_what_was_imported_is_not_merged(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["pages"] * 4, source="import")

    assert await finished(there) == 0


@given(kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=24), seed=st.integers(0, 2**16))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.timeout(300)
async def test_wherever_the_database_dies_complete_until_and_totals_are_what_they_were(
    there: Database, kinds: list[str], seed: int
) -> None:
    chance = Random(seed)
    tenant = f"t{chance.getrandbits(60):x}"
    day = Day(there, tenant)
    await day.live(kinds)
    before, spans = await day.seen(), covered(await day.documents())
    pages = await there["ledger_pages"].find({"tenant": tenant}).to_list(None)
    for number in range(chance.randrange(3), 40, 3):
        unsteady = Unsteady(there, number, chance.choice(["before", "after"]))
        try:
            await MongoCompaction(unsteady).compact(NOW, 1000)
        except AocError:
            assert await day.seen() == before
            assert covered(await day.documents()) == spans
        else:
            break
    await finished(there)
    after = await day.documents()

    assert await day.seen() == before
    assert covered(after) == spans
    assert not [one for one in after if "merging" in one or "merged_into" in one]
    assert sum(one.get("stored", 0) for one in after) == before[0].stored
    of_pages = Counter(page["slice_id"] for page in await there["ledger_pages"].find({"tenant": tenant}).to_list(None))
    assert sum(of_pages.values()) == len(pages)
    assert set(of_pages) <= {one["_id"] for one in after}


async def test_replicas_that_compact_at_once_merge_once(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["pages"] * 9)
    before = await day.seen()
    await asyncio.gather(*(MongoCompaction(there).compact(NOW, 1000) for _ in range(4)))
    await finished(there)
    [one] = await day.documents()

    assert (one["slices"], one["stored"], await day.seen()) == (9, 18, before)


async def test_a_slice_that_is_settled_again_while_it_is_being_merged_stays_apart(there: Database) -> None:
    day = Day(there, "contoso")
    await day.live(["pages"] * 3)
    before = await day.seen()
    for number in range(1, 3):
        unsteady = Unsteady(there, number, "before")
        with pytest.raises(AocError):
            await MongoCompaction(unsteady).compact(NOW, 1000)
        first = (await day.documents())[0]
        await there["ledger_slices"].update_one({"_id": first["_id"]}, {"$inc": {"touched": 1}})
    await finished(there)

    assert await day.seen() == before
    assert sum(one["stored"] for one in await day.documents()) == before[0].stored


async def test_a_slice_that_was_merged_and_is_collected_once_more_settles_and_its_records_are_known(
    there: Database,
) -> None:
    day = Day(there, "contoso")
    await day.live(["pages"] * 3)
    await finished(there)
    [before] = await day.seen()
    start, source = T0 + 9 * MINUTE, "graph-signins"
    name = slice_id("contoso", source, start, start + 11 * MINUTE)
    await day.ledger.open_slice(name, "contoso", source, start, start + 11 * MINUTE, rereading=True)
    await day.ledger.note_pages([PublishedPage("0:2", "contoso", source, name, 9, NOW)])
    await day.ledger.slice_fetched(SliceFetched(name, pages=1, records=3, at=NOW))
    await day.ledger.pages_settled([PageOutcome("0:2", "contoso", source, name, 2, 1, 0, NOW)])
    await day.account.settle(NOW, 500)
    [after] = await day.seen()

    assert (after.unsettled, after.stored, after.duplicate, after.records) == (
        0, before.stored, before.duplicate + 3, before.records + 3,
    )  # fmt: skip
    assert await MongoLostPages(there).incomplete(NOW + HOUR, NOW + 2 * HOUR, 10) == []

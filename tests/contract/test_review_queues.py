"""Dead letters and the quarantine: what waits for a person is kept, decided on, and never goes uncounted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.errors import Unreachable
from aoc_common.store.accounts import GapCause
from aoc_common.store.mongo import dead_letters
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.decisions import Discarded, discarded
from aoc_common.store.mongo.ledger import LAPSE, MongoLedger
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.review_queues import Decision, ItemState, Selection
from indexed import ACCOUNT
from manual_clock import ManualClock
from unsteady import Unsteady

if TYPE_CHECKING:
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP = 400 * DAY
SOURCE = "o365-exchange"


def letter(key: str = "normalizer-1", sequence: int = 7, **changes) -> DeadLetter:
    found = DeadLetter(
        key,
        "normalizer",
        "contoso",
        SOURCE,
        "slice",
        "AOC_RAW",
        sequence,
        f"aoc.raw.contoso.{SOURCE}",
        "Malformed: no page",
        {"Aoc-Tenant": "contoso", "$odd.name": "kept"},
        b"[1,2,3]",
        NOW,
    )
    return replace(found, **changes)


def entry(key: str = "k", **changes) -> QuarantineEntry:
    found = QuarantineEntry(key, "contoso", SOURCE, "slice", "p7", "not JSON: line 1", '{"half', NOW)
    return replace(found, **changes)


def outcome(page: str = "p7", **changes) -> PageOutcome:
    found = PageOutcome(page, "contoso", SOURCE, "slice", stored=3, duplicate=0, quarantined=0, at=NOW)
    return replace(found, **changes)


GIVEN_UP = outcome(stored=0, dead_lettered=3)


async def account(database: Database) -> SourceAccount:
    [found] = await MongoAccount(database).accounts("contoso", NOW)
    return found


@pytest.fixture
async def letters(database: Database) -> MongoDeadLetters:
    await ensure_indexes(database, ACCOUNT)
    return MongoDeadLetters(database)


@pytest.fixture
async def quarantine(database: Database) -> MongoQuarantine:
    await ensure_indexes(database, ACCOUNT)
    await MongoSources(database).advance("contoso", SOURCE, NOW, NOW)
    return MongoQuarantine(database)


async def test_a_dead_letter_is_kept_once_and_whole(letters: MongoDeadLetters) -> None:
    assert [await letters.put(letter(), 3, "slice#p7") for _ in range(2)] == [True, True]
    [item] = await letters.find(Selection())

    assert (item.key, item.tenant, item.source, item.sequence, item.records) == (
        "normalizer-1",
        "contoso",
        SOURCE,
        7,
        3,
    )
    assert item.headers == {"Aoc-Tenant": "contoso", "$odd.name": "kept"}
    assert (item.state, item.size) == (ItemState.OPEN, 7)
    assert await letters.content("normalizer-1") == b"[1,2,3]"


async def test_an_open_dead_letter_is_a_gap_that_can_be_closed_also_of_a_source_without_a_state(
    database: Database, letters: MongoDeadLetters
) -> None:
    await letters.put(letter(), 3, "slice#p7")
    found = await account(database)

    assert (found.dead_letters, found.dead_lettered) == (1, 3)
    assert [(gap.cause, gap.closable, gap.items) for gap in found.gaps] == [(GapCause.DEAD_LETTER, True, 1)]
    assert await MongoAccount(database).accounts("fabrikam", NOW) == []


async def test_a_page_that_was_given_up_is_not_settled_for_look_back_and_is_counted_once_when_it_is_handled(
    database: Database, letters: MongoDeadLetters
) -> None:
    ledger = MongoLedger(database)
    await letters.put(letter(), 3, page_key("slice", "p7"))
    noted = [await ledger.page_given_up(GIVEN_UP) for _ in range(2)]
    settled, before = await ledger.settled([("slice", "p7")]), await ledger.totals("contoso", "slice")
    await letters.look_after(NOW)
    waiting = await letters.count(Selection())
    await ledger.pages_settled([outcome()])
    after = await ledger.totals("contoso", "slice")
    await letters.look_after(NOW)
    [item] = await letters.find(Selection(state=None))

    assert (noted, settled, waiting) == ([True, True], set(), 1)
    assert (before.pages, before.stored, before.dead_lettered) == (1, 0, 3)
    assert (after.pages, after.stored, after.dead_lettered) == (1, 3, 0)
    assert item.state is ItemState.RETRIED


async def test_a_page_that_another_replica_has_settled_is_not_given_up(database: Database) -> None:
    ledger = MongoLedger(database)
    await ledger.pages_settled([outcome()])

    assert await ledger.page_given_up(GIVEN_UP) is False
    assert (await ledger.totals("contoso", "slice")).stored == 3


async def test_a_letter_that_was_tried_again_in_vain_is_open_again_and_a_discarded_one_is_not(
    letters: MongoDeadLetters,
) -> None:
    await letters.put(letter(), 3, "slice#p7")
    [item] = await letters.find(Selection())
    await letters.republished(item, "slice#p7", NOW)
    [asked] = await letters.find(Selection())
    await letters.put(letter(reason="again"), 3, "slice#p7")
    [again] = await letters.find(Selection())
    await letters.discard([item.key], Decision("dana", "a test page", NOW))
    await letters.put(letter(reason="and again"), 3, "slice#p7")
    [discarded] = await letters.find(Selection(state=None))

    assert (asked.tries, asked.asked_at) == (1, NOW)
    assert (again.reason, again.asked_at, again.tries) == ("again", None, 1)
    assert (discarded.state, discarded.who, discarded.why) == (ItemState.DISCARDED, "dana", "a test page")


async def test_a_letter_that_is_given_up_again_before_its_retry_is_noted_stays_open(letters: MongoDeadLetters) -> None:
    for page in ("", "slice#p7"):
        await letters.put(letter(f"k{page}"), 3, page)
        item = next(one for one in await letters.find(Selection()) if one.key == f"k{page}")
        await letters.put(letter(f"k{page}", reason="again", at=NOW + timedelta(seconds=1)), 3, page)
        await letters.republished(item, page, NOW + timedelta(seconds=2))
        found = next(one for one in await letters.find(Selection()) if one.key == item.key)

        assert (found.reason, found.asked_at, found.tries) == ("again", None, 1)


async def test_items_are_chosen_by_tenant_source_reason_and_id_and_a_reason_is_no_pattern(
    letters: MongoDeadLetters,
) -> None:
    await letters.put(letter("a", reason="KeyError: (x)"), 1, "")
    await letters.put(letter("b", tenant="fabrikam", at=NOW + DAY), 1, "")
    await letters.put(letter("c", source="graph-signins", service="collector"), 1, "")

    async def keys(**wanted) -> list[str]:
        return sorted(item.key for item in await letters.find(Selection(**wanted)))

    assert await keys() == ["a", "b", "c"]
    assert await keys(tenant="fabrikam") == ["b"]
    assert await keys(source="graph-signins") == ["c"]
    assert await keys(service="collector") == ["c"]
    assert await keys(reason="(X)") == ["a"]
    assert await keys(reason=".*") == []
    assert await keys(keys=("a", "z")) == ["a"]
    assert [item.key for item in await letters.find(Selection(limit=1))] == ["b"]


async def test_a_letter_whose_content_the_stream_has_dropped_is_a_permanent_gap(
    database: Database, letters: MongoDeadLetters, monkeypatch
) -> None:
    monkeypatch.setattr(dead_letters, "LARGEST_STORED_BODY", 3)
    kept = [await letters.put(one, 3, "") for one in (letter("large"), letter("small", body=b"[]"))]
    await letters.copied(letter("large"), 5)
    there = await letters.expire(NOW, KEEP, (5, 9))
    unknown = await letters.expire(NOW, KEEP, None)
    gone = await letters.expire(NOW, KEEP, (6, 9))
    found = await account(database)

    assert (kept, there, unknown, gone) == ([False, True], 0, 0, 1)
    assert [(gap.cause, gap.closable, gap.items) for gap in found.gaps] == [
        (GapCause.DEAD_LETTER, True, 1),
        (GapCause.LOST, False, 1),
    ]


async def test_a_letter_that_nobody_decides_about_expires_and_stays_on_record(letters: MongoDeadLetters) -> None:
    await letters.put(letter("old"), 3, "")
    await letters.put(letter("decided"), 3, "")
    await letters.discard(["decided"], Decision("dana", "known", NOW))
    young = await letters.expire(NOW + KEEP - DAY, KEEP, None)
    old = await letters.expire(NOW + KEEP, KEEP, None)
    states = {item.key: item.state for item in await letters.find(Selection(state=None))}

    assert (young, old) == (0, 1)
    assert states == {"old": ItemState.EXPIRED, "decided": ItemState.DISCARDED}
    assert [await letters.content(key) for key in states] == [None, None]


async def test_a_record_in_the_quarantine_waits_until_its_page_is_settled(
    database: Database, quarantine: MongoQuarantine
) -> None:
    await quarantine.put([entry(), entry("stumbled", stored=True)])
    before = await account(database)
    item = next(one for one in await quarantine.find(Selection()) if one.key == "k")
    await quarantine.republished(item, page_key("slice", "p99"), NOW)
    await quarantine.look_after(NOW)
    on_its_way = await account(database)
    await MongoLedger(database).pages_settled([outcome("p99", stored=1)])
    await quarantine.look_after(NOW)

    assert (item.size, await quarantine.content("k")) == (6, b'{"half')
    # What a mapper stumbled over is stored too.
    assert (before.waiting, on_its_way.waiting, (await account(database)).waiting) == (1, 1, 0)


async def test_a_record_that_is_fetched_again_waits_once_and_one_that_was_tried_in_vain_is_open_again(
    database: Database, quarantine: MongoQuarantine
) -> None:
    await quarantine.put([entry(), entry("decided"), entry("overtaken"), entry("handled")])
    await quarantine.put([entry(page="p8")])
    items = {item.key: item for item in await quarantine.find(Selection())}
    for key in ("k", "handled"):
        await quarantine.republished(items[key], page_key("slice", f"again-{key}"), NOW)
    await quarantine.discard(["decided"], Decision("dana", "a test page", NOW))
    await quarantine.handled(["handled"], NOW)
    # The page of its retry could not be read either, or was fetched once more, or was quicker than the one who asked.
    later = NOW + timedelta(seconds=1)
    await quarantine.put([entry(page="again-k", at=later, reason="worse"), entry("handled", page="p9", at=later)])
    await quarantine.put([entry("decided", page="p9", at=later), entry("overtaken", page="again-overtaken", at=later)])
    await quarantine.republished(items["overtaken"], page_key("slice", "again-overtaken"), NOW)

    found = await quarantine.find(Selection(state=None))
    assert {item.key: item.state.value for item in found} == {
        "k": "open",
        "decided": "discarded",
        "overtaken": "open",
        "handled": "open",
    }
    [again] = [item for item in found if item.key == "k"]
    assert (again.reason, again.tries, again.asked_at) == ("worse", 1, None)
    await MongoLedger(database).pages_settled(
        [outcome(page, stored=0, quarantined=1) for page in ("again-k", "again-overtaken", "again-handled")]
    )
    await quarantine.look_after(NOW)
    assert {item.key for item in await quarantine.find(Selection())} == {"k", "overtaken", "handled"}


async def test_entries_of_a_version_that_knew_no_decisions_wait_too(
    database: Database, quarantine: MongoQuarantine
) -> None:
    old = {"tenant": "contoso", "source": SOURCE, "slice_id": "s", "raw_seq": 1, "reason": "r", "text": "t", "at": NOW}
    await database["quarantine"].insert_one({"_id": "old", **old})
    await quarantine.adopt()

    assert [item.key for item in await quarantine.find(Selection())] == ["old"]
    assert (await account(database)).waiting == 1


async def test_the_quarantine_expires_and_what_nobody_decided_about_is_counted_before_it_goes(
    database: Database, quarantine: MongoQuarantine
) -> None:
    await quarantine.put([entry(str(number)) for number in range(5)] + [entry("new", at=NOW + DAY)])
    await quarantine.discard(["3"], Decision("dana", "a broken export", NOW))
    await quarantine.handled(["4"], NOW)
    removed = [await quarantine.expire(NOW + KEEP, KEEP) for _ in range(2)]
    left = {item.key: item.state for item in await quarantine.find(Selection(state=None))}
    [gap] = (await account(database)).gaps

    assert removed == [3, 0]
    assert left == {"new": ItemState.OPEN, "3": ItemState.DISCARDED}
    assert (gap.cause, gap.closable, gap.items, gap.start) == (GapCause.LOST, False, 3, NOW)
    assert await quarantine.content("3") is None


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(5))
async def test_wherever_the_database_dies_as_the_quarantine_expires_each_record_is_counted_once(
    database: Database, quarantine: MongoQuarantine, number, how
) -> None:
    await quarantine.put([entry(str(number)) for number in range(4)])
    unsteady = Unsteady(database, number, how)
    with suppress(Unreachable):
        await MongoQuarantine(unsteady).expire(NOW + KEEP, KEEP)
    await quarantine.expire(NOW + KEEP, KEEP)
    gaps = (await account(database)).gaps

    assert sum(gap.items or 0 for gap in gaps) == 4
    assert await database["quarantine"].count_documents({}) == 0


async def test_an_open_or_failed_slice_that_nobody_tries_any_more_is_closed_with_what_it_stored(
    database: Database,
) -> None:
    await ensure_indexes(database, ACCOUNT)
    clock = ManualClock(NOW)
    ledger, books = MongoLedger(database, clock), MongoAccount(database)
    await MongoSources(database).advance("contoso", SOURCE, NOW, NOW)
    for name in ("slice", "failed", "renewed"):
        await ledger.open_slice(name, "contoso", SOURCE, NOW - DAY, NOW)
    await ledger.slice_failed("failed", "throttled", NOW)
    await ledger.pages_settled([outcome()])
    clock.advance(DAY.total_seconds())
    await ledger.open_slice("renewed", "contoso", SOURCE, NOW - DAY, NOW)
    early = await ledger.lapse(NOW + LAPSE - DAY)
    lapsed = await ledger.lapse(NOW + LAPSE)
    await books.settle(NOW + LAPSE, 100)
    slices = {one["_id"]: one async for one in database["ledger_slices"].find({})}

    assert (early, lapsed) == (0, 2)
    assert {name: one["state"] for name, one in slices.items()} == {
        "slice": "settled",
        "failed": "settled",
        "renewed": "open",
    }
    assert all("expire_at" in slices[name] for name in ("slice", "failed"))
    assert (await account(database)).stored == 3


async def test_slices_that_an_older_version_left_open_are_given_the_same_time(database: Database) -> None:
    await ensure_indexes(database, ACCOUNT)
    described = {"tenant": "contoso", "source": SOURCE, "start": NOW - DAY, "end": NOW, "state": "failed"}
    await database["ledger_slices"].insert_one({"_id": "old", **described})
    ledger = MongoLedger(database)

    assert [await ledger.lapse(NOW), await ledger.lapse(NOW + LAPSE)] == [0, 1]


async def test_what_was_discarded_is_counted_for_its_source_and_tenant(database: Database) -> None:
    letters, quarantine = MongoDeadLetters(database), MongoQuarantine(database)
    decision = Decision("dana", "of no use", NOW)
    for key, tenant in (("a", "contoso"), ("b", "contoso"), ("c", "fabrikam"), ("open", "contoso")):
        await letters.put(letter(key, tenant=tenant), 3, f"p-{key}")
    await quarantine.put([entry("r"), entry("s", source="graph-signins"), entry("stored", stored=True), entry("open")])
    await letters.discard(["a", "b", "c"], decision)
    await quarantine.discard(["r", "s", "stored"], decision)

    assert await discarded(database, "contoso") == {
        SOURCE: Discarded(letters=2, in_letters=6, quarantined=1),
        "graph-signins": Discarded(quarantined=1),
    }
    assert await discarded(database, "nobody") == {}

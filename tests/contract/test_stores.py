"""What every store promises, held against a real MongoDB-protocol server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from aoc_common.clock import SystemClock
from aoc_common.errors import Permanent, Unreachable
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.page_ledger import PageOutcome, SliceTotals
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.slices import SliceFetched
from indexed import STORED
from making import NOW
from making import an_event as event

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def events(database: Database) -> MongoEvents:
    await ensure_indexes(database, STORED)
    return MongoEvents(database, lambda _tenant, _source: timedelta(days=30), SystemClock())


async def test_an_event_is_stored_once_however_often_it_comes(events: MongoEvents) -> None:
    first = await events.insert([event("a"), event("b")], ["p1", "p1"])
    again = await events.insert([event("b"), event("c"), event("a")], ["p2", "p2", "p2"])

    assert first == {0, 1}
    assert again == {1}


async def test_a_stored_event_keeps_the_page_that_it_first_came_from(events: MongoEvents, database) -> None:
    await events.insert([event("a")], ["p1"])
    await events.insert([event("a"), event("b")], ["p2", "p2"])

    found = await MongoEventVersions(database).sightings([event("a").id, event("b").id, event("c").id])
    assert {one: sighting.page for one, sighting in found.items()} == {
        event("a").id: "p1",
        event("b").id: "p2",
    }


async def test_more_events_than_one_insert_takes_are_all_stored(events: MongoEvents) -> None:
    many = [event(str(number)) for number in range(1201)]
    await events.insert([many[3], many[700]], ["p1", "p1"])
    new = await events.insert(many, ["p2"] * len(many))

    assert new == set(range(1201)) - {3, 700}


async def test_keys_that_mongodb_would_refuse_are_kept_in_unmapped(events: MongoEvents, database: Database) -> None:
    hostile = {"$set": {"a.b": 1}, "nul\x00key": "x", "": {"": []}}
    await events.insert([event("a", unmapped=hostile)], ["p1"])
    stored = await database["events"].find_one({"_id": event("a").id})

    assert stored is not None
    import json

    assert json.loads(stored["unmapped"]) == hostile


async def test_an_event_that_can_never_be_stored_is_refused_for_good(events: MongoEvents) -> None:
    with pytest.raises(Permanent):
        await events.insert([event("a", raw="x" * 17_000_000)], ["p1"])


async def test_a_key_with_nul_inside_the_event_is_refused_for_good(events: MongoEvents) -> None:
    with pytest.raises(Permanent):
        await events.insert([event("a", ocsf={"metadata": {}, "nul\x00": 1})], ["p1"])


async def test_retention_is_a_date_so_that_expiry_works(events: MongoEvents, database: Database) -> None:
    await events.insert([event("a")], ["p1"])
    stored = await database["events"].find_one({"_id": event("a").id})

    assert stored is not None
    assert isinstance(stored["expire_at"], datetime)
    assert timedelta(days=29) < stored["expire_at"] - datetime.now(UTC) <= timedelta(days=30)
    assert "expiry" in await database["events"].index_information()


async def test_a_store_that_is_away_is_a_transient_failure() -> None:
    async with connect(MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.2)) as database:
        store = MongoEvents(database, lambda _tenant, _source: timedelta(days=1))
        with pytest.raises(Unreachable):
            await store.insert([event("a")], ["p1"])


async def test_settling_a_page_twice_counts_it_once(database: Database) -> None:
    ledger = MongoLedger(database)
    outcome = PageOutcome("p5", "contoso", "import", "slice", stored=3, duplicate=1, quarantined=1, at=NOW)
    await ledger.pages_settled([outcome, replace(outcome, page="p6", stored=4)])
    await ledger.pages_settled([outcome])

    assert await ledger.totals("contoso", "slice") == SliceTotals(pages=2, stored=7, duplicate=2, quarantined=2)
    assert await ledger.totals("fabrikam", "slice") == SliceTotals()


async def test_what_was_not_understood_or_has_no_date_is_counted_and_has_an_example(database: Database) -> None:
    ledger, (odd, old) = MongoLedger(database), (uuid4(), uuid4())
    plain = PageOutcome("p5", "contoso", "import", "slice", stored=3, duplicate=0, quarantined=0, at=NOW)
    examples = {"not_understood": odd, "undated": old}
    await ledger.pages_settled([plain, replace(plain, page="6", not_understood=2, undated=1, examples=examples)])

    totals = await ledger.totals("contoso", "slice")
    assert (totals.stored, totals.not_understood, totals.undated) == (6, 2, 1)
    assert await ledger.examples("contoso", "slice") == examples
    assert await ledger.examples("contoso", "other") == {}
    assert await ledger.examples("fabrikam", "slice") == {}


async def test_a_slice_goes_from_open_over_failed_to_fetched(database: Database) -> None:
    ledger = MongoLedger(database)
    await ledger.open_slice("s", "contoso", "graph-signins", NOW, NOW + timedelta(minutes=5))
    await ledger.slice_failed("s", "throttled", NOW)
    await ledger.open_slice("s", "contoso", "graph-signins", NOW, NOW + timedelta(minutes=5))
    await ledger.slice_fetched(SliceFetched("s", pages=1, records=2, at=NOW))
    stored = await database["ledger_slices"].find_one({"_id": "s"})

    assert stored is not None
    assert (stored["state"], stored["attempts"], stored["records"]) == ("fetched", 2, 2)
    assert "error" not in stored


async def test_the_quarantine_keeps_an_entry_once_and_whole(database: Database) -> None:
    quarantine = MongoQuarantine(database)
    entry = QuarantineEntry("k", "contoso", "import", "slice", 1, "not JSON", "{broken\x00", NOW)
    await quarantine.put([entry])
    await quarantine.put([entry])

    assert await quarantine.list("contoso", None, 10) == [entry]
    assert await quarantine.list("contoso", "other", 10) == []
    assert await quarantine.list("fabrikam", None, 10) == []

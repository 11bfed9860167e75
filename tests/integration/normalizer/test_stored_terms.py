"""`aoc remap --terms`: events of before are found as if they had come today, and until then it is said from when on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import Event
from aoc_common.contracts.query.grammar import clauses
from aoc_common.errors import Unreachable
from aoc_common.store.mongo import stored_terms
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.stored_terms import MongoStoredTerms
from aoc_common.store.mongo.term_edition import TOP, MongoTermEdition
from aoc_common.store.searches import EventQuery
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.upkeep.stored_terms import renewed
from making import NOW

if TYPE_CHECKING:
    from datetime import datetime

ADDRESS = "203.0.113.9"
DAYS = 40


def made(number: int, at: datetime) -> Event:
    """The event of somebody's new inbox rule."""
    rule = {"Name": "SubjectContainsWords", "Value": f"quokka{number};payroll"}
    record = {
        "Id": f"00000000-0000-4000-8000-{number:012}",
        "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}",
        "RecordType": 1,
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "UserId": "mara@contoso.example",
        "ClientIP": f"{ADDRESS}:4711",
        "ResultStatus": "True",
        "Parameters": [{"Name": "Name", "Value": "Ledger"}, rule],
    }
    event = normalise(orjson.dumps(record), RecordContext("contoso", "o365-exchange", NOW))
    assert isinstance(event, Event)
    return event


@pytest.fixture
async def events(database: Database) -> list[Event]:
    """Events of forty days, and one without a time, stored with the terms of before."""
    await ensure_indexes(database, ("events", "vocabulary"))
    found = [made(number, NOW - timedelta(days=number)) for number in range(DAYS)]
    found.append(made(DAYS, NOW.replace(year=1970)))
    for event in found:
        event.terms = ("mara", "contoso", "inboxrule", ADDRESS)
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=300)).insert(found, ["p"] * len(found))
    await MongoTermEdition(database).begin()
    return found


async def remapped(database: Database, most: int = 1_000) -> int:
    """Bring along at most so many batches."""
    store, done = MongoStoredTerms(database), 0
    async for batch in store.batches(NOW):
        done += await store.write([(stored, renewed(stored)) for stored in batch])
        most -= 1
        if not most:
            break
    return done


async def found(database: Database, query: str) -> int:
    page = await make_event_search(database).search(
        EventQuery(Scope("contoso"), clauses([("q", "text", query)]), limit=500)
    )
    return len(page.events)


async def test_all_events_are_found_by_what_they_are_found_by_today(database: Database, events: list[Event]) -> None:
    assert await found(database, ADDRESS) == len(events)
    assert await found(database, "created payroll") == await found(database, f"{ADDRESS}/32") == 0
    assert await remapped(database) == len(events)

    assert await found(database, "created") == await found(database, ADDRESS) == len(events)
    assert await found(database, f"{ADDRESS}/32") == await found(database, "payrol*") == len(events)
    assert await found(database, "quokka7") == 1
    held = {tuple(one["terms"]) async for one in database["events"].find({}, {"terms": 1})}
    assert all(ADDRESS not in terms for terms in held)
    assert await remapped(database) == 0


async def test_what_no_mapper_reads_finds_events_and_common_words_are_no_terms_any_more(database) -> None:
    await ensure_indexes(database, ("events", "vocabulary"))
    event = made(1, NOW)
    event.unmapped["Attachments"] = "wombat.xlsx (7b)"
    event.terms = ("mara", "with", "true")
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=300)).insert([event], ["p"])
    await MongoTermEdition(database).begin()
    await remapped(database)
    stored = (await database["events"].find_one({}))["terms"]

    assert {"mara", "wombat", "xlsx"} <= set(stored)
    assert {"with", "true"}.isdisjoint(stored)


async def test_batches_end_where_their_events_are_large(database, events, monkeypatch) -> None:
    monkeypatch.setattr(stored_terms, "_CHARACTERS", 10)
    await database["events"].update_many({}, {"$set": {"unmapped": '{"a":"0123456789"}'}})

    assert {len(batch) async for batch in MongoStoredTerms(database).batches(NOW)} == {1}


@pytest.mark.slow
async def test_how_far_it_has_come_is_said_until_all_is_done(database, events, monkeypatch) -> None:
    monkeypatch.setattr(stored_terms, "_FEW", 1)
    edition = MongoTermEdition(database)
    assert await edition.position() == TOP
    assert (await edition.incomplete_before()).year == 9999
    await remapped(database, most=8)
    edition = MongoTermEdition(database)
    before = await edition.incomplete_before()
    mine = [event for event in events if event.id >= await edition.position()]

    assert before is not None
    assert NOW - timedelta(days=DAYS) < before < NOW
    assert 0 < len(mine) < len(events)
    assert await found(database, "payroll") >= len(mine)
    await remapped(database)
    assert await MongoTermEdition(database).incomplete_before() is None


async def test_a_run_that_was_broken_off_goes_on_where_it_was(database, events, monkeypatch) -> None:
    asked: list[object] = []
    write = MongoStoredTerms.write

    async def failing(self, pairs) -> int:
        asked.extend(stored.id for stored, _ in pairs)
        if len(asked) > 20:
            raise Unreachable("away")
        return await write(self, pairs)

    monkeypatch.setattr(MongoStoredTerms, "write", failing)
    with pytest.raises(Unreachable):
        await remapped(database)
    monkeypatch.setattr(MongoStoredTerms, "write", write)
    left = await remapped(database)

    assert len(events) - 21 < left < len(events)
    assert await found(database, "payroll") == len(events)


@pytest.mark.slow
async def test_an_event_that_was_mapped_again_meanwhile_keeps_its_new_terms(database, events) -> None:
    store = MongoStoredTerms(database)
    async for batch in store.batches(NOW):
        for stored in batch:
            await database["events"].update_one({"_id": stored.id}, {"$set": {"terms": ["zebra"]}})
        await store.write([(stored, renewed(stored)) for stored in batch])

    assert await found(database, "zebra") == len(events)


async def test_events_with_versions_lose_no_term(database: Database, events: list[Event]) -> None:
    await database["events"].update_one(
        {"_id": events[0].id}, {"$set": {"version": 2}, "$addToSet": {"terms": "older"}}
    )
    await remapped(database)

    assert await found(database, "older payroll quokka0") == 1


async def test_many_events_of_one_hour_are_brought_along_in_batches(database, events, monkeypatch) -> None:
    monkeypatch.setattr(stored_terms, "_TOGETHER", 3)
    sizes = [len(batch) async for batch in MongoStoredTerms(database).batches(NOW)]

    assert max(sizes) <= 3
    assert sum(sizes) == len(events)

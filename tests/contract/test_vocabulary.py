"""Which words events can be found by is known before the events are there, and for as long as they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.query.filters import Span
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import TOP, MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from making import NOW, an_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.event import Event

DAY = timedelta(days=1)
GUID = "3b26f1a0-0000-4000-8000-00000000abcd"


@pytest.fixture
async def events(database: Database) -> MongoEvents:
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    return MongoEvents(database, lambda _tenant, _source: 30 * DAY)


def event(record: str, *terms: str, tenant: str = "contoso") -> Event:
    return an_event(record, tenant=tenant, terms=terms)


async def test_the_words_of_a_beginning_are_those_of_events_in_order(database: Database, events: MongoEvents) -> None:
    await events.insert([event("a", "holland", "hollis", "ibis"), event("b", "hollow", "holland")], ["p", "p"])
    await events.insert([event("c", "hollande", tenant="fabrikam")], ["p"])
    vocabulary = MongoVocabulary(database)

    assert await vocabulary.words("contoso", Span.beginning("holl"), 9) == ["holland", "hollis", "hollow"]
    assert await vocabulary.words("contoso", Span.beginning("hollow"), 9) == ["hollow"]
    assert await vocabulary.words("fabrikam", Span.beginning("holl"), 9) == ["hollande"]
    assert await vocabulary.words("contoso", Span.beginning("zeb"), 9) == []


async def test_addresses_of_a_network_are_words(database: Database, events: MongoEvents) -> None:
    await events.insert([event("a", "4.203.000.113.009", "4.203.000.114.001", "203")], ["p"])
    span = Span("4.203.000.113.000", "4.203.000.113.255")

    assert await MongoVocabulary(database).words("contoso", span, 9) == ["4.203.000.113.009"]


async def test_ids_are_none_and_what_may_begin_one_is_not_answered(database: Database, events: MongoEvents) -> None:
    opaque = "lgaaaad0rsu0nhbxl07iue4o/lrmo"
    await events.insert([event("a", GUID, opaque, "dana")], ["p"])
    vocabulary = MongoVocabulary(database)

    assert [await vocabulary.knows("contoso", word) for word in (GUID, opaque, "dana")] == [False, False, True]
    assert await vocabulary.words("contoso", Span.beginning("3b26"), 9) is None
    assert await vocabulary.words("contoso", Span.beginning("3b26f1a0-0000"), 9) is None


async def test_long_numbers_are_ids_whose_beginnings_are_not_answered(database: Database, events: MongoEvents) -> None:
    await events.insert([event("a", "1768466851000", "1768", "dana")], ["p"])
    vocabulary = MongoVocabulary(database)

    assert [await vocabulary.knows("contoso", number) for number in ("1768466851000", "1768")] == [False, True]
    for start in ("17", "176846685"):
        assert await vocabulary.words("contoso", Span.beginning(start), 9) is None


async def test_words_of_a_tenant_that_was_deleted_are_written_anew_and_those_of_others_are_not(
    database: Database, events: MongoEvents
) -> None:
    await events.insert([event("a", "holland"), event("b", "holland", tenant="fabrikam")], ["p", "p"])
    await database["vocabulary"].delete_many({})
    events.forget_tenant("contoso")
    await events.insert([event("c", "holland"), event("d", "holland", tenant="fabrikam")], ["p", "p"])

    assert [await MongoVocabulary(database).knows(tenant, "holland") for tenant in ("contoso", "fabrikam")] == [
        True,
        False,
    ]


async def test_more_words_than_are_wanted_are_not_answered(database: Database, events: MongoEvents) -> None:
    await events.insert([event("a", "holland", "hollis", "hollow")], ["p"])
    vocabulary = MongoVocabulary(database)

    assert await vocabulary.words("contoso", Span.beginning("holl"), 2) is None
    assert len(await vocabulary.words("contoso", Span.beginning("holl"), 3) or ()) == 3


async def test_a_database_of_before_answers_no_beginning_until_all_is_brought_along(database: Database) -> None:
    await ensure_indexes(database, ("events", "vocabulary"))
    store = MongoEvents(database, lambda _tenant, _source: 30 * DAY)
    await store.insert([event("a", "holland")], ["p"])
    edition = MongoTermEdition(database)
    await edition.begin()
    await edition.begin()

    assert await edition.position() == TOP
    assert await MongoVocabulary(database).words("contoso", Span.beginning("holl"), 9) is None
    await edition.move(None)
    assert await MongoVocabulary(database).words("contoso", Span.beginning("holl"), 9) == ["holland"]


async def test_a_word_stays_for_as_long_as_an_event_that_has_it(database: Database, events: MongoEvents) -> None:
    await events.insert([event("a", "holland")], ["p"])
    short = (await database["vocabulary"].find_one({"_id": "contoso holland"}))["expire_at"]
    longer = MongoEvents(database, lambda _tenant, _source: 300 * DAY)
    await longer.insert([event("b", "holland", "zebra")], ["p"])
    await events.insert([event("c", "holland", "zebra")], ["p"])
    held = {one["_id"]: one["expire_at"] async for one in database["vocabulary"].find()}
    expiry = {one["_id"]: one["expire_at"] async for one in database["events"].find()}

    assert short < held["contoso holland"] == held["contoso zebra"]
    assert max(expiry.values()) <= held["contoso holland"]


async def test_what_could_not_be_written_is_written_at_the_next_try(database: Database, events: MongoEvents) -> None:
    vocabulary = MongoVocabulary(database)
    vocabulary.note("contoso", ["holland"], NOW)
    working = vocabulary._words
    vocabulary._words = database["v" * 300]  # a name that no server takes
    with pytest.raises(Exception, match="vocabulary"):
        await vocabulary.write()
    vocabulary._words = working
    await vocabulary.write()

    assert await vocabulary.knows("contoso", "holland")


async def test_batches_at_once_write_a_word_once_and_none_before_it_is_there(database: Database, monkeypatch) -> None:
    await ensure_indexes(database, ("vocabulary",))
    vocabulary, written = MongoVocabulary(database), []
    write = vocabulary._write

    async def slow(words: Sequence[tuple[str, datetime]]) -> None:
        await asyncio.sleep(0.05)
        await write(words)
        written.append([word for word, _ in words])

    async def batch(*words: str) -> bool:
        vocabulary.note("contoso", words, NOW)
        await vocabulary.write()
        return all([await vocabulary.knows("contoso", word) for word in words])

    monkeypatch.setattr(vocabulary, "_write", slow)

    assert all(await asyncio.gather(batch("holland"), batch("holland", "hollis"), batch("holland")))
    assert sorted(word for words in written for word in words) == ["contoso holland", "contoso hollis"]

"""When an event's id changes, its twin link follows, wherever the process is killed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.event import Event
from aoc_common.contracts.twins import TwinLink
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.twin_links import MongoTwinLinks
from aoc_common.store.mongo.twins import MongoTwins
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.upkeep.late_names import renewals
from indexed import STORED
from making import NOW, an_event
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

WHO, WHOM = (f"{number:08d}-5a11-4d0e-9b1c-0a0c51a00001" for number in (1, 2))
AUDIT = json.dumps(
    {
        "id": "Directory_1",
        "activityDisplayName": "Reset user password",
        "activityDateTime": "2026-11-23T07:30:10Z",
        "correlationId": "c1",
        "result": "success",
        "initiatedBy": {"user": {"id": WHO}},
        "targetResources": [{"id": WHOM, "type": "User", "modifiedProperties": []}],
    }
)
CHANGE = json.dumps(
    {
        "Id": "u1",
        "CreationTime": "2026-11-23T07:30:11",
        "Operation": "Reset user password.",
        "RecordType": 8,
        "Workload": "AzureActiveDirectory",
        "UserId": "dana@contoso.example",
        "InterSystemsId": "c1",
        "ResultStatus": "Success",
        "Actor": [{"ID": f"User_{WHO}", "Type": 2}],
        "Target": [{"ID": f"User_{WHOM}", "Type": 2}],
    }
)


def now(raw: str) -> Event:
    made = normalise(raw.encode(), RecordContext("contoso", "graph-directory-audits", NOW))
    assert isinstance(made, Event)
    return made


GRAPH, UNIFIED = now(AUDIT), now(CHANGE)
assert GRAPH.twin_facts is not None
assert UNIFIED.twin_facts is not None


def before(event: Event) -> Event:
    """The event as an older version had stored it, under another id."""
    return replace(event, id=an_event(f"old {event.raw}").id, mapper="generic", mapper_version=0)


@pytest.fixture
async def store(database: Database) -> MongoEvents:
    await ensure_indexes(database, STORED)
    return MongoEvents(database, lambda _tenant, _source: timedelta(days=30))


async def link(database: Database, graph: Event, unified: Event, first: Event) -> None:
    made = TwinLink("contoso", graph.id, unified.id, first.id)
    await MongoTwins(database).claim([made], NOW)
    await MongoTwins(database).decide([made], ["p1"], NOW)


async def outdated(database: Database) -> list:
    async def learn(wanted):
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    found = [one async for batch in MongoRenewal(database).batches("contoso", 50) for one in batch]
    pairs = await renewals("contoso", found, learn, NOW)
    return [(record, event) for record, event in pairs if record.mapper_version != event.mapper_version]


async def remap(database: Database) -> None:
    await MongoRenewal(database).renew(await outdated(database))


async def links(database: Database) -> dict:
    """Second -> first as the events say; both say the same, and so does the claim."""
    documents = {one["_id"]: one async for one in database["events"].find({})}
    seconds = {one: found["twin_of"] for one, found in documents.items() if "twin_of" in found}
    assert {found["twin"]: one for one, found in documents.items() if "twin" in found} == seconds
    claims = {(one["_id"], one["unified"]): one["first"] async for one in database["twins"].find({})}
    assert {frozenset(pair): first for pair, first in claims.items()} == {
        frozenset((second, first)): first for second, first in seconds.items()
    }
    assert (await MongoTwinLinks(database).check(NOW, most=100)).broken == ()
    return seconds


@pytest.mark.parametrize("moving", ["graph", "unified", "both"])
@pytest.mark.parametrize("first", ["graph", "unified"])
async def test_a_moved_event_keeps_its_twin_and_its_twin_finds_it(store, database, moving, first) -> None:
    graph = before(GRAPH) if moving != "unified" else GRAPH
    unified = before(UNIFIED) if moving != "graph" else UNIFIED
    await store.insert([graph, unified], ["p1", "p2"])
    await link(database, graph, unified, graph if first == "graph" else unified)
    await remap(database)
    await remap(database)

    assert await database["events"].count_documents({}) == 2
    expected = {UNIFIED.id: GRAPH.id} if first == "graph" else {GRAPH.id: UNIFIED.id}
    assert await links(database) == expected


async def test_a_link_that_was_made_while_the_event_was_renewed_moves_too(store, database) -> None:
    old = before(UNIFIED)
    await store.insert([GRAPH, old], ["p1", "p2"])
    read_before = await outdated(database)
    await link(database, GRAPH, old, GRAPH)
    await MongoRenewal(database).renew(read_before)

    assert await links(database) == {UNIFIED.id: GRAPH.id}
    assert await database["events"].count_documents({}) == 2


async def test_a_link_that_is_made_in_the_last_moment_keeps_the_old_event_until_the_next_run(store, database) -> None:
    old = before(UNIFIED)
    await store.insert([GRAPH, old], ["p1", "p2"])
    unsteady = Unsteady(database)
    real = unsteady.write

    async def late(operation, *args, **options):
        if operation.__name__ == "bulk_write" and "DeleteOne" in repr(args):
            await link(database, GRAPH, old, GRAPH)
        return await real(operation, *args, **options)

    unsteady.write = late
    await MongoRenewal(unsteady).renew(await outdated(database))
    assert await database["events"].find_one({"_id": old.id}) is not None
    await remap(database)

    assert await links(database) == {UNIFIED.id: GRAPH.id}
    assert await database["events"].count_documents({}) == 2


async def test_an_event_stays_where_its_new_id_is_another_one_s_twin_already(store, database) -> None:
    old, other = before(UNIFIED), now(AUDIT.replace("Directory_1", "Directory_2"))
    await store.insert([GRAPH, old, UNIFIED, other], ["p1", "p2", "p3", "p4"])
    await link(database, GRAPH, old, GRAPH)
    await link(database, other, UNIFIED, other)
    await remap(database)

    assert await links(database) == {old.id: GRAPH.id, UNIFIED.id: other.id}


async def test_an_event_that_came_again_under_its_new_id_becomes_the_twin(store, database) -> None:
    old = before(GRAPH)
    await store.insert([old, UNIFIED, GRAPH], ["p1", "p2", "p3"])
    await link(database, old, UNIFIED, UNIFIED)
    await remap(database)

    assert await links(database) == {GRAPH.id: UNIFIED.id}


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("first", ["graph", "unified"])
@pytest.mark.parametrize("moving", ["graph", "unified", "both"])
async def test_wherever_the_database_dies_a_second_event_leads_to_one_that_stands_for_itself(
    store, database, moving, first, how
) -> None:
    graph = before(GRAPH) if moving != "unified" else GRAPH
    unified = before(UNIFIED) if moving != "graph" else UNIFIED

    async def live(unsteady: Unsteady) -> None:
        for name in ("events", "twins", "twin_pages"):
            await database[name].delete_many({})
        await store.insert([graph, unified], ["p1", "p2"])
        await link(database, graph, unified, graph if first == "graph" else unified)
        for _ in range(3):
            try:
                await MongoRenewal(unsteady).renew(await outdated(database))
            except AocError:
                await standing()
        expected = {UNIFIED.id: GRAPH.id} if first == "graph" else {GRAPH.id: UNIFIED.id}
        assert await links(database) == expected
        assert await database["events"].count_documents({}) == 2

    async def standing() -> None:
        """Of an event that is on its way, the old and the new document are both there."""
        texts = {one["_id"]: one async for one in database["events"].find({})}
        seconds = [one for one in texts.values() if "twin_of" in one]
        assert seconds
        for second in seconds:
            stands = texts[second["twin_of"]]
            assert "twin_of" not in stands
            assert texts[stands["twin"]]["raw"] == second["raw"]
        assert len({one["raw"] for one in texts.values() if "twin_of" not in one}) == 1

    quiet = Unsteady(database)
    await live(quiet)
    for number in deaths(quiet.writes, how):
        await live(Unsteady(database, number, how))

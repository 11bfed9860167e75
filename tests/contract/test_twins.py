"""What the store of twins promises: in memory, and held against a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from aoc_common.contracts.twins import BUCKET_MS, Candidate, TwinFacts, TwinLink, keys_near
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.twins import MongoTwins
from indexed import STORED
from making import NOW
from making import an_event as event
from memory import MemoryTwins
from unsteady import Unsteady, deaths

GRAPH = TwinFacts("graph", "d1", ("n:v",), hints=("c1",), session="s1", ip="203.0.113.9", result="success")
UNIFIED = TwinFacts("unified", "d1")


def an_event(record, facts, after_s=0.0, **changes):
    return event(record, NOW + timedelta(seconds=after_s), twin_facts=facts, **changes)


def candidate(one):
    return Candidate(one.id, one.tenant, one.time_ms, one.twin_facts)


def link(graph, unified, first):
    return TwinLink("contoso", graph.id, unified.id, first.id)


G1, G2 = an_event("g1", GRAPH), an_event("g2", GRAPH)
U1, U2 = an_event("u1", UNIFIED, 2), an_event("u2", UNIFIED, 3)


@pytest.fixture(params=["memory", "mongo"])
async def twins(request, database):
    """A store in which these four events and one that has no twin are stored."""
    if request.param == "memory":
        store = MemoryTwins()
        store.insert(*map(candidate, (G1, G2, U1, U2)))
        return store
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([G1, G2, U1, U2, event("other")], ["p1"] * 5)
    return MongoTwins(database)


async def near(twins, one):
    return {found.id for found in await twins.near("contoso", list(keys_near(one.twin_facts, one.time_ms)))}


async def test_events_of_the_other_lane_are_found_as_they_were_stored(twins):
    found = await twins.near("contoso", list(keys_near(UNIFIED, U1.time_ms)))

    assert sorted(found, key=lambda one: one.id) == sorted(map(candidate, (G1, G2)), key=lambda one: one.id)
    assert await near(twins, G1) == {U1.id, U2.id}


async def test_what_is_across_the_edge_of_a_bucket_is_found(twins):
    edge = (NOW.timestamp() * 1000 // BUCKET_MS) * BUCKET_MS
    before = an_event("x", UNIFIED, edge / 1000 - 2 - NOW.timestamp())

    assert await near(twins, before) == {G1.id, G2.id}


async def test_an_event_is_in_one_link_at_most(twins):
    first = await twins.claim([link(G1, U1, G1)], NOW)
    others = await twins.claim([link(G1, U2, G1), link(G2, U1, U1), link(G2, U2, U2), link(G1, U1, U1)], NOW)

    assert (first, others) == (set(), {0, 1, 3})
    assert set(await twins.links([G1.id, U2.id])) == {link(G1, U1, G1), link(G2, U2, U2)}


async def test_of_claims_at_once_one_is_made(twins):
    wanted = [link(G1, U1, G1), link(G1, U1, U1), link(G2, U1, U1), link(G1, U2, G1)]
    refused = await asyncio.gather(*(twins.claim([one], NOW) for one in wanted))

    made = await twins.links([G1.id, G2.id, U1.id, U2.id])
    assert {one for one, no in zip(wanted, refused, strict=True) if not no} == set(made)
    assert len({one.graph for one in made}) == len({one.unified for one in made}) == len(made)


async def test_linked_events_are_no_longer_offered(twins):
    await twins.claim([link(G1, U1, U1)], NOW)
    await twins.decide([link(G1, U1, U1)], [7], NOW)

    assert await near(twins, G1) == {U2.id}
    assert await near(twins, U2) == {G2.id}


async def test_decided_pages_are_remembered_and_settling_twice_changes_nothing(twins):
    await twins.decide([link(G1, U1, G1)], [7, 8], NOW)
    await twins.decide([link(G1, U1, G1)], [8, 9], NOW)

    assert await twins.decided([6, 7, 8, 9]) == {7, 8, 9}


async def test_nothing_asked_is_nothing_found(twins):
    await twins.decide([], [], NOW)

    assert await twins.near("contoso", []) == []
    assert await twins.links([]) == []
    assert await twins.claim([], NOW) == set()
    assert await twins.decided([]) == set()


@pytest.fixture(params=["memory", "mongo"])
async def filling(request, database):
    """A store, and how to put events into it."""
    if request.param == "memory":
        store = MemoryTwins()

        async def insert(*events):
            store.insert(*map(candidate, events))

        return store, insert
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))

    async def store_all(*made):
        await events.insert(made, ["p1"] * len(made))

    return MongoTwins(database), store_all


async def test_a_flood_of_another_tenant_or_under_another_key_hides_nobody(filling):
    twins, insert = filling
    flooded = TwinFacts("graph", "d0")  # sorts before every other key
    theirs = TwinFacts("graph", "d00")  # digests are hashes over the tenant
    await insert(*(an_event(f"f{n}", theirs, n / 100, tenant="fabrikam") for n in range(700)))
    await insert(*(an_event(f"g{n}", flooded, n / 100) for n in range(700)))
    await insert(G1, G2)
    keys = [key for facts in (TwinFacts("unified", "d0"), UNIFIED) for key in keys_near(facts, U1.time_ms)]
    found = await twins.near("contoso", keys)

    assert {G1.id, G2.id} <= {one.id for one in found}
    assert {one.tenant for one in found} == {"contoso"}
    assert 100 <= sum(one.facts.digest == "d0" for one in found) <= 200


async def test_events_that_have_their_twins_use_up_nothing(filling):
    twins, insert = filling
    done = [(an_event(f"g{n}", GRAPH, n / 100), an_event(f"u{n}", UNIFIED, n / 100)) for n in range(120)]
    await insert(*(one for both in done for one in both))
    await twins.decide([link(graph, unified, graph) for graph, unified in done], [], NOW)
    await insert(G2)

    assert await near(twins, U1) == {G2.id}


async def test_both_documents_say_who_the_other_one_is(database):
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([G1, U1], ["p1", "p2"])
    await MongoTwins(database).decide([link(G1, U1, U1)], ["p1"], NOW)

    assert (await database["events"].find_one({"_id": G1.id}))["twin_of"] == U1.id
    assert (await database["events"].find_one({"_id": U1.id}))["twin"] == G1.id


async def test_when_claims_are_forgotten_the_events_still_say_who_is_whose_twin(database):
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([G1, U1, G2], ["p1", "p2", "p3"])
    await MongoTwins(database).decide([link(G1, U1, U1)], ["p1"], NOW)

    for asked in ([G1.id], [U1.id], [U1.id, G1.id, G2.id]):
        assert await MongoTwins(database).links(asked) == [link(G1, U1, U1)]


@pytest.mark.parametrize("forgotten", [False, True])
async def test_what_stands_for_both_is_kept_as_long_as_the_other_one(database, forgotten):
    await ensure_indexes(database, STORED)
    # graph-* sources are remembered for 31 days, so a shorter retention forgets their content before
    days = {"graph-signins": 5 if forgotten else 40, "o365-azuread": 60}
    events = MongoEvents(database, lambda _tenant, source: timedelta(days=days[source]))
    first = an_event("g1", GRAPH, source="graph-signins")
    second = an_event("u1", UNIFIED, source="o365-azuread")
    await events.insert([first, second], ["p1", "p2"])
    await MongoTwins(database).decide([link(first, second, first)], ["p1"], NOW)

    stands, stood = [await database["events"].find_one({"_id": one.id}) for one in (first, second)]
    ends = [one.get("forget_at", one["expire_at"]) for one in (stands, stood)]
    assert ends[0] >= ends[1]
    assert ("forget_at" in stands) is forgotten


@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_a_link_leads_to_an_event_that_leads_back(database, how):
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    quiet = Unsteady(database)
    await MongoTwins(quiet).decide([link(G1, U1, G1)], ["p1"], NOW)
    for number in deaths(quiet.writes, how):
        await database["events"].delete_many({})
        await database["twin_pages"].delete_many({})
        await events.insert([G1, U1], ["p1", "p2"])
        with pytest.raises(Unreachable):
            await MongoTwins(Unsteady(database, number, how)).decide([link(G1, U1, G1)], ["p1"], NOW)

        second = await database["events"].find_one({"_id": U1.id})
        if "twin_of" in second:
            assert (await database["events"].find_one({"_id": G1.id}))["twin"] == U1.id


async def test_what_the_version_before_has_stored_keeps_its_link_and_takes_no_new_one(database):
    await ensure_indexes(database, STORED)
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([G1, U1, U2], ["p1", "p2", "p3"])
    await MongoTwins(database).decide([link(G1, U1, G1)], ["p1"], NOW)
    # As it was written without a result, over values that were cut; its keys were of 24 digits.
    old_key = "0123456789abcdef01234567:graph:29397600"
    old_facts = {"lane": "graph", "told": ["6b1f4e2a:0123456789abcdef"], "hints": ["c1"]}
    await database["events"].update_many({}, {"$set": {"twin_key": old_key, "twin_facts": old_facts}})
    twins = MongoTwins(database)

    [free] = await twins.near("contoso", [old_key])
    assert (free.id, free.facts.result) == (U2.id, "unknown")
    assert await near(twins, G1) == set()
    assert await twins.links([U1.id]) == [TwinLink("contoso", U1.id, G1.id, G1.id)]

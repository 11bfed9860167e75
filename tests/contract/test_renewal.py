"""Mapping stored records again: events change in place, and what belongs to their storage stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts import ids
from aoc_common.contracts.event import text_digest
from aoc_common.contracts.twins import TwinLink
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.twins import MongoTwins
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT, EnrichmentData
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.upkeep.late_names import renewals
from indexed import STORED
from making import NOW, an_event
from unsteady import Unsteady, deaths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.event import Event
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.renewals import StoredRecord

RULE = json.dumps(
    {
        "Id": "r1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "RecordType": 1,
        "UserId": "dana@contoso.example",
        "Parameters": [{"Name": "Name", "Value": "Hide"}],
    }
)


def as_an_old_version_had_it(**changes: object) -> Event:
    """The event that a mapper of long ago made of `RULE`."""
    metadata = {"uid": "r1", "logged_time": ids.to_ms(NOW), "processed_time": ids.to_ms(NOW)}
    old = an_event("r1", tags=("old",), raw=RULE, mapper_version=0, ocsf={"metadata": metadata, "class_uid": 6003})
    now = normalise(RULE.encode(), RecordContext("contoso", "o365-exchange", NOW))
    return replace(old, **({"id": now.id, "mapper": now.mapper} | changes))


async def everything(renewal: MongoRenewal) -> list[StoredRecord]:
    return [record async for batch in renewal.batches("contoso", 2) for record in batch]


async def outdated(renewal: MongoRenewal) -> list[tuple[StoredRecord, Event]]:
    async def learn(wanted: Mapping[str, object]) -> Mapping[str, EnrichmentData]:
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    pairs = await renewals("contoso", await everything(renewal), learn, NOW)
    return [(record, event) for record, event in pairs if record.mapper_version != event.mapper_version]


@pytest.fixture
async def store(database: Database) -> MongoEvents:
    await ensure_indexes(database, STORED)
    return MongoEvents(database, lambda _tenant, _source: timedelta(days=30))


async def test_an_event_is_renewed_in_place_and_keeps_what_is_not_the_mappers(store, database) -> None:
    await store.insert([as_an_old_version_had_it()], ["p42"])
    before = await database["events"].find_one({})
    renewal = MongoRenewal(database)
    pairs = await outdated(renewal)
    await renewal.renew(pairs)
    await renewal.renew(pairs)

    [after] = await database["events"].find({}).to_list(None)
    assert after["event"]["message"] == "dana@contoso.example created inbox rule Hide"
    assert after["mapper_version"] > 0
    assert "tags" not in after
    assert {name: after[name] for name in ("_id", "raw", "page", "expire_at")} == {
        name: before[name] for name in ("_id", "raw", "page", "expire_at")
    }
    assert after["event"]["metadata"]["processed_time"] == before["event"]["metadata"]["processed_time"]
    assert await outdated(renewal) == []


async def test_an_event_whose_identity_was_wrong_moves_and_is_not_doubled(store, database) -> None:
    wrong = as_an_old_version_had_it(id=an_event("other").id, mapper="generic")
    await store.insert([wrong], ["p42"])
    renewal = MongoRenewal(database)
    pairs = await outdated(renewal)
    await renewal.renew(pairs)
    await renewal.renew(pairs)

    [after] = await database["events"].find({}).to_list(None)
    assert after["_id"] == as_an_old_version_had_it().id
    assert after["page"] == "p42"


async def test_every_record_is_read_once_in_batches(store, database) -> None:
    await store.insert([as_an_old_version_had_it(id=an_event(f"{n}").id) for n in range(5)], ["p1"] * 5)

    sizes = [len(batch) async for batch in MongoRenewal(database).batches("contoso", 2)]
    assert sizes == [2, 2, 1]


async def test_another_tenants_events_stay_as_they_are(store, database) -> None:
    await store.insert([as_an_old_version_had_it(tenant="fabrikam")], ["p42"])
    renewal = MongoRenewal(database)

    assert await everything(renewal) == []


async def test_events_are_found_by_the_ids_that_have_no_name_in_their_own_tenant(store, database) -> None:
    made = {"ocsf": {"metadata": {"logged_time": ids.to_ms(NOW)}}}
    nameless = [
        an_event("a", unnamed=("id-1", "id-2"), **made),
        an_event("b", **made),
        an_event("c", unnamed=("id-3",), **made),
        an_event("d", tenant="fabrikam", unnamed=("id-1",), **made),
    ]
    await store.insert(nameless, ["p1", "p2", "p3", "p4"])
    renewal = MongoRenewal(database)

    assert [found.id for found in await renewal.unnamed("contoso", ["id-1", "id-9"], 10)] == [nameless[0].id]


async def test_a_renewed_event_stays_its_twin_s_twin(store, database) -> None:
    old, first = as_an_old_version_had_it(), an_event("other").id
    await store.insert([old], ["p1"])
    await MongoTwins(database).decide([TwinLink("contoso", old.id, first, first)], ["p1"], NOW)
    renewal = MongoRenewal(database)
    await renewal.renew(await outdated(renewal))

    assert (await database["events"].find_one({"_id": old.id}))["twin_of"] == first


async def test_renewal_never_deletes_an_event_whose_new_form_was_refused(store, database) -> None:
    wrong = as_an_old_version_had_it(id=an_event("other").id, mapper="generic")
    await store.insert([wrong], ["p1"])
    # The new id is another record's.
    await store.insert([as_an_old_version_had_it(raw='{"Id":"another"}', mapper_version=99)], ["p2"])
    renewal = MongoRenewal(database)
    await renewal.renew([pair for pair in await outdated(renewal) if pair[0].id == wrong.id])

    assert {one["raw"] for one in await database["events"].find({}).to_list(None)} == {RULE, '{"Id":"another"}'}


async def test_an_event_that_cannot_be_stored_under_its_new_id_stays_under_its_old_one(store, database) -> None:
    wrong = as_an_old_version_had_it(id=an_event("other").id, mapper="generic")
    await store.insert([wrong], ["p1"])
    renewal = MongoRenewal(database)
    [(record, made)] = await outdated(renewal)
    made.unmapped = {"too large": "x" * (17 << 20)}
    with pytest.raises(AocError):
        await renewal.renew([(record, made)])

    assert [one["_id"] for one in await database["events"].find({}).to_list(None)] == [wrong.id]


@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_renewal_loses_and_doubles_nothing(store, database, how) -> None:
    moved = as_an_old_version_had_it(id=an_event("other").id, mapper="generic")
    version = {"event_id": moved.id, "number": 1, "tenant": "contoso", "raw": RULE, "_id": f"{moved.id}:1"}

    async def live(unsteady: Unsteady) -> list[object]:
        await database["events"].delete_many({})
        await database["event_versions"].delete_many({})
        await store.insert([moved], ["p1"])
        await database["event_versions"].insert_one(dict(version))
        for _ in range(3):
            renewal = MongoRenewal(unsteady)
            pairs = await outdated(MongoRenewal(database))
            try:
                await renewal.renew(pairs)
            except AocError:
                assert await database["events"].count_documents({"raw": RULE}) >= 1
        events = [one["_id"] for one in await database["events"].find({}).to_list(None)]
        return [*events, *[one["_id"] for one in await database["event_versions"].find({}).to_list(None)]]

    new = as_an_old_version_had_it().id
    quiet = Unsteady(database)
    assert await live(quiet) == [new, f"{new}:1"]
    for number in deaths(quiet.writes, how):
        assert await live(Unsteady(database, number, how)) == [new, f"{new}:1"]


async def test_an_event_beside_one_under_an_id_of_an_older_version_of_aoc_stays_where_the_next_look_finds_it(
    store, database
) -> None:
    upper = RULE.replace('"r1"', '"R1"')
    now = normalise(upper.encode(), RecordContext("contoso", "o365-exchange", NOW))
    [former] = now.former
    beside = ids.beside(former, now.operation)
    await store.insert([as_an_old_version_had_it(id=beside, raw=upper)], ["p1"])
    renewal = MongoRenewal(database)
    moved = await renewal.renew(await outdated(renewal))

    [after] = await database["events"].find({}).to_list(None)
    assert (after["_id"], moved) == (beside, 0)
    assert after["mapper_version"] > 0


async def test_an_event_that_cannot_move_is_renewed_where_it_is_and_not_found_for_ever(store, database) -> None:
    wrong = as_an_old_version_had_it(id=an_event("other").id, mapper="generic", unnamed=("id-1",))
    await store.insert([wrong], ["p1"])
    await store.insert([as_an_old_version_had_it(raw='{"Id":"another"}', mapper_version=99)], ["p2"])
    renewal = MongoRenewal(database)
    await renewal.renew([pair for pair in await outdated(renewal) if pair[0].id == wrong.id])

    assert await renewal.unnamed("contoso", ["id-1"], 10) == []
    assert {one["raw"] for one in await database["events"].find({}).to_list(None)} == {RULE, '{"Id":"another"}'}


async def test_a_text_that_was_made_whole_while_it_was_mapped_again_stays_whole(store, database) -> None:
    damaged = RULE.replace("Hide", "H\N{REPLACEMENT CHARACTER}de")
    await store.insert([as_an_old_version_had_it(raw=damaged)], ["p1"])
    renewal = MongoRenewal(database)
    pairs = await outdated(renewal)
    repaired = {"raw": RULE, "text": text_digest(RULE)}
    await database["events"].update_one({}, {"$set": repaired})
    await renewal.renew(pairs)

    assert (await database["events"].find_one({}))["raw"] == RULE


async def test_versions_that_are_not_shown_are_mapped_again_too_and_only_once(store, database) -> None:
    old = as_an_old_version_had_it()
    await store.insert([old], ["p1"])
    before = await database["events"].find_one({})
    numbered = {"event_id": old.id, "digest": "d"}
    past = {**before, **numbered, "_id": f"{old.id}:1", "number": 1}
    shown = {**before, **numbered, "_id": f"{old.id}:2", "number": 2}
    await database["event_versions"].insert_many([past, shown])
    await database["events"].update_one({}, {"$set": {"version": 2, "versions": 2}})
    renewal = MongoRenewal(database)
    pairs = await outdated(renewal)
    await renewal.renew(pairs)

    assert len(pairs) == 2
    renewed = await database["event_versions"].find({}).sort("number", 1).to_list(None)
    assert [(one["_id"], one["number"], one["page"]) for one in renewed] == [
        (f"{old.id}:1", 1, "p1"), (f"{old.id}:2", 2, "p1"),
    ]  # fmt: skip
    assert all(one["event"]["message"] == "dana@contoso.example created inbox rule Hide" for one in renewed)
    assert await outdated(renewal) == []
    [event] = await database["events"].find({}).to_list(None)
    assert (event["version"], event["versions"]) == (2, 2)


async def test_a_twin_names_the_new_id_of_an_event_that_moved(store, database) -> None:
    wrong, second = as_an_old_version_had_it(id=an_event("other").id, mapper="generic"), an_event("second")
    await store.insert([wrong], ["p1"])
    await database["events"].insert_one({"_id": second.id, "tenant": "fabrikam", "twin_of": wrong.id})
    await database["events"].update_one({"_id": wrong.id}, {"$set": {"twin": second.id, "origin": "p0"}})
    renewal = MongoRenewal(database)
    await renewal.renew(await outdated(renewal))

    moved = as_an_old_version_had_it().id
    assert (await database["events"].find_one({"_id": second.id}))["twin_of"] == moved
    after = await database["events"].find_one({"_id": moved})
    assert (after["twin"], after["origin"]) == (second.id, "p0")


async def test_an_event_under_an_id_of_an_older_version_of_aoc_keeps_it(store, database) -> None:
    upper = RULE.replace('"r1"', '"R1"')
    now = normalise(upper.encode(), RecordContext("contoso", "o365-exchange", NOW))
    [former] = now.former
    await store.insert([as_an_old_version_had_it(id=former, raw=upper)], ["p1"])
    renewal = MongoRenewal(database)
    await renewal.renew(await outdated(renewal))

    [after] = await database["events"].find({}).to_list(None)
    assert after["_id"] == former
    assert after["mapper_version"] > 0


async def test_a_text_that_was_repaired_while_it_was_mapped_again_stays_repaired(store, database) -> None:
    await store.insert([as_an_old_version_had_it(raw=RULE.replace("Hide", "H\ufffdde"))], ["p42"])
    renewal = MongoRenewal(database)
    pairs = await outdated(renewal)
    whole = {"raw": RULE, "text": "of the whole"}
    await database["events"].update_one({}, {"$set": whole})
    await renewal.renew(pairs)
    [event] = await database["events"].find({}).to_list(None)

    assert {name: event[name] for name in whole} == whole

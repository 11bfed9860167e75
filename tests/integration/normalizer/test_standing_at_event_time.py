"""An event shows the standing of people at its time: no demotion, deletion, `remap` or late name changes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts.access import Scope
from aoc_common.store.directories import HeldRoles, Observation, Sighting
from aoc_common.store.directory_states import SyncState
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_normalizer.enrich.directory_cache import DirectoryCache, make_look_up
from aoc_normalizer.enrich.identify import keys
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read
from aoc_normalizer.upkeep.late_names import LateNames, renewals
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DANA, SAM = "00000001-aaaa-4bbb-8ccc-000000000000", "00000002-aaaa-4bbb-8ccc-000000000000"
ADMIN = HeldRoles(("Global Administrator",), privileged=True)


class Pipeline:
    """A directory that is read, records that are stored, and stored records that are mapped again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(AT)
        self.directory, self.states = MongoDirectory(database), MongoDirectoryStates(database)
        self.renewal = MongoRenewal(database)
        self.late = LateNames(self.directory, self.renewal, self.learn, self.clock)

    async def learn(self, wanted):
        # Without a cache of answers of before.
        return await make_look_up(DirectoryCache(MongoDirectoryHistory(self.database), self.clock, 1000))(wanted)

    async def read(self, minute, *sightings, gone=(), roles=None):
        """A reading of users and roles, that many minutes after the start."""
        now = AT + minute * MINUTE
        self.clock.advance(now - self.clock.now())
        for kind in ("user", "role"):
            generation = await self.states.begin("contoso", kind)
            before = await self.states.state("contoso", kind)
            seen = Observation(now, generation, before.read_from)
            if kind == "user":
                await self.directory.put("contoso", sightings, seen, complete=False)
                await self.directory.remove("contoso", "user", gone, seen)
            elif roles is not None:
                await self.directory.assign("contoso", roles, seen)
            await self.states.advance(SyncState("contoso", kind, generation, read_from=now), now)

    async def store(self, minute, by, target=SAM, record_id="d-1"):
        """A record of that minute, stored now."""
        self.clock.advance(max(AT + minute * MINUTE - self.clock.now(), timedelta()))
        raw = json.dumps({
            "id": record_id, "activityDisplayName": "Delete user", "result": "success",
            "activityDateTime": (AT + minute * MINUTE).isoformat(), "initiatedBy": {"user": by},
            "targetResources": [{"id": target, "type": "User"}],
        }).encode()  # fmt: skip
        reading = read(raw, RecordContext("contoso", "graph-directory-audits", self.clock.now()))
        assert isinstance(reading, Reading)
        known = (await self.learn({"contoso": set(keys(reading.draft))}))["contoso"]
        await MongoEvents(self.database, lambda _t, _s: timedelta(days=30)).insert([finish(reading, known)], ["p1"])

    async def remap(self):
        """`aoc remap --all`."""
        async for records in self.renewal.batches("contoso", 50):
            await self.renewal.renew(await renewals("contoso", records, self.learn, self.clock.now()))

    async def stored(self):
        return (await self.database["events"].find_one({}))["event"]

    async def told(self, uid):
        """What the event says of an object, in short."""
        return [
            (data["known"], data.get("name"), tuple(data.get("roles", "?")), "added" in data)
            for one in (await self.stored())["enrichments"]
            if (data := one["data"]).get("uid") == uid or one["value"] == uid
        ]


def dana(**facts):
    return Sighting(DANA, "user", {"name": "Dana Reyes", "upn": "dana@contoso.example", **facts})


@pytest.fixture
async def pipeline(database: Database) -> Pipeline:
    await ensure_indexes(database)
    return Pipeline(database)


ACTORS = [{"id": DANA}, {"userPrincipalName": "dana@contoso.example"}, {"id": DANA, "displayName": "Dana"}]


@pytest.mark.slow
@pytest.mark.parametrize("by", ACTORS)
@pytest.mark.parametrize("then", ["demoted", "deleted", "renamed"])
async def test_an_administrators_event_stays_one_whatever_becomes_of_him(pipeline, by, then, schema_faults) -> None:
    await pipeline.read(0, dana(), Sighting(SAM, "user", {"name": "Sam Ortiz"}), roles={DANA: ADMIN})
    await pipeline.store(5, by)
    before = await pipeline.stored()
    if then == "demoted":
        await pipeline.read(30, roles={})
    elif then == "deleted":
        await pipeline.read(30, gone=[DANA], roles={})
    else:
        await pipeline.read(30, dana(name="Nobody", upn="nobody@contoso.example"), roles={DANA: ADMIN})
    await pipeline.remap()
    once = await pipeline.stored()
    await pipeline.read(90, dana(name="Somebody else"), roles={})
    await pipeline.remap()
    after = await pipeline.stored()

    assert (before["actor"]["user"]["type"], before["message"]) == (
        "Admin", f"{'Dana' if 'displayName' in by else 'Dana Reyes'} deleted user Sam Ortiz",
    )  # fmt: skip
    for event in (once, after):
        assert {name: event[name] for name in event if name != "enrichments"} == {
            name: before[name] for name in before if name != "enrichments"
        }
        # What was told comes first and is the same; that he changed between two readings is added, with its date.
        assert event["enrichments"][: len(before["enrichments"])] == before["enrichments"]
    assert once["enrichments"] == after["enrichments"]
    [added] = [one["data"] for one in after["enrichments"][len(before["enrichments"]) :]]
    assert (added["known"], added["added"], added["roles"]) == (
        "between readings", "2026-11-23T08:30:00Z", ["Global Administrator"],
    )  # fmt: skip
    assert added["or"]
    assert schema_faults(after | {"raw_data": "{}"}) == []


@pytest.mark.parametrize("then", ["demoted", "deleted"])
async def test_a_name_that_comes_late_takes_no_standing_from_the_others(pipeline, then) -> None:
    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.store(5, {"id": DANA})
    before = await pipeline.stored()
    gone = [DANA] if then == "deleted" else []
    await pipeline.read(30, Sighting(SAM, "user", {"name": "Sam Ortiz"}), gone=gone, roles={})
    renewed = await pipeline.late.catch_up()
    after = await pipeline.stored()

    assert (renewed, before["message"]) == (1, f"Dana Reyes deleted user {SAM}")
    assert after["message"] == "Dana Reyes deleted user Sam Ortiz"
    assert after["actor"] == before["actor"]
    assert after["actor"]["user"]["type"] == "Admin"
    assert (await pipeline.told(DANA))[0] == ("last read", "Dana Reyes", ADMIN.roles, False)
    assert await pipeline.told(SAM) == [
        ("not known", None, ("?",), False), ("learnt later", "Sam Ortiz", (), True),
    ]  # fmt: skip


async def test_a_record_that_comes_late_has_the_standing_of_its_own_time(pipeline) -> None:
    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.read(10, roles={DANA: ADMIN})
    await pipeline.read(20, gone=[DANA], roles={})
    await pipeline.read(30, roles={})
    await pipeline.store(5, {"userPrincipalName": "dana@contoso.example"})

    assert (await pipeline.stored())["actor"]["user"]["type"] == "Admin"
    assert await pipeline.told(DANA) == [("at the time", "Dana Reyes", ADMIN.roles, False)]


async def test_an_event_is_found_under_the_name_of_its_time_and_under_one_that_was_learnt_later(pipeline) -> None:
    from aoc_common.store.searches import EventQuery
    from making import asking

    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.store(5, {"id": DANA})
    await pipeline.read(
        30, dana(name="Quentin Vale"), Sighting(SAM, "user", {"name": "Sam Ortiz"}), roles={DANA: ADMIN}
    )
    await pipeline.late.catch_up()
    await pipeline.read(60, dana(name="Much Later"))
    for _ in range(2):
        await pipeline.remap()
    search = make_event_search(pipeline.database)

    async def found(text):
        page = await search.search(EventQuery(Scope("contoso"), asking(text=text)))
        return len(page.events)

    names = ("Dana Reyes", "Sam Ortiz", "Quentin Vale", "Much Later")
    assert {name: await found(name) for name in names} == {
        "Dana Reyes": 1,
        "Sam Ortiz": 1,  # learnt later
        "Quentin Vale": 1,  # so he was called when the directory was read next
        "Much Later": 0,
    }


async def test_who_takes_an_administrators_name_is_shown_with_his_id(pipeline) -> None:
    await pipeline.read(0, dana(), Sighting(SAM, "user", {"name": "D\u0430na REYES"}), roles={DANA: ADMIN})
    await pipeline.read(10, roles={})
    await pipeline.store(15, {"id": SAM}, target=DANA)
    before = await pipeline.stored()
    await pipeline.remap()

    assert before["message"] == f"D\u0430na REYES ({SAM}) deleted user Dana Reyes"
    assert await pipeline.stored() == before


async def test_an_event_of_before_is_kept_as_an_older_version_of_aoc_told_it(pipeline) -> None:
    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.store(5, {"id": DANA})
    old = {
        "name": "actor.user", "value": "dana@contoso.example", "type": "directory", "provider": "Microsoft Entra ID",
        "data": {"uid": DANA, "privileged": True, "roles": list(ADMIN.roles), "service_account": False},
    }  # fmt: skip
    await pipeline.database["events"].update_one({}, {"$set": {"event.enrichments": [old]}})
    before = await pipeline.stored()
    await pipeline.remap()
    unchanged = await pipeline.stored()
    await pipeline.read(30, gone=[DANA], roles={})
    await pipeline.remap()
    after = await pipeline.stored()

    assert unchanged == before
    assert (after["actor"], after["message"]) == (before["actor"], before["message"])
    assert (after["enrichments"][0], len(after["enrichments"])) == (old, 2)


async def test_a_record_that_mappers_stumble_over_later_keeps_what_its_event_told(pipeline, monkeypatch) -> None:
    from aoc_normalizer.reading import records

    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.store(5, {"id": DANA})
    before = await pipeline.stored()

    def stumble(_record):
        raise RuntimeError("a defect")

    monkeypatch.setattr(records, "recognise", stumble)
    await pipeline.remap()
    after = await pipeline.stored()

    assert after["enrichments"][: len(before["enrichments"])] == before["enrichments"]


async def test_mapping_again_for_ever_adds_nothing_for_ever(pipeline) -> None:
    await pipeline.read(0, dana(), roles={DANA: ADMIN})
    await pipeline.store(5, {"id": DANA}, target=DANA)
    for minute in range(10, 60, 5):
        await pipeline.read(minute, dana(name=f"Name {minute}"), roles={DANA: ADMIN} if minute % 2 else {})
        await pipeline.remap()

    assert len((await pipeline.stored())["enrichments"]) <= 6

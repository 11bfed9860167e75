"""Names for ids, through the whole normalizer: from the directory that the collector keeps, at once or later."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.clock import SystemClock
from aoc_common.contracts.directory import Entity
from aoc_common.contracts.event import Event
from aoc_common.errors import Unreachable
from aoc_common.service import tasks
from aoc_common.service.tasks import Task
from aoc_common.store.directories import Observation, Sighting
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.events import MongoEvents
from aoc_normalizer.enrich.directory_cache import DirectoryCache, make_look_up
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.upkeep.late_names import LateNames
from indexed import DIRECTORY, STORED
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DANA, SAM = "00000001-aaaa-4bbb-8ccc-000000000000", "00000002-aaaa-4bbb-8ccc-000000000000"


def audit(record_id: str, target: str = SAM) -> bytes:
    return json.dumps(
        {
            "id": record_id,
            "activityDisplayName": "Delete user",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "result": "success",
            "initiatedBy": {"user": {"id": DANA}},
            "targetResources": [{"id": target, "type": "User"}],
        }
    ).encode()


class Counting:
    """The real directory's histories, and how often they were asked for."""

    def __init__(self, database: Database) -> None:
        self._histories = MongoDirectoryHistory(database)
        self.asked: list[set[str]] = []

    async def remembered(self, tenant, keys):
        self.asked.append(set(keys))
        return await self._histories.remembered(tenant, keys)

    async def administrators(self, tenant):
        return await self._histories.administrators(tenant)


def entities(found):
    return {key: one.newest().entity for key, (one,) in found.items()}


@pytest.fixture
async def directory(database: Database) -> MongoDirectory:
    """The directories of Contoso and Fabrikam, whose first reading has begun."""
    await ensure_indexes(database, (*STORED, *DIRECTORY))
    for tenant in ("contoso", "fabrikam"):
        await MongoDirectoryStates(database).begin(tenant, "user")
    return MongoDirectory(database)


async def knows(directory: MongoDirectory, uid: str, name: str, at: datetime = NOW, tenant: str = "contoso") -> None:
    await directory.put(tenant, [Sighting(uid, "user", {"name": name})], Observation(at, 1), complete=False)


def look_up_in(database: Database, clock: ManualClock):
    return make_look_up(DirectoryCache(MongoDirectoryHistory(database), clock, 1000))


async def test_a_batch_asks_once_for_what_it_does_not_know_and_then_remembers(directory, database: Database) -> None:
    await knows(directory, DANA, "Dana Reyes")
    counting, clock = Counting(database), ManualClock(NOW)
    names = DirectoryCache(counting, clock, 1000)
    first = await names.among("contoso", [DANA, SAM])
    second = await names.among("contoso", [SAM, DANA])

    assert entities(first) == entities(second) == {DANA: Entity(DANA, "user", "Dana Reyes")}
    assert counting.asked == [{DANA, SAM}]


async def test_what_is_known_and_what_is_not_is_asked_for_again_after_a_minute(directory, database: Database) -> None:
    await knows(directory, DANA, "Dana Reyes")
    counting, clock = Counting(database), ManualClock(NOW)
    names = DirectoryCache(counting, clock, 1000)
    await names.among("contoso", [DANA, SAM])
    await knows(directory, SAM, "Sam Ortiz")
    clock.advance(timedelta(seconds=59))
    before = await names.among("contoso", [DANA, SAM])
    clock.advance(timedelta(seconds=2))
    found = await names.among("contoso", [DANA, SAM])

    assert (set(before), set(found)) == ({DANA}, {DANA, SAM})
    assert counting.asked == [{DANA, SAM}, {DANA, SAM}]


async def test_a_clock_that_is_put_back_keeps_no_answer_for_longer(directory, database: Database) -> None:
    counting, clock = Counting(database), ManualClock(NOW)
    names = DirectoryCache(counting, clock, 1000)
    await names.among("contoso", [DANA])
    await knows(directory, DANA, "Dana Reyes")
    clock.jump(-timedelta(days=1))
    clock.advance(timedelta(seconds=61))

    assert (await names.among("contoso", [DANA])).keys() == {DANA}


async def test_one_tenants_names_are_never_anothers(directory, database: Database) -> None:
    await knows(directory, DANA, "Dana of Fabrikam", tenant="fabrikam")
    names = DirectoryCache(MongoDirectoryHistory(database), ManualClock(NOW), 1000)
    await names.among("fabrikam", [DANA])

    assert await names.among("contoso", [DANA]) == {}


@pytest.mark.usefixtures("directory")
async def test_the_cache_is_bounded(database: Database) -> None:
    counting = Counting(database)
    names = DirectoryCache(counting, ManualClock(NOW), 10)
    keys = [f"key-{number}" for number in range(3000)]
    await names.among("contoso", keys)
    first = [len(asked) for asked in counting.asked]
    await names.among("contoso", keys)

    assert first == [2000, 1000]
    assert 3000 - 10 <= sum(map(len, counting.asked)) - sum(first) <= 3000  # whichever ten it knows


async def test_names_of_a_tenant_without_a_directory_are_asked_for_once_until_it_has_one(database: Database) -> None:
    counting, clock = Counting(database), ManualClock(NOW)
    names = DirectoryCache(counting, clock, 1000)
    without = [await names.among("contoso", [key]) for key in (DANA, SAM, DANA)]
    await MongoDirectoryStates(database).begin("contoso", "user")
    await knows(MongoDirectory(database), DANA, "Dana Reyes")
    clock.advance(timedelta(seconds=6))

    assert without == [{}, {}, {}]
    assert counting.asked == [{DANA}]
    assert (await names.among("contoso", [DANA])).keys() == {DANA}


async def test_an_event_is_renewed_in_place_when_its_ids_get_names(directory, database: Database) -> None:
    event = normalise(audit("d-1"), RecordContext("contoso", "graph-directory-audits", NOW))
    assert isinstance(event, Event)
    await MongoEvents(database, lambda _t, _s: timedelta(days=30)).insert([event], ["p7"])
    clock = ManualClock(NOW)
    late = LateNames(directory, MongoRenewal(database), look_up_in(database, clock), clock)
    nothing = await late.catch_up()
    await knows(directory, DANA, "Dana Reyes", NOW + timedelta(seconds=5))
    first = await late.catch_up()
    one_name = await database["events"].find_one({})
    clock.advance(timedelta(minutes=10))
    await knows(directory, SAM, "Sam Ortiz", NOW + timedelta(minutes=5))
    second = await late.catch_up()
    both = await database["events"].find_one({})
    clock.advance(timedelta(minutes=10))

    assert (nothing, first, second, await late.catch_up()) == (0, 1, 1, 0)
    assert one_name["event"]["message"] == f"Dana Reyes deleted user {SAM}"
    assert one_name["unnamed"] == [SAM]
    assert both["event"]["message"] == "Dana Reyes deleted user Sam Ortiz"
    assert "unnamed" not in both
    assert "ortiz" in both["terms"]
    assert (both["_id"], both["page"]) == (event.id, "p7")


@pytest.mark.slow
async def test_more_events_than_one_round_renews_all_get_their_name(directory, database: Database) -> None:
    context = RecordContext("contoso", "graph-directory-audits", NOW)
    events = [normalise(audit(f"d-{number}", DANA), context) for number in range(450)]
    await MongoEvents(database, lambda _t, _s: timedelta(days=30)).insert(events, ["p7"] * 450)
    await knows(directory, DANA, "Dana Reyes")
    clock = ManualClock(NOW)
    late = LateNames(directory, MongoRenewal(database), look_up_in(database, clock), clock)

    assert await late.catch_up() == 450
    assert await database["events"].count_documents({"unnamed": DANA}) == 0


async def test_an_entity_without_a_name_does_not_hold_up_the_others(directory, database: Database) -> None:
    event = normalise(audit("d-1"), RecordContext("contoso", "graph-directory-audits", NOW))
    assert isinstance(event, Event)
    await MongoEvents(database, lambda _t, _s: timedelta(days=30)).insert([event], ["p7"])
    await directory.put("contoso", [Sighting(DANA, "user", {"department": "IT"})], Observation(NOW, 1), complete=False)
    await knows(directory, SAM, "Sam Ortiz")
    clock = ManualClock(NOW)
    late = LateNames(directory, MongoRenewal(database), look_up_in(database, clock), clock)
    await asyncio.wait_for(late.catch_up(), 10)

    assert (await database["events"].find_one({}))["event"]["message"] == f"{DANA} deleted user Sam Ortiz"


async def test_a_store_that_is_away_is_asked_again_at_the_next_turn(directory, database: Database) -> None:
    class Away:
        asked = 0

        async def changed(self, since, limit):
            self.asked += 1
            raise Unreachable("away")

    away, clock = Away(), ManualClock(NOW)
    late = LateNames(away, MongoRenewal(database), look_up_in(database, clock), clock)
    async with tasks.running([Task("late names", 0.01, late.catch_up)], SystemClock()):
        await asyncio.sleep(0.2)

    assert away.asked > 2


@pytest.mark.slow
async def test_the_running_normalizer_names_what_it_stores(
    bus, normalizer, eventually, directory, database: Database
) -> None:
    from aoc_common.contracts.raw import RawPage

    await knows(directory, DANA, "Dana Reyes")
    await bus.send(RawPage("contoso", "graph-directory-audits", "contoso/s1", NOW, b"[" + audit("d-1") + b"]"))
    async with normalizer():
        await eventually(bus.settled)

    stored = await database["events"].find_one({})
    assert stored["event"]["message"] == f"Dana Reyes deleted user {SAM}"

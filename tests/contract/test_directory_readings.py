"""What any store of directories promises to who reads them: the real one, and that in memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aoc_common.store.directories import Observation, Sighting
from aoc_common.store.directory_states import SyncState
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from indexed import DIRECTORY
from making import NOW
from memory import MemoryDirectory

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["memory", "mongo"])
async def stores(request, database):
    """Both halves: what is known, and how far it was read."""
    if request.param == "memory":
        store = MemoryDirectory()
        return store, store
    await ensure_indexes(database, DIRECTORY)
    return MongoDirectory(database), MongoDirectoryStates(database)


@pytest.fixture
def directory(stores):
    return stores[0]


@pytest.fixture
def states(stores):
    return stores[1]


def user(object_id="D1", **facts):
    return Sighting(object_id, "user", {"name": "Dana", **facts})


def seen(generation):
    return Observation(NOW + generation * MINUTE, generation)


async def test_an_entity_is_found_by_each_of_its_keys_in_its_own_tenant(directory):
    laptop = Sighting("OBJ-1", "device", {"name": "CON-NB1001", "aliases": ("Dev-1",)})
    await directory.put("contoso", [user(upn="Dana@contoso.example", enabled=True), laptop], seen(1), complete=True)
    found = await directory.find("contoso", ["d1", "dana@contoso.example", "dev-1", "nobody"])

    assert {key: one.id for key, one in found.items()} == {"d1": "D1", "dana@contoso.example": "D1", "dev-1": "OBJ-1"}
    assert (found["d1"].kind, found["d1"].name, found["d1"].enabled) == ("user", "Dana", True)
    assert await directory.find("fabrikam", ["d1"]) == {}


async def test_what_a_whole_sighting_leaves_out_is_gone_and_what_a_change_leaves_out_stays(directory):
    await directory.put("contoso", [user(department="Finance")], seen(1), complete=True)
    await directory.put("contoso", [user(enabled=False)], seen(1), complete=False)
    changed = (await directory.find("contoso", ["d1"]))["d1"]
    await directory.put("contoso", [user(guest=True)], seen(2), complete=True)
    await directory.put("contoso", [user(upn="d@contoso.example")], seen(2), complete=True)
    again = (await directory.find("contoso", ["d1"]))["d1"]

    assert (changed.department, changed.enabled) == ("Finance", False)
    assert (again.department, again.enabled, again.guest, again.upn) == (None, None, True, "d@contoso.example")


async def test_what_a_later_reading_has_seen_an_earlier_one_does_not_change(directory):
    await directory.put("contoso", [user(name="Later")], seen(2), complete=True)
    await directory.put("contoso", [user(name="Earlier")], seen(1), complete=True)
    await directory.remove("contoso", "user", ["D1"], seen(1))

    assert (await directory.find("contoso", ["d1"]))["d1"].name == "Later"


async def test_what_is_removed_is_not_found_any_more(directory):
    await directory.put("contoso", [user(), user("D2")], seen(1), complete=True)
    await directory.remove("contoso", "user", ["D1", "unknown"], seen(1))

    assert set(await directory.find("contoso", ["d1", "d2"])) == {"d2"}
    assert await directory.count("contoso") == {"user": 1}


async def test_what_a_reading_has_not_seen_is_swept_away_in_its_kind_and_tenant_only(directory):
    group = Sighting("G1", "group", {"name": "Admins"})
    await directory.put("contoso", [user(), user("D2"), group], seen(1), complete=True)
    await directory.put("fabrikam", [user("F1")], seen(1), complete=True)
    await directory.put("contoso", [user("D2")], seen(2), complete=True)
    swept = [await directory.sweep("contoso", "user", seen(2)) for _ in range(2)]

    assert swept == [1, 0]
    assert set(await directory.find("contoso", ["d1", "d2", "g1"])) == {"d2", "g1"}
    assert (await directory.count("contoso"), await directory.count("fabrikam")) == (
        {"user": 1, "group": 1},
        {"user": 1},
    )


async def test_each_reading_has_a_higher_number_and_forgets_nothing(states):
    never = await states.state("contoso", "user")
    first = await states.begin("contoso", "user")
    await states.advance(SyncState("contoso", "user", first, "q", "link"), NOW)
    second = await states.begin("contoso", "user")
    state = await states.state("contoso", "user")

    assert never == SyncState("contoso", "user")
    assert first < second == state.generation
    assert (state.query, state.delta_link, state.last_success) == ("q", "link", NOW)


async def test_a_reading_that_was_overtaken_notes_nothing(states):
    first = await states.begin("contoso", "user")
    second = await states.begin("contoso", "user")
    late = await states.advance(SyncState("contoso", "user", first, "q", "late"), NOW)
    own = await states.advance(SyncState("contoso", "user", second, "q", "own"), NOW)

    assert (late, own) == (False, True)
    assert (await states.state("contoso", "user")).delta_link == "own"


async def test_an_error_is_noted_and_cleared_by_a_success(states):
    await states.note_error("contoso", "user", "away", NOW)
    noted = await states.state("contoso", "user")
    generation = await states.begin("contoso", "user")
    await states.advance(SyncState("contoso", "user", generation, "q", "link"), NOW + MINUTE)
    [state] = await states.all_states("contoso")

    assert (noted.last_error, noted.last_error_at) == ("away", NOW)
    assert (state.last_error, state.last_success) == (None, NOW + MINUTE)
    assert await states.all_states("fabrikam") == []

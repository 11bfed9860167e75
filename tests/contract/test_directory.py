"""What the store of directories promises, held against a real MongoDB-protocol server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.directory import Entity
from aoc_common.errors import Malformed, Unreachable
from aoc_common.settings import MongoSettings
from aoc_common.store.directories import Facts, HeldRoles, Observation, Sighting
from aoc_common.store.directory_names import DirectoryChange
from aoc_common.store.directory_states import SyncState
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from indexed import DIRECTORY

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
SEEN = Observation(LATER, 1)
LONG_AGO = NOW - timedelta(days=1)
DANA = {"name": "Dana Reyes", "upn": "Dana.Reyes@contoso.example", "enabled": True, "guest": False, "licensed": True}


def user(object_id="D1", **facts):
    return Sighting(object_id, "user", Facts(**(DANA | facts)))


@pytest.fixture
async def directory(database):
    await ensure_indexes(database, DIRECTORY)
    return MongoDirectory(database)


@pytest.fixture
def states(database):
    return MongoDirectoryStates(database)


async def whole(directory, *sightings, generation=1, at=NOW, tenant="contoso"):
    await directory.put(tenant, sightings, Observation(at, generation), complete=True)


async def changes(directory, *sightings, generation=1, at=LATER, tenant="contoso"):
    await directory.put(tenant, sightings, Observation(at, generation), complete=False)


async def known(directory, *keys, tenant="contoso"):
    return await directory.find(tenant, keys)


async def test_two_tenants_with_the_same_object_id_are_never_mixed(directory):
    await whole(directory, user(name="Ours"))
    await whole(directory, user(name="Theirs"), tenant="fabrikam")
    await directory.assign("fabrikam", {"D1": HeldRoles(("Global Administrator",), privileged=True)}, SEEN)
    await directory.remove("fabrikam", "user", ["D1"], SEEN)

    assert (await known(directory, "d1"))["d1"].name == "Ours"
    assert (await known(directory, "d1"))["d1"].roles == ()
    assert await known(directory, "d1", tenant="fabrikam") == {}


async def test_a_tenant_that_is_no_slug_is_refused_before_anything_is_asked(directory):
    for call in (
        directory.find("a/b", ["x"]),
        directory.put("a/b", [], SEEN, complete=True),
        directory.remove("a/b", "user", [], SEEN),
        directory.sweep("a/b", "user", Observation(LATER, 1)),
        directory.assign("a/b", {}, SEEN),
        directory.count("a/b"),
    ):
        with pytest.raises(Malformed):
            await call


async def test_a_store_that_is_away_is_a_transient_failure():
    async with connect(MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.2)) as database:
        with pytest.raises(Unreachable):
            await MongoDirectory(database).find("contoso", ["x"])
        with pytest.raises(Unreachable):
            await MongoDirectoryStates(database).begin("contoso", "user")


async def test_an_entity_is_found_by_each_of_its_keys_in_any_case_and_by_no_other(directory):
    laptop = Sighting("OBJ-1", "device", {"name": "CON-NB1001", "aliases": ("Dev-1",)})
    app = Sighting("SP-1", "service principal", {"name": "Payroll Bridge", "app_id": "APP-1"})
    await whole(directory, user(), laptop, app)
    found = await known(directory, "d1", "dana.reyes@contoso.example", "obj-1", "dev-1", "sp-1", "app-1", "nobody")

    assert {key: entity.id for key, entity in found.items()} == {
        "d1": "D1",
        "dana.reyes@contoso.example": "D1",
        "obj-1": "OBJ-1",
        "dev-1": "OBJ-1",
        "sp-1": "SP-1",
        "app-1": "SP-1",
    }


async def test_everything_that_an_entity_shows_comes_back(directory):
    await whole(directory, user(department="Finance", app_id=None))
    await directory.assign("contoso", {"d1": HeldRoles(("Global Reader", "User Administrator"), privileged=True)}, SEEN)

    assert (await known(directory, "d1"))["d1"] == Entity(
        id="D1",
        kind="user",
        name="Dana Reyes",
        upn="Dana.Reyes@contoso.example",
        enabled=True,
        guest=False,
        department="Finance",
        roles=("Global Reader", "User Administrator"),
        privileged=True,
    )


async def test_a_change_keeps_what_it_does_not_mention_and_clears_what_it_says_is_gone(directory):
    await whole(directory, user(department="Finance"))
    await changes(directory, Sighting("D1", "user", {"enabled": False, "department": None}))
    entity = (await known(directory, "d1"))["d1"]

    assert (entity.name, entity.upn, entity.enabled, entity.department) == (
        "Dana Reyes",
        "Dana.Reyes@contoso.example",
        False,
        None,
    )


async def test_a_whole_sighting_of_a_later_reading_replaces_all_but_the_roles(directory):
    await whole(directory, user(department="Finance"))
    await directory.assign("contoso", {"D1": HeldRoles(("Global Reader",), privileged=True)}, SEEN)
    await whole(directory, Sighting("D1", "user", {"name": "Dana R."}), generation=2)
    entity = (await known(directory, "d1"))["d1"]

    assert (entity.name, entity.upn, entity.department, entity.roles) == ("Dana R.", None, None, ("Global Reader",))
    assert await known(directory, "dana.reyes@contoso.example") == {}


async def test_a_second_sighting_in_one_reading_adds_to_the_first(directory):
    await whole(directory, user(department="Finance"))
    await whole(directory, Sighting("D1", "user", {"name": "Dana R."}))

    assert (await known(directory, "d1"))["d1"].department == "Finance"


async def test_a_reading_that_was_overtaken_changes_and_sweeps_nothing_of_its_successor(directory):
    await whole(directory, user(name="New"), generation=2)
    await whole(directory, user(name="Old"), generation=1)
    await directory.sweep("contoso", "user", Observation(LATER, 1))

    assert (await known(directory, "d1"))["d1"].name == "New"


async def test_a_change_reaches_an_entity_that_an_unfinished_reading_has_seen_already(directory):
    await whole(directory, user(), generation=2)
    await changes(directory, Sighting("D1", "user", {"enabled": False}), generation=3)

    assert (await known(directory, "d1"))["d1"].enabled is False


async def test_a_reading_of_changes_that_was_overtaken_does_not_undo_what_a_later_one_has_seen(directory):
    await whole(directory, user())
    await changes(directory, Sighting("D1", "user", {"enabled": False}), generation=3)
    await changes(directory, Sighting("D1", "user", {"enabled": True}), generation=2)
    await directory.remove("contoso", "user", ["D1"], Observation(LATER, 2))

    assert (await known(directory, "d1"))["d1"].enabled is False


async def test_a_sweep_forgets_what_a_reading_has_not_seen_of_that_kind_and_tenant_only(directory):
    await whole(directory, user("stays"), user("goes"), Sighting("group", "group", {"name": "Finance"}))
    await whole(directory, user("elsewhere"), tenant="fabrikam")
    await whole(directory, user("stays"), generation=2)
    gone = await directory.sweep("contoso", "user", Observation(LATER, 2))

    assert gone == 1
    assert set(await known(directory, "stays", "goes", "group")) == {"stays", "group"}
    assert set(await known(directory, "elsewhere", tenant="fabrikam")) == {"elsewhere"}


async def test_removing_is_idempotent_and_keeps_other_kinds(directory):
    await whole(directory, user(), Sighting("g1", "group", {"name": "Finance"}))
    for _ in range(2):
        await directory.remove("contoso", "user", ["D1", "g1", "never-there"], SEEN)

    assert set(await known(directory, "d1", "g1")) == {"g1"}


async def test_roles_are_replaced_as_a_whole_and_nobody_is_invented(directory):
    await whole(directory, user("a"), user("b"), user("c"))
    reader = HeldRoles(("Global Reader",), privileged=True)
    await directory.assign(
        "contoso", {"a": reader, "b": HeldRoles(("Reports Reader",), privileged=False), "ghost": reader}, SEEN
    )
    await directory.assign("contoso", {"b": reader, "c": HeldRoles(("Reports Reader",), privileged=False)}, SEEN)
    found = await known(directory, "a", "b", "c", "ghost")

    assert {key: (entity.roles, entity.privileged) for key, entity in found.items()} == {
        "a": ((), False),
        "b": (("Global Reader",), True),
        "c": (("Reports Reader",), False),
    }


async def test_of_two_with_one_user_name_the_later_is_found_but_an_own_id_comes_first(directory):
    await whole(directory, user("left", upn="kim@contoso.example"))
    await whole(directory, user("joined", upn="kim@contoso.example"), at=LATER)
    await whole(directory, Sighting("phone", "device", {"aliases": ("left",)}), at=LATER)

    assert (await known(directory, "kim@contoso.example"))["kim@contoso.example"].id == "joined"
    assert (await known(directory, "left"))["left"].id == "left"


async def test_an_account_becomes_a_service_account_when_its_licence_goes(directory):
    await whole(directory, user(upn="svc-backup@contoso.example"))
    before = (await known(directory, "d1"))["d1"].service_account
    await changes(directory, Sighting("D1", "user", {"licensed": False}))

    assert (before, (await known(directory, "d1"))["d1"].service_account) == (False, True)


async def test_changed_tells_of_new_names_and_keys_and_of_nothing_else(directory):
    await whole(directory, user("a"), user("b"), user("c"), user("d"))
    await changes(directory, Sighting("a", "user", {"name": "Another"}), Sighting("b", "user", {"enabled": False}))
    await changes(directory, Sighting("c", "user", {"upn": "c@contoso.example"}), user("d"))
    await directory.assign("contoso", {"d": HeldRoles(("Global Reader",), privileged=True)}, SEEN)
    found = await directory.changed(NOW, 100)

    assert found == [
        DirectoryChange("contoso", ("a", "dana.reyes@contoso.example"), LATER),
        DirectoryChange("contoso", ("c", "c@contoso.example"), LATER),
    ]


async def test_changed_is_oldest_first_over_all_tenants_and_never_splits_a_moment(directory):
    await whole(directory, *(user(f"u{number}") for number in range(5)))
    await whole(directory, user("late"), at=LATER, tenant="fabrikam")
    first = await directory.changed(LONG_AGO, 2)
    rest = await directory.changed(first[-1].at, 2)

    assert [one.keys[0] for one in first] == ["u0", "u1", "u2", "u3", "u4"]
    assert rest == [DirectoryChange("fabrikam", ("late", "dana.reyes@contoso.example"), LATER)]


async def test_counts_are_by_kind_and_tenant(directory):
    await whole(directory, user("a"), user("b"), Sighting("g", "group", {}))

    assert await directory.count("contoso") == {"user": 2, "group": 1}
    assert await directory.count("fabrikam") == {}


async def test_more_than_one_page_is_stored_once_however_often_it_comes(directory, database):
    many = [user(f"u{number}", upn=f"u{number}@contoso.example") for number in range(700)]
    for _ in range(2):
        await whole(directory, *many)

    assert await directory.count("contoso") == {"user": 700}
    assert len(await directory.changed(LONG_AGO, 10_000)) == 700


async def test_every_generation_is_higher_than_the_one_before_also_after_an_error(states):
    await states.note_error("contoso", "user", "no permission", NOW)
    numbers = [await states.begin("contoso", "user") for _ in range(3)]

    assert numbers == [1, 2, 3]
    assert await states.begin("contoso", "group") == 1
    assert await states.begin("fabrikam", "user") == 1


async def test_a_success_keeps_the_link_and_clears_the_error(states):
    generation = await states.begin("contoso", "user")
    await states.note_error("contoso", "user", "x" * 600, NOW)
    noted = await states.state("contoso", "user")
    wanted = SyncState("contoso", "user", generation, query="q", delta_link="https://graph/delta?token=1")
    done = await states.advance(wanted, LATER)
    state = await states.state("contoso", "user")

    assert (noted.last_error, noted.last_error_at, noted.last_success) == ("x" * 500, NOW, None)
    assert done
    assert (state.query, state.delta_link, state.last_success, state.last_error) == (
        "q",
        "https://graph/delta?token=1",
        LATER,
        None,
    )


async def test_a_reading_that_was_overtaken_cannot_move_the_state(states):
    old = await states.begin("contoso", "user")
    await states.begin("contoso", "user")
    done = await states.advance(SyncState("contoso", "user", old, delta_link="old"), NOW)

    assert not done
    assert (await states.state("contoso", "user")).delta_link is None


async def test_states_are_listed_for_one_tenant(states):
    await states.begin("contoso", "user")
    await states.note_error("contoso", "device", "refused", NOW)
    await states.begin("fabrikam", "group")

    assert [state.kind for state in await states.all_states("contoso")] == ["device", "user"]
    assert await states.state("contoso", "role") == SyncState("contoso", "role")

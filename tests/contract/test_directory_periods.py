"""What the store of directories remembers of former times, held against a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import bson
import pytest

from aoc_common.contracts import periods
from aoc_common.contracts.ids import to_ms
from aoc_common.errors import Malformed, Unreachable
from aoc_common.store.directories import HeldRoles, Observation, Sighting
from aoc_common.store.directory_states import SyncState
from aoc_common.store.mongo import directory_history
from aoc_common.store.mongo.client import CODEC, ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from indexed import DIRECTORY
from unsteady import Unsteady, deaths

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UPN = "dana@contoso.example"
ADMIN = HeldRoles(("Global Administrator",), privileged=True)


class Books:
    """A directory whose kinds are read every ten minutes: the reading at a minute began at its beginning."""

    def __init__(self, database, tenant="contoso"):
        self.database = database
        self.directory = MongoDirectory(database)
        self.states = MongoDirectoryStates(database)
        self.history = MongoDirectoryHistory(database)
        self.tenant = tenant

    async def read(self, at, *sightings, gone=(), complete=False, roles=None, ends=True):
        """A reading of users, and one of roles if they are told, that many minutes after T0."""
        seen, state = await self.begin("user", at)
        await self.directory.put(self.tenant, sightings, seen, complete=complete)
        await self.directory.remove(self.tenant, "user", gone, seen)
        if complete and ends:
            await self.directory.sweep(self.tenant, "user", seen)
        if ends:
            await self.states.advance(state, seen.at)
        if roles is not None:
            await self.assign(at, roles)

    async def assign(self, at, roles):
        seen, state = await self.begin("role", at)
        await self.directory.assign(self.tenant, roles, seen)
        await self.states.advance(state, seen.at)

    async def begin(self, kind, at):
        now = T0 + at * MINUTE
        generation = await self.states.begin(self.tenant, kind)
        before = await self.states.state(self.tenant, kind)
        state = SyncState(self.tenant, kind, generation, delta_link="link", read_from=now)
        return Observation(now, generation, before.read_from), state

    async def at(self, key, minute):
        """Who a key meant that many minutes after T0: the mark and what it says; None for nobody."""
        found = await self.history.remembered(self.tenant, [key])
        view = periods.find(key, found.histories.get(key, ()), to_ms(T0 + minute * MINUTE))
        return None if view is None else dict(view.data)

    async def said(self, key, *minutes):
        """The same in short: (mark, id, name, roles) of each."""
        found = [await self.at(key, minute) for minute in minutes]
        return [one and (one["known"], one.get("uid"), one.get("name"), tuple(one.get("roles", "?"))) for one in found]


def user(object_id="A1", **facts):
    return Sighting(object_id, "user", {"name": "Dana Reyes", "upn": UPN, "enabled": True, **facts})


@pytest.fixture
async def books(database):
    await ensure_indexes(database, DIRECTORY)
    return Books(database)


async def test_a_demotion_closes_a_period_and_opens_another(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(10, roles={"A1": ADMIN})
    await books.read(20, roles={})

    assert await books.said("a1", -30, 5, 15, 20, 30) == [
        ("first known", "A1", "Dana Reyes", ADMIN.roles),
        ("at the time", "A1", "Dana Reyes", ADMIN.roles),
        ("between readings", "A1", "Dana Reyes", ADMIN.roles),
        ("at the time", "A1", "Dana Reyes", ()),
        ("last read", "A1", "Dana Reyes", ()),
    ]


async def test_a_closed_period_says_all_that_the_state_said(books):
    robot = {
        "name": "Backup", "upn": "svc-backup@contoso.example", "enabled": False, "guest": False, "department": "IT",
        "licensed": False,
    }  # fmt: skip
    await books.read(0, user(**robot), complete=True, roles={"A1": ADMIN})
    await books.read(10, roles={"A1": ADMIN})
    before = await books.at("a1", 5)
    await books.read(20, user(enabled=True, name="Dana Reyes", licensed=True), roles={})

    assert await books.at("a1", 5) == before
    assert (before["enabled"], before["guest"], before["service_account"]) == (False, False, True)


async def test_a_deletion_closes_a_period_and_erases_nothing_and_a_restoration_opens_one(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(10, gone=["A1"], roles={})
    for _ in range(2):
        await books.read(20, gone=["A1"])
    now = await books.directory.find("contoso", ["a1", UPN])
    await books.read(30, user(name="Dana R."))

    assert now == {}
    assert await books.directory.count("contoso") == {"user": 1}
    assert await books.said("a1", 0, 5, 15, 25, 30, 31) == [
        ("at the time", "A1", "Dana Reyes", ADMIN.roles),
        ("between readings", "A1", "Dana Reyes", ADMIN.roles),
        ("deleted", "A1", "Dana Reyes", ADMIN.roles),
        ("learnt later", "A1", "Dana R.", ("?",)),
        ("at the time", "A1", "Dana R.", ("?",)),
        ("last read", "A1", "Dana R.", ("?",)),
    ]
    assert [one and one["uid"] for one in [await books.at(UPN, minute) for minute in (0, 15, 30)]] == ["A1", None, "A1"]


async def test_a_reused_user_name_belongs_to_another_from_its_own_time_on(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(10, gone=["A1"], roles={})
    await books.read(20)
    await books.read(30, user("B2", name="Another Dana"), roles={})

    assert await books.said(UPN, -5, 0, 5, 15, 25, 30, 99) == [
        ("first known", "A1", "Dana Reyes", ADMIN.roles),
        ("at the time", "A1", "Dana Reyes", ADMIN.roles),
        ("between readings", "A1", "Dana Reyes", ADMIN.roles),
        None,
        ("learnt later", "B2", "Another Dana", ()),
        ("at the time", "B2", "Another Dana", ()),
        ("last read", "B2", "Another Dana", ()),
    ]
    assert (await books.at("a1", 99))["known"] == "deleted"


async def test_a_user_name_that_was_handed_on_within_one_reading_is_ambiguous_in_between(books):
    await books.read(0, user(), user("B2", upn="b@contoso.example"), complete=True, roles={})
    await books.read(10, user(upn="a@contoso.example"), user("B2"), roles={})

    assert [(await books.at(UPN, minute)).get("uid") for minute in (0, 10)] == ["A1", "B2"]
    assert await books.at(UPN, 5) == {"known": "ambiguous", "among": ["A1", "B2"]}


async def test_a_full_reading_closes_nothing_that_it_has_not_reached_and_all_that_it_did_not_find(books):
    await books.read(0, user("a"), user("b"), user("c"), complete=True, roles={})
    await books.read(10, user("a"), complete=True, ends=False)
    half_way = await books.said("b", 10)
    await books.read(20, user("a"), user("c"), complete=True, roles={})

    assert half_way == [("last read", "b", "Dana Reyes", ())]
    assert [found[0] for found in await books.said("c", 0, 5, 15, 20)] == ["at the time"] * 4
    assert [found[0] for found in await books.said("b", 0, 15, 20)] == ["at the time", "between readings", "deleted"]
    assert len((await books.database["directory"].find_one({"id": "a"})).get("past", ())) == 0


async def test_a_directory_that_was_not_read_for_days_says_until_when_it_was(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    meanwhile = await books.at("a1", 3 * 24 * 60)
    await books.read(5 * 24 * 60, user(), roles={})
    afterwards = await books.at("a1", 3 * 24 * 60)

    assert (meanwhile["known"], meanwhile["read"], meanwhile["roles"]) == (
        "last read", "2026-11-23T08:00:00Z", ["Global Administrator"],
    )  # fmt: skip
    assert (afterwards["known"], afterwards["after"], afterwards["seen"], afterwards["or"]) == (
        "between readings", "2026-11-23T08:00:00Z", "2026-11-28T08:00:00Z", {"privileged": False, "roles": []},
    )  # fmt: skip


async def test_a_change_that_a_delta_left_out_shows_at_the_next_full_reading_as_one_since_the_last(books):
    await books.read(0, user(), complete=True, roles={})
    await books.read(10)
    await books.read(20, user(name="Dana R."), complete=True, roles={})

    assert [found[::2] for found in await books.said("a1", 10, 15, 20)] == [
        ("at the time", "Dana Reyes"), ("between readings", "Dana Reyes"), ("at the time", "Dana R."),
    ]  # fmt: skip


async def test_pages_that_come_again_change_nothing(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(10, user(name="Dana R."), roles={"A1": ADMIN})
    before = await books.database["directory"].find_one({})
    for minute in (11, 12):
        await books.read(minute, user(name="Dana R."), roles={"A1": ADMIN})
    after = await books.database["directory"].find_one({})

    assert {**after, "generation": 0} == {**before, "generation": 0}


async def test_two_collectors_at_once_lose_no_period(books):
    await books.read(0, user(), complete=True, roles={})
    seen = [Observation(T0 + (10 + number) * MINUTE, 10, T0) for number in range(6)]
    await asyncio.gather(
        books.directory.put("contoso", [user(department="IT")], seen[0], complete=False),
        books.directory.assign("contoso", {"A1": ADMIN}, seen[1]),
        books.directory.put("contoso", [Sighting("A1", "user", {"name": "Dana R."})], seen[2], complete=False),
        books.directory.put("contoso", [user("B2")], seen[3], complete=False),
        books.directory.put("contoso", [user("B2")], seen[4], complete=False),
    )
    document = await books.database["directory"].find_one({"id": "A1"})

    assert (document["name"] in {"Dana R.", "Dana Reyes"}, document["department"], document["roles"]) == (
        True, "IT", list(ADMIN.roles),
    )  # fmt: skip
    assert len(document["past"]) == document["changes"] >= 2
    assert await books.database["directory"].count_documents({"id": "B2"}) == 1


async def test_until_a_clock_that_was_ahead_has_been_reached_both_states_are_told(books):
    await books.read(0, user(), complete=True, roles={})
    await books.read(600, user(name="Dana of the future"))
    await books.read(10, user(name="Dana R."))

    assert [found[::2] for found in await books.said("a1", 0, 5, 11, 601)] == [
        ("at the time", "Dana Reyes"), ("between readings", "Dana Reyes"), ("between readings", "Dana Reyes"),
        ("last read", "Dana R."),
    ]  # fmt: skip
    assert (await books.at("a1", 11))["or"] == {"name": "Dana R."}


async def test_a_clock_that_is_behind_dates_nothing_before_the_last_reading(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(100, roles={"A1": ADMIN})
    await books.read(-2_000, roles={})

    assert [found[::3] for found in await books.said("a1", 0, 50, 101)] == [
        ("at the time", ADMIN.roles), ("between readings", ADMIN.roles), ("last read", ()),
    ]  # fmt: skip


async def test_tenants_are_kept_apart(books):
    theirs = Books(books.database, "fabrikam")
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await theirs.read(0, user(name="Theirs"), complete=True, roles={})
    await theirs.read(10, gone=["A1"])

    assert await books.said("a1", 0, 20) == [
        ("at the time", "A1", "Dana Reyes", ADMIN.roles), ("last read", "A1", "Dana Reyes", ADMIN.roles),
    ]  # fmt: skip
    assert (await theirs.at("a1", 20))["known"] == "deleted"
    assert await theirs.history.administrators("fabrikam") == {}
    with pytest.raises(Malformed):
        await books.history.remembered("a/b", ["x"])


async def test_somebody_who_renames_himself_for_ever_fills_no_store_and_no_role_is_forgotten(books):
    await books.read(0, user(), complete=True, roles={"A1": ADMIN})
    await books.read(1, roles={})
    for minute in range(2, 200):
        await books.directory.put(
            "contoso", [user(name=f"Name {minute}", upn=f"n{minute}@contoso.example", department=str(minute))],
            Observation(T0 + minute * MINUTE, 1_000 + minute, T0 + (minute - 1) * MINUTE), complete=False,
        )  # fmt: skip
    document = await books.database["directory"].find_one({})
    summed = await books.at("a1", 20)

    assert (await books.at("a1", 0))["roles"] == ["Global Administrator"]
    assert (summed["known"], summed["roles"], summed["periods"] > 50) == ("summed up", [], True)
    assert (summed["enabled"], "department" in summed, "service_account" in summed) == (True, False, False)
    assert (await books.at("a1", 195))["name"] == "Name 195"
    assert len(document["past"]) == 64
    assert len(bson.encode(document, codec_options=CODEC)) < 30_000


async def test_somebody_whose_roles_come_and_go_for_ever_has_held_all_of_them_in_the_sum(books):
    await books.read(0, user(), complete=True, roles={})
    for minute in range(1, 150):
        role = HeldRoles(("User Administrator",), privileged=True) if minute == 3 else ADMIN
        await books.directory.assign(
            "contoso",
            {"A1": role} if minute % 2 else {},
            Observation(T0 + minute * MINUTE, 1, T0 + (minute - 1) * MINUTE),
        )
    summed = await books.at("a1", 10)

    assert (summed["known"], summed["roles"], summed["privileged"]) == (
        "summed up", ["Global Administrator", "User Administrator"], True,
    )  # fmt: skip


async def test_a_document_of_before_is_one_period_whose_beginning_nobody_knows(books):
    await books.database["directory"].insert_one({
        "_id": "contoso/a1", "tenant": "contoso", "id": "A1", "kind": "user", "name": "Dana Reyes", "upn": UPN,
        "app_id": None, "enabled": True, "guest": False, "department": None, "licensed": True, "aliases": [],
        "keys": ["a1", UPN], "generation": 3, "changed_at": T0, "roles": list(ADMIN.roles), "privileged": True,
    })  # fmt: skip
    for kind in ("user", "role"):
        await books.database["directory_state"].insert_one({
            "_id": f"contoso/{kind}", "tenant": "contoso", "kind": kind, "generation": 3, "last_success": T0,
        })  # fmt: skip
    before = await books.said(UPN, -10, 10)
    await books.read(20, roles={"A1": ADMIN})
    read = await books.said("a1", 10, 20, 30)
    await books.read(40, user(name="Dana R."), roles={})

    assert before == [("first known", "A1", "Dana Reyes", ADMIN.roles)] * 2
    assert [one[0] for one in read] == ["first known", "at the time", "last read"]
    assert [one[::3] for one in await books.said("a1", 10, 20, 30, 40)] == [
        ("first known", ADMIN.roles), ("at the time", ADMIN.roles), ("between readings", ADMIN.roles),
        ("at the time", ()),
    ]  # fmt: skip


@pytest.mark.parametrize("others", [3, 60])
async def test_a_user_name_that_very_many_had_in_turn_names_nobody_and_crowds_out_nobody(books, monkeypatch, others):
    monkeypatch.setattr(directory_history, "_OBJECTS", 100)
    await books.read(0, user(), complete=True, roles={})
    crowd = [user(f"X{number}", name="Bulkhead", upn="crowd@contoso.example") for number in range(150)]
    await books.read(1, *crowd)
    asked = ["crowd@contoso.example", "a1", *(f"nobody-{number}" for number in range(others))]
    found = await books.history.remembered("contoso", asked)

    assert len(found.histories["a1"]) == 1
    assert len(found.histories["crowd@contoso.example"]) == periods.MANY
    assert (await books.at("crowd@contoso.example", 2))["known"] == "ambiguous"
    assert (await books.at("x77", 2))["uid"] == "X77"


async def test_roles_that_nobody_could_read_are_not_said_to_be_none(books):
    await books.read(0, user(), complete=True)
    unread = await books.at("a1", 0)
    await books.assign(10, {"A1": ADMIN})

    assert not {"roles", "privileged"} & unread.keys()
    assert await books.said("a1", 5, 11) == [
        ("first known", "A1", "Dana Reyes", ADMIN.roles), ("last read", "A1", "Dana Reyes", ADMIN.roles),
    ]  # fmt: skip


async def test_who_holds_or_held_a_privileged_role_is_an_administrator(books):
    await books.read(0, user("a"), user("b", name="Kim"), user("c"), complete=True, roles={"A": ADMIN, "b": ADMIN})
    await books.read(10, user("a", name="Another"), roles={"a": ADMIN})

    assert await books.history.administrators("contoso") == {"a": ("Another", "Dana Reyes"), "b": ("Kim",)}


@pytest.mark.parametrize("how", ["before", "after"])
async def test_wherever_the_database_dies_a_reading_that_is_repeated_makes_the_same_periods(database, how):
    await ensure_indexes(database, DIRECTORY)

    async def live(unsteady):
        await database["directory"].delete_many({})
        await database["directory_state"].delete_many({})
        quiet, shaky = Books(database), MongoDirectory(unsteady)
        await quiet.read(0, user(), user("B2", upn="b@contoso.example"), complete=True, roles={"A1": ADMIN})
        for _ in range(3):
            seen = Observation(T0 + 10 * MINUTE, 1_000_000, T0)
            try:
                await shaky.put("contoso", [user(name="Dana R.")], seen, complete=False)
                await shaky.remove("contoso", "user", ["B2"], seen)
                await shaky.assign("contoso", {}, seen)
                break
            except Unreachable:
                continue
        fields = {"_id": 1, "name": 1, "gone": 1, "changes": 1, "since": 1, "past": 1}
        return await database["directory"].find({}, fields).sort("_id", 1).to_list(None)

    steady = Unsteady(database)
    wanted = await live(steady)
    for number in deaths(steady.writes, how):
        assert await live(Unsteady(database, number, how)) == wanted

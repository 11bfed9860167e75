"""What the store of grants promises, on a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.contracts.access import Grant
from aoc_common.errors import Malformed
from aoc_common.store.grants import MOST_GRANTS, Grantee, LastSuperadmin, StoredGrant, TooManyGrants
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.grants import MongoGrants
from each import each
from making import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = "00000000-0000-0000-0000-000000000001"


def person(number: int) -> Grantee:
    return Grantee("person", f"{DIRECTORY}/00000000-0000-0000-0000-{number:012}")


@pytest.fixture
async def grants(database: Database) -> MongoGrants:
    await ensure_indexes(database, ("grants",))
    return MongoGrants(database)


@pytest.fixture
def given() -> Callable[..., StoredGrant]:
    def make(identity: str, grant: Grant, number: int = 1, **changes: Any) -> StoredGrant:
        return StoredGrant(identity, person(number), grant, "local/operator", "operator", NOW, **changes)

    return make


ROOT = Grant("superadmin", everything=True)


async def test_a_grant_comes_back_as_it_was_given(grants, given) -> None:
    grant = Grant("analyst", frozenset({"contoso"}), frozenset({"retail"}), until=NOW + timedelta(days=1))
    stored = given("a", grant, name="Kim Vale", reason="on duty", directories={"contoso": DIRECTORY})
    await grants.add(stored)

    assert await grants.get("a") == stored
    assert await grants.of([person(1), person(2)]) == [stored]
    assert await grants.of([person(2)]) == []
    assert await grants.remove("a") == stored
    assert await grants.remove("a") is None
    assert await grants.get("a") is None


async def test_kinds_of_grantees_are_kept_apart(grants, given) -> None:
    stored = given("a", Grant("reader", everything=True))
    await grants.add(stored)

    assert await grants.of([Grantee("group", stored.grantee.id)]) == []


async def test_grants_are_listed_in_pages_and_the_list_of_superadmins_is_none(grants, given) -> None:
    for number in range(7):
        await grants.add(given(f"{number}", ROOT, number))

    first = await grants.listed("", 3)
    rest = await grants.listed(first[-1].id, 10)
    assert [one.id for one in (*first, *rest)] == list("0123456")
    assert await grants.get("superadmins") is None
    assert await grants.remove("superadmins") is None


async def test_somebody_with_as_many_grants_as_there_can_be_gets_no_more(grants, given, database: Database) -> None:
    await grants.add(given("first", Grant("reader", tenants=frozenset({"t"}))))
    document = await database["grants"].find_one({"_id": "first"})
    assert document is not None
    await database["grants"].insert_many([document | {"_id": f"{n}"} for n in range(MOST_GRANTS - 1)])

    with pytest.raises(TooManyGrants):
        await grants.add(given("last", Grant("reader", tenants=frozenset({"t"}))))
    await grants.add(given("another's", Grant("reader", tenants=frozenset({"t"})), 2))
    assert len(await grants.of([person(1)])) == MOST_GRANTS


async def test_the_last_superadmin_stays(grants, given) -> None:
    await grants.add(given("a", ROOT))
    await grants.add(given("ends", Grant("superadmin", everything=True, until=NOW + timedelta(days=1)), 2))
    await grants.add(given("of one tenant", Grant("superadmin", tenants=frozenset({"contoso"})), 3))

    for _ in range(2):
        with pytest.raises(LastSuperadmin):
            await grants.remove("a")
    await grants.add(given("b", ROOT, 4))
    assert await grants.remove("a") is not None
    with pytest.raises(LastSuperadmin):
        await grants.remove("b")
    assert await grants.remove("ends") is not None
    assert await grants.remove("of one tenant") is not None


async def test_of_two_last_superadmins_that_are_removed_at_once_one_stays(grants, given, database: Database) -> None:
    for turn in range(5):
        await database["grants"].delete_many({})
        for name in ("a", "b"):
            await grants.add(given(name, ROOT, turn))
        answers = await asyncio.gather(*(grants.remove(name) for name in ("a", "b")), return_exceptions=True)

        assert sorted(type(answer).__name__ for answer in answers) == ["LastSuperadmin", "StoredGrant"]
        assert len(await grants.listed("", 10)) == 1


async def test_a_removal_or_a_grant_that_broke_off_leaves_nobody_out(grants, given, database: Database) -> None:
    await grants.add(given("a", ROOT))
    await grants.add(given("b", ROOT, 2))
    # Taken off the list, and not removed; given, and not listed.
    await database["grants"].update_one({"_id": "superadmins"}, {"$pull": {"ids": "b"}})
    with pytest.raises(LastSuperadmin):
        await grants.remove("a")
    assert await grants.remove("b") is not None

    # Somebody deletes a document.
    await grants.add(given("c", ROOT, 3))
    await database["grants"].delete_one({"_id": "a"})
    with pytest.raises(LastSuperadmin):
        await grants.remove("c")


@each(
    ("kind", "identity"),
    [
        ("person", "kim@contoso.example"),
        ("person", DIRECTORY),
        ("person", f"{DIRECTORY}/{DIRECTORY.upper()[:-1]}F"),
        ("group", f"{DIRECTORY}/{DIRECTORY}/{DIRECTORY}"),
        ("api-key", DIRECTORY),
        ("api-key", "key/a b"),
    ],
)
def test_an_id_that_is_none_is_refused(kind, identity) -> None:
    with pytest.raises(Malformed, match=kind):
        Grantee(kind, identity)

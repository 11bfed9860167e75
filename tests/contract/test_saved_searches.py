"""What the store of saved searches promises, on a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aoc_common.contracts.access import Hidden
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.saved_searches import MongoSavedSearches
from aoc_common.store.mongo.tenant_data import MongoTenantData
from aoc_common.store.saved_searches import NameTaken, SavedSearch
from making import NOW

HIDDEN = Hidden(frozenset({"exchange"}), frozenset({"new-inboxrule"}), frozenset({"subject"}))
MINE = SavedSearch(
    "a1", "contoso", "d/kim", "Kim Vale", "Rules", {"q": "-dana", "service": "exchange"}, False, HIDDEN, NOW, NOW
)


@pytest.fixture
async def searches(database: Database) -> MongoSavedSearches:
    await ensure_indexes(database, ("saved_searches",))
    return MongoSavedSearches(database)


async def test_a_search_comes_back_as_it_was_kept(searches) -> None:
    assert await searches.add(MINE, 10)

    assert await searches.get("contoso", "a1") == MINE
    assert await searches.listed("contoso", "d/kim", "", 10) == [MINE]


async def test_it_is_of_one_tenant_and_one_owner(searches) -> None:
    await searches.add(replace(MINE, shared=True), 10)

    assert await searches.get("fabrikam", "a1") is None
    assert await searches.listed("fabrikam", "d/kim", "", 10) == []
    assert await searches.listed("contoso", "d/lee", "", 10) == []
    assert await searches.listed("fabrikam", None, "", 10) == []
    assert not await searches.remove("fabrikam", "a1")
    for other in (replace(MINE, tenant="fabrikam"), replace(MINE, owner="d/lee"), replace(MINE, id="a2")):
        assert not await searches.replace(other)
    assert await searches.get("contoso", "a1") == replace(MINE, shared=True)


async def test_it_is_replaced_and_removed(searches) -> None:
    await searches.add(MINE, 10)
    other = replace(MINE, name="Others", parameters={}, hidden=Hidden(), shared=True, changed_at=NOW + timedelta(1))

    assert await searches.replace(other)
    assert await searches.get("contoso", "a1") == other
    assert await searches.remove("contoso", "a1")
    assert not await searches.remove("contoso", "a1")
    assert not await searches.replace(other)
    assert await searches.get("contoso", "a1") is None


async def test_shared_ones_are_listed_by_id_whoever_owns_them(searches) -> None:
    made = [replace(MINE, id=f"a{n}", owner=f"d/{n}", shared=n != 2) for n in range(5)]
    for one in reversed(made):
        await searches.add(one, 10)

    assert [one.id for one in await searches.listed("contoso", None, "", 3)] == ["a0", "a1", "a3"]
    assert [one.id for one in await searches.listed("contoso", None, "a1", 3)] == ["a3", "a4"]


async def test_an_owner_keeps_no_more_of_a_tenant_than_so_many_however_fast_they_come(searches) -> None:
    made = [replace(MINE, id=f"a{n}", name=f"{n}") for n in range(8)]
    kept = await asyncio.gather(*(searches.add(one, 3) for one in made))

    there = {one.id for one in await searches.listed("contoso", "d/kim", "", 10)}
    assert there == {one.id for one, is_kept in zip(made, kept, strict=True) if is_kept}
    assert len(there) <= 3
    assert await searches.add(replace(MINE, id="b1", owner="d/lee"), 3)
    assert await searches.add(replace(MINE, id="b2", tenant="fabrikam"), 3)
    for one in there:
        await searches.remove("contoso", one)
    again = [replace(MINE, id=f"c{n}", name=f"again {n}") for n in range(4)]
    assert [await searches.add(one, 3) for one in again] == [True, True, True, False]


SAME = ["Rules", "rules", "RULES", "Rules ", "Ｒules"]
WIDE = replace(MINE, id="a2", name="Straße  à la carte")


async def test_an_owner_keeps_one_of_a_name_whatever_its_case(searches) -> None:
    await searches.add(MINE, 10)
    await searches.add(WIDE, 10)
    for number, name in enumerate([*SAME, "STRASSE A\u0300 LA CARTE"]):
        with pytest.raises(NameTaken):
            await searches.add(replace(MINE, id=f"b{number}", name=name), 10)
    with pytest.raises(NameTaken):
        await searches.replace(replace(WIDE, name="rules"))

    assert await searches.listed("contoso", "d/kim", "", 10) == [MINE, WIDE]
    assert await searches.replace(replace(MINE, name="RULES", shared=True))
    assert await searches.add(replace(MINE, id="c1", owner="d/lee"), 10)
    assert await searches.add(replace(MINE, id="c2", tenant="fabrikam"), 10)
    assert await searches.replace(replace(MINE, name="Others"))
    assert await searches.add(replace(MINE, id="c3"), 10)
    assert await searches.remove("contoso", "c3")
    assert await searches.add(replace(MINE, id="c4"), 10)


async def test_of_those_of_one_name_that_come_at_once_one_is_kept(searches) -> None:
    made = [replace(MINE, id=f"a{n}", name="rULES" if n % 2 else "Rules") for n in range(8)]
    kept = await asyncio.gather(*(searches.add(one, 10) for one in made), return_exceptions=True)
    (there,) = await searches.listed("contoso", "d/kim", "", 10)

    assert [isinstance(one, NameTaken) or one for one in kept] == [True] * 8
    assert [one.id for one, is_kept in zip(made, kept, strict=True) if is_kept is True] == [there.id]


async def test_two_of_one_name_from_before_stay_and_change_and_hold_the_name(searches, database: Database) -> None:
    old = [replace(MINE, id=f"a{n}") for n in range(2)]
    for number, one in enumerate(old):
        await searches.add(replace(one, name=f"{number}"), 10)
    await database["saved_searches"].update_many({}, {"$set": {"name": "Rules"}, "$unset": {"name_key": 1}})

    assert await searches.listed("contoso", "d/kim", "", 10) == old
    for one in old:
        assert await searches.replace(replace(one, shared=True))
    with pytest.raises(NameTaken):
        await searches.add(replace(MINE, id="b1", name="rules"), 10)
    assert await searches.add(replace(MINE, id="b2", name="Others"), 10)
    with pytest.raises(NameTaken):
        await searches.replace(replace(MINE, id="b2"))
    with pytest.raises(NameTaken):
        await searches.replace(replace(old[0], name="Others"))
    assert await searches.replace(replace(old[0], name="Mine"))
    with pytest.raises(NameTaken):
        await searches.replace(replace(old[0], name="Rules"))
    assert await searches.replace(replace(old[1], name="Yours"))
    assert await searches.replace(replace(old[0], name="Rules"))


async def test_they_go_with_their_tenant(searches, database: Database) -> None:
    await searches.add(MINE, 10)
    await searches.add(replace(MINE, id="b1", tenant="fabrikam"), 10)
    data = MongoTenantData(database, "contoso", "app/directory")

    assert (await data.counts())["saved_searches"] == 1
    await data.remove()
    assert await searches.get("contoso", "a1") is None
    assert await searches.get("fabrikam", "b1") is not None

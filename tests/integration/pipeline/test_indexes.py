"""Indexes that are missing, other than declared, or cannot be: told truly, and mended where that can be."""

from __future__ import annotations

import pytest
from pymongo import IndexModel

from aoc_cli.attach import System
from aoc_cli.doctor import system as doctor
from aoc_collector.findings import Grade
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.client import check_indexes, ensure_indexes, missing_indexes


@pytest.fixture
async def indexed(database):
    await ensure_indexes(database)
    return database


@pytest.fixture
def verdict(mongo_settings, nats_as):
    async def ask():
        found = await doctor.check(System(nats_as("cli"), mongo_settings))
        return next(one for one in found if one.check == "MongoDB")

    return ask


async def test_what_was_made_is_as_declared(indexed, verdict) -> None:
    assert await missing_indexes(indexed) == []
    assert (await verdict()).grade is Grade.OK


@pytest.mark.slow
@pytest.mark.parametrize(
    ("collection", "made"),
    [
        ("events", IndexModel([("expire_at", 1)], name="expiry", expireAfterSeconds=9)),
        ("events", IndexModel([("time", 1)], name="expiry", expireAfterSeconds=0)),
        ("twins", IndexModel([("unified", 1)], name="unified")),
        ("backlog", IndexModel([("open", 1), ("tenant", 1)], name="open")),
    ],
)
async def test_an_index_of_the_same_name_that_does_something_else_is_told_and_made_anew(
    indexed, verdict, collection, made
) -> None:
    """Its name alone was looked at: events expired at their own time, and nothing kept twins apart."""
    name = made.document["name"]
    await indexed[collection].drop_index(name)
    await indexed[collection].create_indexes([made])
    lacking, found = await missing_indexes(indexed), await verdict()
    await ensure_indexes(indexed)

    assert lacking == [f"{collection}.{name}"]
    assert (found.grade, f"{collection}.{name}" in found.found) == (
        Grade.FAIL if collection == "twins" else Grade.WARN,
        True,
    )
    assert (await verdict()).grade is Grade.OK


async def test_an_index_that_does_the_same_under_another_name_will_do(indexed) -> None:
    await indexed["twins"].drop_index("unified")
    await indexed["twins"].create_indexes([IndexModel([("unified", 1)], name="theirs", unique=True)])
    await ensure_indexes(indexed)
    await check_indexes(indexed)

    assert await missing_indexes(indexed) == []


async def test_a_service_does_not_start_with_an_index_that_does_not_keep_twins_apart(indexed) -> None:
    await indexed["twins"].drop_index("unified")
    await indexed["twins"].create_indexes([IndexModel([("unified", 1)], name="unified")])
    with pytest.raises(BadConfiguration, match=r"twins\.unified is missing; run: aoc provision"):
        await check_indexes(indexed)


async def test_duplicates_that_forbid_an_index_are_named_at_once(indexed) -> None:
    """The server was asked ten times, and called unreachable."""
    await indexed["twins"].drop_index("unified")
    await indexed["twins"].insert_many([{"_id": 1, "unified": "u"}, {"_id": 2, "unified": "u"}])
    with pytest.raises(
        BadConfiguration, match=r"twins.unified cannot be made: several documents have \{'unified': 'u'"
    ):
        await ensure_indexes(indexed)
    await indexed["twins"].delete_one({"_id": 2})
    await ensure_indexes(indexed)

    assert await missing_indexes(indexed) == []

"""What any store of shares of a limit promises."""

from __future__ import annotations

import asyncio

import pytest

from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.shares import MongoShares
from aoc_common.store.shares import Allocation, Allocations
from making import NOW
from memory import MemoryShares

MINE, YOURS = Allocation(units=8, demand=10, beat=1), Allocation(units=2, demand=2, beat=7)


@pytest.fixture(params=["memory", "mongo"])
async def shares(request, database):
    if request.param == "memory":
        return MemoryShares()
    await ensure_indexes(database, ("rate_shares",))
    return MongoShares(database)


async def test_a_limit_that_nobody_uses_has_no_claims(shares):
    assert await shares.read("limit") == Allocations(0, {})


async def test_claims_are_set_beside_each_other_and_each_makes_a_version(shares):
    written = [
        await shares.write("limit", 0, "me", YOURS, [], NOW),
        await shares.write("limit", 1, "you", YOURS, [], NOW),
        await shares.write("limit", 2, "me", MINE, [], NOW),
    ]

    assert written == [True] * 3
    assert await shares.read("limit") == Allocations(3, {"me": MINE, "you": YOURS})


async def test_whoever_knows_an_older_version_writes_nothing(shares):
    await shares.write("limit", 0, "me", MINE, [], NOW)

    assert not await shares.write("limit", 0, "you", YOURS, ["me"], NOW)
    assert await shares.read("limit") == Allocations(1, {"me": MINE})


async def test_claims_of_those_who_are_gone_are_dropped_in_the_same_step(shares):
    await shares.write("limit", 0, "gone", YOURS, [], NOW)
    await shares.write("limit", 1, "me", MINE, ["gone"], NOW)

    assert await shares.read("limit") == Allocations(2, {"me": MINE})


async def test_limits_are_apart(shares):
    await shares.write("limit", 0, "me", MINE, [], NOW)

    assert await shares.read("other") == Allocations()


async def test_of_many_who_write_at_once_one_is_first(shares):
    for version in (0, 1):
        writes = [shares.write("limit", version, f"m{number}", MINE, [], NOW) for number in range(9)]

        assert sum(await asyncio.gather(*writes)) == 1
        assert (await shares.read("limit")).version == version + 1

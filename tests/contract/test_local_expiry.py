"""What has expired goes, also where the store must not do that itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.store.mongo import local_expiry
from aoc_common.store.mongo.client import ensure_indexes, foreign_indexes, missing_indexes
from aoc_common.store.mongo.local_expiry import MongoLocalExpiry, expiring
from aoc_common.store.mongo.server_kinds import MONGODB, SECANTUS, server_of

#: The server's clock counts, which is this machine's.
NOW = datetime.now(UTC).replace(microsecond=0)
SOON, JUST = NOW + timedelta(hours=1), NOW - timedelta(seconds=1)


@pytest.fixture
def of(database, monkeypatch):
    """Expiry over a store of this kind, whichever it is."""

    def make(server):
        async def kind(_database):
            await asyncio.sleep(0)
            return server

        monkeypatch.setattr(local_expiry, "server_of", kind)
        return MongoLocalExpiry(database)

    return make


async def left(database, collection):
    return {one["_id"] async for one in database[collection].find()}


async def test_what_has_expired_is_removed_from_every_collection_and_nothing_else(database, of):
    for collection, field in expiring():
        dated = [{"_id": f"{name}-{field}", field: at} for name, at in (("old", JUST), ("new", SOON), ("none", None))]
        await database[collection].insert_many([*dated, {"_id": f"without-{field}"}])

    await of(SECANTUS).run()

    for collection in {one for one, _ in expiring()}:
        assert {one for one in await left(database, collection) if one.startswith("old")} == set(), collection
        assert any(one.startswith("new") for one in await left(database, collection)), collection
    assert {collection for collection, _ in expiring()} >= {"events", "vocabulary", "ledger_pages", "alerts", "seen"}


async def test_much_goes_a_part_at_a_time(database, of, monkeypatch):
    monkeypatch.setattr(local_expiry, "_AT_ONCE", 5)
    monkeypatch.setattr(local_expiry, "_TOGETHER", 2)
    await ensure_indexes(database, ("seen",))
    await database["seen"].insert_many([{"_id": str(number), "expire_at": JUST} for number in range(7)])
    expiry = of(SECANTUS)

    await expiry.run()
    assert len(await left(database, "seen")) == 2
    await expiry.run()
    assert await left(database, "seen") == set()


async def test_a_server_that_does_it_itself_is_left_to(database, of):
    await database["seen"].insert_one({"_id": "old", "expire_at": JUST})

    await of(MONGODB).run()

    assert await left(database, "seen") == {"old"}


async def test_only_a_server_that_expires_by_an_index_has_indexes_that_do(database):
    await ensure_indexes(database)
    expires = (await server_of(database)).expires

    for collection, field in expiring():
        held = await database[collection].index_information()
        assert [what.get("expireAfterSeconds") for what in held.values() if what["key"] == [(field, 1)]] == (
            [0] if expires else [None]
        ), collection
    assert (await missing_indexes(database), await foreign_indexes(database)) == ([], [])


async def test_an_index_of_an_older_version_by_which_documents_expire_is_made_anew(database):
    await database["seen"].create_index("expire_at", name="expiry", expireAfterSeconds=9)

    await ensure_indexes(database, ("seen",))

    expires = (await server_of(database)).expires
    assert (await database["seen"].index_information())["expiry"].get("expireAfterSeconds") == (0 if expires else None)

"""What the gateway may do in the database, on a server that asks who comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pymongo.errors import OperationFailure

from aoc_cli.local import engines, mongo
from aoc_cli.local.ports import free_port
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import INDEXES, Database, connect
from aoc_common.store.mongo.users import GATEWAY_WRITES, create_users, gateway_role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORDS = {"aoc": "of-services", "gateway": "of-the-gateway"}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "users").touch()  # as a version left it whose gateway could read only
    mongo.provision(tmp_path, PASSWORDS)
    server = mongo.server(tmp_path, free_port())
    server.start()
    try:
        server.wait_ready()
        yield server.port or 0
    finally:
        server.stop()


def settings(port: int, user: str) -> MongoSettings:
    return MongoSettings(uri=f"mongodb://{user}:{PASSWORDS[user]}@127.0.0.1:{port}/?authSource=admin")


async def may(database: Database, collection: str) -> set[str]:
    """In which ways this user may write to a collection."""
    ways = {
        "insert": database[collection].insert_one({"_id": "new"}),
        "update": database[collection].update_one({"_id": "there"}, {"$set": {"a": 1}}),
        "remove": database[collection].delete_one({"_id": "gone"}),
    }
    allowed = set()
    for way, writing in ways.items():
        try:
            await writing
        except OperationFailure as error:
            assert error.code == 13, error  # noqa: PT017  # 13: not authorized
        else:
            allowed.add(way)
    return allowed


async def test_the_gateway_writes_to_its_own_collections_only_and_reads_all(port: int, tmp_path: Path) -> None:
    engine, _ = engines.of_directory(tmp_path)
    somewhere = {way for ways in GATEWAY_WRITES.values() for way in ways}
    async with connect(settings(port, "gateway")) as database:
        for collection in sorted({*INDEXES, *GATEWAY_WRITES}):
            # SecantusDB tells actions of a role apart, and not the collections of a database.
            expected = set(GATEWAY_WRITES.get(collection, ())) if engine.engine.name == "mongod" else somewhere
            assert await may(database, collection) == expected, collection
            await database[collection].find_one({"tenant": "contoso"})


def test_each_collection_that_the_gateway_writes_to_is_named_with_its_actions() -> None:
    role = gateway_role("aoc")

    assert role["roles"] == [{"role": "read", "db": "aoc"}]
    assert {entry["resource"]["collection"]: tuple(entry["actions"]) for entry in role["privileges"]} == GATEWAY_WRITES
    assert all(entry["resource"]["db"] == "aoc" for entry in role["privileges"])
    assert GATEWAY_WRITES["audit_trail"] == ("insert",)
    assert "events" not in GATEWAY_WRITES


async def test_roles_and_users_that_are_there_are_set_right(tmp_path: Path) -> None:
    server = mongo.server(tmp_path, free_port(), auth=False)
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(server.wait_ready)
        nobody = MongoSettings(uri=f"mongodb://127.0.0.1:{server.port}")
        for role in ("read", "aocGateway", "aocGateway"):
            await create_users(nobody, {"gateway": ("secret", role)})
        async with connect(nobody) as database:
            found = await database.client["admin"].command("usersInfo", "gateway")
    finally:
        await asyncio.to_thread(server.stop)

    assert [role["role"] for role in found["users"][0]["roles"]] == ["aocGateway"]

"""Batches are stored one after the other where the server takes no less for several at once, and else together."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import bson
import pytest

from aoc_common.store.mongo.events import MongoEvents


class Server:
    """A database that notes how many inserts it has at once, at most."""

    def __init__(self, built: dict[str, Any]) -> None:
        self.built = built
        self.at_once = self.most = 0

    def __getitem__(self, _name: str) -> Server:
        return self

    def with_options(self, **_options: object) -> Server:
        return self

    async def command(self, _name: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return self.built

    async def find_one(self, *_: object) -> dict[str, Any]:
        return {"_id": 1}

    async def insert_many(self, _documents: object, **_options: object) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        for _ in range(5):
            await asyncio.sleep(0)
        self.at_once -= 1


@pytest.mark.parametrize(
    ("built", "most"),
    [
        ({"secantusVersion": "0.7.0"}, 1),
        ({"secantusVersion": "0.5.3", "buildEnvironment": {"cc": "rustc"}}, 3),
        ({"version": "8.0.4"}, 3),
    ],
)
async def test_only_secantusdb_in_python_gets_one_insert_at_a_time(built: dict[str, Any], most: int) -> None:
    server: Any = Server(built)
    events = MongoEvents(server, lambda _tenant, _source: timedelta(days=1))
    new = await asyncio.gather(*(events.insert_encoded([bson.encode({"_id": number})]) for number in range(3)))

    assert new == [{0}, {0}, {0}]
    assert server.most == most

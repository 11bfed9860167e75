"""Real servers for tests: a nats-server and a MongoDB-protocol server on loopback."""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local import mongo, nats
from aoc_cli.local.ports import free_port
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from aoc_cli.local.process import Child
    from aoc_common.store.mongo.client import Database

_PASSWORDS = {user: f"test-{user}" for user in nats.PUBLISH}


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB-protocol server for the whole run: AOC_TEST_MONGO_URI, or a local one."""
    given = os.environ.get("AOC_TEST_MONGO_URI")
    if given:
        yield given
        return
    port = free_port()
    child = mongo.server(tmp_path_factory.mktemp("mongo"), port, auth=False)
    with running(child):
        yield f"mongodb://127.0.0.1:{port}"


@pytest.fixture
def mongo_settings(mongo_uri: str) -> MongoSettings:
    """Settings of a database of the test's own."""
    return MongoSettings(uri=mongo_uri, database=f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def database(mongo_settings: MongoSettings) -> AsyncIterator[Database]:
    """An empty database of the test's own."""
    async with connect(mongo_settings) as found:
        yield found
        await found.client.drop_database(found.name)


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Child]:
    """A nats-server of the test's own, with every user that the product knows."""
    child = nats.server(tmp_path / "nats", free_port(), _PASSWORDS)
    with running(child):
        yield child


@pytest.fixture
def nats_as(nats_server: Child, tmp_path: Path) -> Callable[[str], NatsSettings]:
    """Settings to connect to `nats_server` as a user, e.g. `nats_as("normalizer")`."""

    def settings(user: str) -> NatsSettings:
        secret = tmp_path / f"{user}.secret"
        secret.write_text(_PASSWORDS[user])
        return NatsSettings(
            url=f"nats://127.0.0.1:{nats_server.port}",
            user=user,
            password=f"file:{secret}",
            raw_max_bytes=1024**3,
            events_max_bytes=1024**3,
        )

    return settings


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`await eventually(condition)`: wait until a (sync or async) condition holds."""

    async def wait(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.02)

    return wait


class running(ExitStack):  # noqa: N801  # reads as a verb: with running(server)
    """Start a child process, wait until it is ready, stop it on leaving."""

    def __init__(self, child: Child) -> None:
        super().__init__()
        child.start()
        self.callback(child.stop)
        try:
            child.wait_ready()
        except BaseException:
            self.close()
            raise

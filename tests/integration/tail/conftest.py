"""A gateway as it runs, over real servers, and readers of its live tail over HTTP."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from aoc_api.app import create_app
from aoc_api.parts.server import serving
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, LimitOptions, TailOptions
from aoc_cli.local.ports import free_port
from aoc_common.service.run import serve
from aoc_common.store.mongo.client import ensure_indexes
from reader_bench import Rig
from signing_in import bearer, make_key

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from fastapi import FastAPI

    from aoc_common.contracts.access import Grant
    from aoc_common.settings import MongoSettings, NatsSettings
    from aoc_common.store.mongo.client import Database

WAIT_S = 20.0


@dataclass
class Block:
    """A block of Server-Sent Events. `kind`: `message` unless it says another one; `data`: None where it has none."""

    id: str = ""
    kind: str = "message"
    data: Any = None
    comment: str = ""


@dataclass
class Tail:
    """A reader. `place`: what it would resume with."""

    lines: AsyncGenerator[str]
    place: str = ""
    blocks: list[Block] = field(default_factory=list)

    async def block(self) -> Block | None:
        """The next block; None at the end."""
        block, empty = Block(), True
        async with asyncio.timeout(WAIT_S):
            async for line in self.lines:
                if not line:
                    if not empty:
                        self.place = block.id or self.place
                        self.blocks.append(block)
                        return block
                    continue
                empty = False
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "id":
                    block.id = value
                elif name == "event":
                    block.kind = value
                elif name == "data":
                    block.data = json.loads(value)
                elif not name:
                    block.comment = value
        return None

    async def until(self, wanted: Callable[[Block], bool]) -> Block:
        """The next block of that kind."""
        while (block := await self.block()) is not None:
            if wanted(block):
                return block
        raise AssertionError("it ended")

    async def events(self, count: int) -> list[str]:
        """The ids of the next so many events."""
        return [
            (await self.until(lambda block: block.kind == "message" and block.data is not None)).data["id"]
            for _ in range(count)
        ]

    async def end(self) -> str:
        """Why it ends."""
        reason: str = (await self.until(lambda block: block.kind == "end")).data["reason"]
        assert await self.block() is None
        return reason


class Replica:
    """A gateway that runs."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, stop: asyncio.Event) -> None:
        self.app, self.client, self.stop = app, client, stop

    @asynccontextmanager
    async def tail(self, place: str | None = None, **how: Any) -> AsyncIterator[Tail]:
        headers = {} if place is None else {"Last-Event-ID": place}
        async with self.client.stream("GET", "/api/events/stream", params=how, headers=headers) as answer:
            if answer.status_code != 200:
                raise AssertionError(f"{answer.status_code}: {(await answer.aread()).decode()}")
            assert answer.headers["content-type"].startswith("text/event-stream")
            reader = Tail(answer.aiter_lines())
            await reader.block()  # it listens
            yield reader


class Gateways:
    """Starts gateways that share a database, a bus and a key."""

    def __init__(self, mongo: MongoSettings, bus: NatsSettings, tmp_path: Path, database: Database) -> None:
        self.mongo, self.bus, self.tmp_path, self.database = mongo, bus, tmp_path, database
        key = tmp_path / "cursor.key"
        key.write_text("a key of sixteen characters and more")
        self.key = f"file:{key}"
        self.tenants_file: Path | None = None

    @asynccontextmanager
    async def running(
        self, *grants: Grant, limits: dict[str, Any] | None = None, **tail: Any
    ) -> AsyncIterator[Replica]:
        options = ApiOptions(
            port=free_port(),
            default_tenant="contoso",
            cursor_key=self.key,
            audit=AuditOptions(spool=self.tmp_path / uuid4().hex),
            limits=LimitOptions(**(limits or {})),
            tail=TailOptions(**{"check_s": 0.2, **tail}),
        )
        settings = ApiSettings(mongo=self.mongo, nats=self.bus, api=options, tenants_file=self.tenants_file)
        app, stop = create_app(settings), asyncio.Event()
        life = asyncio.create_task(serve(serving(app, settings), stop))
        base = f"http://127.0.0.1:{options.port}"
        secret = await make_key(self.database, *grants)
        async with httpx.AsyncClient(base_url=base, headers=bearer(secret), timeout=WAIT_S) as client:
            async with asyncio.timeout(WAIT_S):
                while not life.done():
                    try:
                        await client.get("/livez")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
            try:
                yield Replica(app, client, stop)
            finally:
                stop.set()
                await life


@pytest.fixture
async def rig(nats_as: Callable[[str], NatsSettings], database: Database) -> AsyncIterator[Rig]:
    await ensure_indexes(database, ("publications", "moved_events", "event_versions", "events"))
    made = Rig(nats_as, database)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def gateways(
    rig: Rig, nats_as: Callable[[str], NatsSettings], mongo_settings: MongoSettings, tmp_path: Path, database: Database
) -> Gateways:
    return Gateways(mongo_settings, nats_as("api"), tmp_path, database)

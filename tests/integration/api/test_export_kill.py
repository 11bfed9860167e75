"""A gateway that is killed while it makes an export, or while a file is fetched."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aoc_cli.local.ports import free_port
from aoc_common.client import Gateway, Options, Secret
from aoc_common.contracts.access import Grant
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from making import NOW, an_event
from signing_in import make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aoc_common.settings import MongoSettings

pytestmark = pytest.mark.slow

COUNT = 4_000


@contextmanager
def process(settings: MongoSettings, spool: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    env = clean | {
        "AOC_MONGO__URI": settings.uri,
        "AOC_MONGO__DATABASE": settings.database,
        "AOC_NATS__URL": "nats://127.0.0.1:1",
        "AOC_API__PORT": str(port),
        "AOC_API__AUDIT__SPOOL": str(spool),
    }
    running = subprocess.Popen([sys.executable, "-m", "aoc_api"], env=env, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def ready(port: int) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def test_an_export_outlives_the_gateway_that_makes_it_and_its_transfer_the_one_that_sends_it(
    database: Database, mongo_settings: MongoSettings, tmp_path: Path, eventually: Any
) -> None:
    await ensure_indexes(database)
    store = MongoEvents(database, lambda _tenant, _source: timedelta(days=9_999))
    events = [an_event(str(one), NOW - timedelta(seconds=one), raw="x" * 2_000) for one in range(COUNT)]
    for at in range(0, COUNT, 500):
        await store.insert(events[at : at + 500], ["p"] * 500)
    key, port = await make_key(database, Grant("reader", frozenset({"contoso"}))), free_port()
    jobs = database["export_jobs"]

    async def under_way() -> bool:
        return bool(await database["export_parts"].count_documents({"attempt": 1}) > 1)

    async with Gateway(f"http://127.0.0.1:{port}", Secret(key), Options(attempts=8)) as gateway:
        with process(mongo_settings, tmp_path / "spool", port) as first:
            await ready(port)
            job = await gateway.export_jobs.make("ocsf", tenant="contoso")
            await eventually(under_way, 60)
            first.kill()
        assert [one["state"] async for one in jobs.find({})] == ["running"]
        # Its lease would run out in half a minute.
        await jobs.update_many({}, {"$set": {"held_until": NOW}})
        with ExitStack() as stack:
            second = stack.enter_context(process(mongo_settings, tmp_path / "spool", port))
            await ready(port)
            async with asyncio.timeout(90):
                done = await gateway.export_jobs.done(job)
            fetching = asyncio.create_task(gateway.export_jobs.to_file(tmp_path / "all.jsonl", done))
            part = tmp_path / f".all.jsonl.{job.id}.part"
            await eventually(lambda: part.exists() and part.stat().st_size > 0, 30)
            second.kill()
            second.wait()
            stack.enter_context(process(mongo_settings, tmp_path / "spool", port))
            async with asyncio.timeout(90):
                await fetching

    file = (tmp_path / "all.jsonl").read_bytes()
    assert (done.rows, file.count(b"\n")) == (COUNT, COUNT)
    assert (done.bytes, done.sha256) == (len(file), hashlib.sha256(file).hexdigest())
    assert await database["export_parts"].distinct("attempt") == [2]

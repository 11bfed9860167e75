"""A gateway that is killed while it makes an export, or while a file is fetched."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aoc_cli.local.ports import free_port
from aoc_common.client import Gateway, Options, Secret
from aoc_common.contracts.access import Grant
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from gateway_process import gateway_process
from making import NOW, an_event
from signing_in import make_key

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.settings import MongoSettings

pytestmark = pytest.mark.slow

COUNT = 4_000


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
        with gateway_process(mongo_settings, tmp_path / "spool", port) as (_, first):
            job = await gateway.export_jobs.make("ocsf", tenant="contoso")
            await eventually(under_way, 60)
            first.kill()
        assert [one["state"] async for one in jobs.find({})] == ["running"]
        # Its lease would run out in half a minute.
        await jobs.update_many({}, {"$set": {"held_until": NOW}})
        with ExitStack() as stack:
            _, second = stack.enter_context(gateway_process(mongo_settings, tmp_path / "spool", port))
            async with asyncio.timeout(90):
                done = await gateway.export_jobs.done(job)
            fetching = asyncio.create_task(gateway.export_jobs.to_file(tmp_path / "all.jsonl", done))
            part = tmp_path / f".all.jsonl.{job.id}.part"
            await eventually(lambda: part.exists() and part.stat().st_size > 0, 30)
            second.kill()
            second.wait()
            stack.enter_context(gateway_process(mongo_settings, tmp_path / "spool", port))
            async with asyncio.timeout(90):
                await fetching

    file = (tmp_path / "all.jsonl").read_bytes()
    assert (done.rows, file.count(b"\n")) == (COUNT, COUNT)
    assert (done.bytes, done.sha256) == (len(file), hashlib.sha256(file).hexdigest())
    assert await database["export_parts"].distinct("attempt") == [2]

"""What a local MongoDB-protocol server must not lose."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from aoc_cli.local import mongo
from aoc_cli.local.ports import free_port
from aoc_common.errors import Unreachable
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.client import connect, ensure_indexes


async def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    port = free_port()
    child = mongo.server(tmp_path, port, auth=False)
    settings = MongoSettings(uri=f"mongodb://127.0.0.1:{port}")
    child.start()
    child.wait_ready()
    async with connect(settings) as database:
        await ensure_indexes(database)
        for start in range(0, 2000, 100):
            await database["events"].insert_many([{"_id": number} for number in range(start, start + 100)])
    child.kill()
    child.start()
    try:
        child.wait_ready()
        async with connect(settings) as database:
            kept = await database["events"].count_documents({})
    finally:
        child.stop()

    assert kept == 2000


async def test_a_server_that_never_answers_holds_nobody_for_ever(tmp_path: Path) -> None:
    port = free_port()
    child = mongo.server(tmp_path, port, auth=False)
    child.start()
    try:
        child.wait_ready()
        async with connect(MongoSettings(uri=f"mongodb://127.0.0.1:{port}", timeout_s=1, answer_s=0.5)) as database:
            assert await MongoCensus(database).events() == 0
            os.kill(child.pid, signal.SIGSTOP)
            # Sent is not stopped: on another core it may answer once more.
            status = Path(f"/proc/{child.pid}/stat")
            while status.read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC240
                await asyncio.sleep(0.01)
            with pytest.raises(Unreachable):
                await asyncio.wait_for(MongoCensus(database).events(), 20)
    finally:
        child.stop()


async def test_a_local_database_asks_who_comes(tmp_path: Path) -> None:
    port = free_port()
    mongo_passwords = {"aoc": "pw-aoc", "gateway": "pw-gateway"}
    await asyncio.to_thread(mongo.provision, tmp_path, mongo_passwords)
    child = mongo.server(tmp_path, port)
    child.start()
    try:
        child.wait_ready()
        async with connect(MongoSettings(uri=f"mongodb://127.0.0.1:{port}")) as database:
            with pytest.raises(Unreachable, match=r"(?i)authentication"):
                await MongoCensus(database).quarantined()
        uri = f"mongodb://aoc:pw-aoc@127.0.0.1:{port}/?authSource=admin"
        async with connect(MongoSettings(uri=uri)) as database:
            assert await MongoCensus(database).quarantined() == 0
    finally:
        child.stop()

"""An import waits while a server is away, and for what an earlier import left on the bus."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from nats.js.api import AckPolicy, ConsumerConfig
from pymongo.errors import PyMongoError

from aoc_cli.attach import started as stack_of
from aoc_cli.local.ports import free_port
from aoc_cli.local.stack import DataDirectory
from aoc_common.bus.broker import close, make_broker
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_sim import samples
from thoroughness import THOROUGH
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aoc_common.settings import MongoSettings

pytestmark = pytest.mark.slow

RECORDS = 3_000
CONFIG = ConsumerConfig(ack_policy=AckPolicy.NONE, filter_subject=subjects.ALL_EVENTS)


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("export") / "export.ndjson"
    samples.export(path, RECORDS, 23, "ndjson")
    return path


async def _truth(system) -> dict[str, Any]:
    broker = make_broker(system.nats, "cli")
    await broker.connect()
    published: list[str] = []
    async with reading(broker, subjects.EVENTS_STREAM, CONFIG) as pull:
        while batch := await pull.batch(500, 2):
            published += [message.headers["Nats-Msg-Id"] for message in batch]
    await close(broker)
    async with connect(system.mongo) as database:
        stored = [str(item["_id"]) async for item in database["events"].find({}, {"_id": 1})]
        pages = await database["ledger_pages"].find({}).to_list(None)
        states = [item["state"] async for item in database["ledger_slices"].find({}, {"state": 1})]
    return {
        "stored": len(set(stored)),
        "published": len(set(published)),
        "published twice": len(published) - len(set(published)),
        "stored and not published": len(set(stored) - {str(item) for item in published}),
        "accounted": sum(page.get("stored", 0) for page in pages),
        "waiting": sum("waiting_since" in page for page in pages),
        "states": set(states),
    }


def truth(data: Path) -> dict[str, Any]:
    """What is there when nothing but the servers runs: no normalizer that would still put things right."""
    with stack_of(data) as system:
        return asyncio.run(_truth(system))


RIGHT = {
    "stored": RECORDS,
    "published": RECORDS,
    "published twice": 0,
    "stored and not published": 0,
    "accounted": RECORDS,
    "waiting": 0,
    "states": {"settled"},
}


def summary_of(process) -> dict[str, Any]:
    said = process.log.read_text()
    return json.loads(said[said.index('{\n  "tenant"') :])


async def _stored(settings: MongoSettings) -> int:
    async with connect(settings) as database:
        return await database["events"].estimated_document_count()


def stored(data: Path) -> int | None:
    """How many events a running stack has stored; None while its database does not answer."""
    directory = DataDirectory(data)
    endpoints = directory.running()
    if endpoints is None:
        return None
    try:
        return asyncio.run(_stored(directory.mongo_settings(endpoints)))
    except (AocError, PyMongoError):
        return None


def has_stored(data: Path, least: int) -> bool:
    number = stored(data)
    return number is not None and number >= least


def states_of_imports(aoc, data: Path) -> list[str]:
    shown = aoc.run("completeness", "--data", data, "--json", timeout=60)
    return [one["state"] for one in json.loads(shown.stdout)["imports"]]


@pytest.mark.timeout(900)
def test_killed_at_many_points_and_run_again_everything_is_stored_and_published_once(aoc, started, export) -> None:
    data = aoc.root / "case"
    # From the first files of its database to when most records are stored.
    points: list[Callable[[], object]] = [(data / "mongo").exists, DataDirectory(data).running]
    points += [partial(has_stored, data, least) for least in (1, 800, 2_000)]
    points = points if THOROUGH else [points[0], points[-1]]
    for point in points:
        killed = aoc.start("import", export, "--data", data)
        started.append(killed)
        until(point, 200, killed.log.read_text)
        killed.process.kill()
        killed.process.wait(20)

    interrupted = states_of_imports(aoc, data)
    ran = aoc.run("import", export, "--data", data, "--json", timeout=200)

    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["records"] == RECORDS == summary["new"] + summary["duplicates"] + summary["quarantined"]
    assert truth(data) == RIGHT
    assert interrupted[-1] == "failed"
    assert "open" not in {*interrupted, *states_of_imports(aoc, data)}


@pytest.mark.timeout(600)
def test_an_import_takes_over_from_a_stack_that_stops(aoc, started, export) -> None:
    data = aoc.root / "case"
    up = aoc.start("up", "--data", data, "--port", str(free_port()), "--nats-port", "0", "--no-simulate")
    started.append(up)
    up.says("AOC is up")
    importing = aoc.start("import", export, "--data", data, "--json")
    started.append(importing)
    until(lambda: stored(data), 60, importing.log.read_text)
    up.process.send_signal(signal.SIGTERM)
    up.process.wait(40)
    status = importing.process.wait(200)

    said = importing.log.read_text()
    assert status == 0, said
    assert "has stopped; going on with servers of our own" in said
    assert summary_of(importing)["records"] == RECORDS
    assert truth(data) == RIGHT


@pytest.mark.timeout(600)
def test_servers_that_die_during_an_import_are_started_again(aoc, started, export, processes_naming) -> None:
    data = aoc.root / "case"
    importing = aoc.start("import", export, "--data", data, "--json")
    started.append(importing)

    def running(name: str) -> list[int]:
        return [pid for pid, line in processes_naming(data).items() if name in line and "-IS" not in line]

    def kill(name: str) -> None:
        killed = until(lambda: running(name), 40, importing.log.read_text)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: set(killed).isdisjoint(running(name)))

    # All are ready by then: what dies before it was ever ready is not started again. Each dies amid the work.
    until(lambda: stored(data), 60, importing.log.read_text)
    kill("mongo/db")
    until(lambda: stored(data) is not None, 60, importing.log.read_text)
    kill("nats-server.conf")
    until(DataDirectory(data).running, 60, importing.log.read_text)
    kill("aoc_normalizer")
    status = importing.process.wait(200)

    assert status == 0, importing.log.read_text()
    assert summary_of(importing)["records"] == RECORDS
    assert truth(data) == RIGHT


def test_what_is_away_is_named_and_at_the_end_how_to_go_on(aoc, export) -> None:
    aoc.env = {
        "AOC_NATS__URL": "nats://127.0.0.1:1",
        "AOC_MONGO__URI": "mongodb://127.0.0.1:1",
        "AOC_MONGO__TIMEOUT_S": "1",
    }

    refused = aoc.run("import", export, "--patience", "3")

    assert refused.returncode == 1
    assert "waiting for the database: NATS" in refused.stderr
    assert "was away for 3 s" in refused.stderr
    assert "Nothing is lost: import the same files again" in refused.stderr
    assert "Traceback" not in refused.stderr

"""The gateway as a process: what it says of itself and its servers, and how it starts and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from aoc_api.single_flight import SingleFlight
from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.tenants.administration import Change
from aoc_common.tenants.records import TenantRecord
from making import NOW
from signing_in import MONITORED, MONITORING_TOKEN, bearer, make_key
from tenant_registry import Registry, settings_of

AWAY = {"AOC_NATS__URL": "nats://127.0.0.1:1", "AOC_MONGO__URI": "mongodb://127.0.0.1:1", "AOC_MONGO__TIMEOUT_S": "0.2"}


class Started(subprocess.Popen):
    """A gateway. What it says goes into a file: a pipe that nobody reads is full after a few hundred refused requests,
    and whoever writes to it stands still.
    """

    def __init__(self, settings, directory) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
        own = {"AOC_API__AUDIT__SPOOL": str(directory / uuid4().hex)}
        self.log = directory / f"{uuid4().hex}.log"
        with self.log.open("w") as file:
            super().__init__([sys.executable, "-m", "aoc_api"], env=clean | own | settings, stderr=file, cwd=directory)

    def ended(self, seconds: float = 60) -> str:
        """Wait for its end; what it has said."""
        self.wait(seconds)
        return self.log.read_text()


@pytest.fixture
def launch(tmp_path):
    """`launch(setting=value)`: the real process; killed at the end if it still runs."""
    with ExitStack() as stack:

        def start(settings):
            process = Started(settings, tmp_path)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
async def answers(eventually, launch):
    """`await answers(settings)`: a process that serves, and a client of it."""
    port = free_port()
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", headers=bearer(MONITORING_TOKEN)) as client:

        async def start(settings):
            process = launch(settings | MONITORED | {"AOC_API__PORT": str(port)})

            async def alive():
                assert process.poll() is None, process.log.read_text()
                try:
                    return (await client.get("/livez")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(alive, 60)  # it imports much, beside others
            return process, client

        yield start


def bus(settings):
    return {
        "AOC_NATS__URL": settings.url,
        "AOC_NATS__USER": settings.user,
        "AOC_NATS__PASSWORD": settings.password,
    }


async def health(client):
    answer = await client.get("/health")
    return answer.status_code, answer.json()["status"]


@pytest.mark.slow
async def test_health_follows_nats_and_mongodb(tmp_path, nats_server, nats_as, answers, eventually) -> None:
    database = mongo.server(tmp_path / "mongo", free_port(), auth=False)
    store = {"AOC_MONGO__URI": f"mongodb://{LOOPBACK}:{database.port}", "AOC_MONGO__TIMEOUT_S": "0.2"}
    database.start()
    try:
        database.wait_ready()
        process, client = await answers(store | bus(nats_as("api")))

        async def says(status, state):
            return await health(client) == (status, state)

        await eventually(lambda: says(200, "ok"))
        async with connect(MongoSettings(uri=store["AOC_MONGO__URI"])) as opened:
            key = bearer(await make_key(opened))
        answer = (await client.get("/api/events", headers=key)).json()
        assert (answer["items"], answer["next_cursor"], answer["searched_back_to"]) == ([], None, None)

        nats_server.kill()
        await eventually(lambda: says(200, "degraded"))
        assert (await client.get("/readyz")).status_code == 200
        nats_server.start()
        await eventually(lambda: says(200, "ok"))

        database.kill()
        await eventually(lambda: says(503, "unavailable"))
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/api/events", headers=key)).headers["retry-after"]
        assert (await client.get("/livez")).status_code == 200
        database.start()
        await eventually(lambda: says(200, "ok"))
    finally:
        database.kill()

    process.send_signal(signal.SIGINT)
    said = process.ended()
    assert process.returncode == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "stopped"])  # no connection, and one that nobody answers on
async def test_while_a_server_is_away_health_says_so_in_two_seconds_and_all_comes_back(
    tmp_path, answers, eventually, how
) -> None:
    database = mongo.server(tmp_path / "mongo", free_port(), auth=False)
    uri = f"mongodb://{LOOPBACK}:{database.port}"
    database.start()
    try:
        database.wait_ready()
        async with connect(MongoSettings(uri=uri)) as opened:
            key = bearer(await make_key(opened))
        # With the limits of time that are set by default, and a bus that never was there.
        _, client = await answers({"AOC_MONGO__URI": uri, "AOC_NATS__URL": "nats://127.0.0.1:1"})
        client.timeout = httpx.Timeout(20)

        async def served():
            return (await client.get("/api/events", headers=key)).status_code == 200

        await eventually(served)
        assert await health(client) == (200, "degraded")

        _away(database, how)
        await asyncio.sleep(6)  # longer than a key is remembered
        for who in ({}, key):
            began = time.monotonic()
            answer = await client.get("/health", headers=who)
            assert time.monotonic() - began < 2
            assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        refused = await asyncio.gather(*(client.get("/api/events", headers=key) for _ in range(5)))
        assert {answer.status_code for answer in refused} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)

        _back(database, how)
        await eventually(served, 30)
        await eventually(lambda: is_degraded(client))
    finally:
        database.kill()


async def is_degraded(client):
    return await health(client) == (200, "degraded")


def _away(server, how):
    if how == "killed":
        server.kill()
    else:
        os.kill(server.pid, signal.SIGSTOP)


def _back(server, how):
    if how == "killed":
        server.start()
        server.wait_ready()  # how long it takes to start is its own
    else:
        os.kill(server.pid, signal.SIGCONT)


@pytest.mark.slow
async def test_a_gateway_whose_servers_are_away_starts_says_so_and_ends_in_order(answers) -> None:
    process, client = await answers(AWAY)
    document = (await client.get("/health")).json()

    assert await health(client) == (503, "unavailable")
    assert document["nats"] == "not connected"
    assert document["mongo"] == "MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)"
    assert "server" not in (await client.get("/health")).headers
    process.send_signal(signal.SIGTERM)
    said = process.ended()
    assert (process.returncode, "Traceback" in said) == (0, False)


@pytest.mark.slow
def test_a_taken_port_is_one_line_and_status_2_before_anything_is_started(launch) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        process = launch(AWAY | {"AOC_API__PORT": str(port)})
        said = process.ended()

    assert process.returncode == 2
    assert said == f"aoc-api: AOC_API__PORT: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert "Traceback" not in said


@pytest.mark.slow
def test_bad_configuration_is_one_line_that_names_it_and_status_2(launch) -> None:
    wrong = [
        {"AOC_API__CURSOR_KEY": "env:NOTHING"},
        {"AOC_MONGO__URI": "mongodb://user:p:w@x"},
        {"AOC_NATS__USER": "api", "AOC_NATS__PASSWORD": "file:/nothing"},
    ]
    processes = [launch(AWAY | {"AOC_API__PORT": "0"} | settings) for settings in wrong]
    said = [process.ended(60).splitlines() for process in processes]

    assert [process.returncode for process in processes] == [2] * len(wrong)
    assert [len(lines) for lines in said] == [1] * len(wrong)
    assert [line.startswith("aoc-api: ") for (line,) in said] == [True] * len(wrong)
    for settings, (line,) in zip(wrong, said, strict=True):
        assert any(name in line or value in line for name, value in settings.items()), line


async def test_what_to_do_about_the_licence_is_told_to_who_may_see_it_and_degrades_nothing(gateway, database) -> None:
    given = gateway.app.state.services
    gateway.app.state.services = replace(given, probe_runs=SingleFlight(0))
    await (registry := Registry(database, given.clock)).administration.add(settings_of("contoso"), Change("kim"))
    before = (await gateway.get("/health")).json()
    more = TenantRecord("fabrikam", "active", 1, NOW, NOW, settings_of("fabrikam"))
    assert await registry.store.put(more)
    given.registry.stored.wake()
    async with asyncio.timeout(10):
        while (after := (await gateway.get("/health")).json())["licence"] == "ok":
            await asyncio.sleep(0.05)
    stranger = (await gateway.client.get("/health", headers={"Authorization": ""})).json()

    assert before["licence"] == "ok"
    assert after["licence"].startswith("2 tenants are in use, and 1 may be")
    assert after["status"] == before["status"]
    assert stranger == {"status": after["status"]}


async def test_open_quarantine_records_are_counted_and_do_not_degrade(gateway, database) -> None:
    async def well() -> None:
        return None

    inventory, at = MongoQuarantine(database), datetime.now(UTC)
    given = gateway.app.state.services
    given = replace(given, probe_runs=SingleFlight(0), probes={**given.probes, "nats": well, "services": well})
    gateway.app.state.services = given
    before = (await gateway.get("/health")).json()
    await inventory.put(
        [QuarantineEntry(key, "contoso", "o365-exchange", "s", "p", "not JSON", "{", at) for key in ("a", "b")]
    )
    after = (await gateway.get("/health")).json()
    letter = DeadLetter("k", "normalizer", "contoso", "o365-exchange", "s", "AOC_RAW", 3, "x", "x", {}, b"[]", at)
    await MongoDeadLetters(database).put(letter, 1, "")
    failed = (await gateway.get("/health")).json()

    assert (before["status"], before["quarantine"]) == ("ok", "ok")
    assert (after["status"], after["quarantine"]) == ("ok", "2 wait for a decision")
    assert (failed["status"], failed["dead_letters"]) == ("degraded", "1 wait for a decision")

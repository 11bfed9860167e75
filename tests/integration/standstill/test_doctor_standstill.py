"""A real normalizer that stands still is detected by `aoc doctor` and by the gateway's /health."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.contracts.raw import RawPage
from aoc_common.store.mongo.client import ensure_indexes
from signing_in import MONITORED, MONITORING_TOKEN, bearer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

AOC = Path(sys.executable).with_name("aoc")
#: Seconds within which a standstill is told on a machine that has other things to do as well.
WITHIN_S = 40.0


@pytest.fixture
def environment(nats_as, mongo_settings) -> Callable[[str], dict[str, str]]:
    """The settings of a process that speaks to the bus as a user."""

    def of(user: str) -> dict[str, str]:
        settings = nats_as(user)
        return {
            "AOC_NATS__URL": settings.url,
            "AOC_NATS__USER": user,
            "AOC_NATS__PASSWORD": settings.password,
            "AOC_MONGO__URI": mongo_settings.uri,
            "AOC_MONGO__DATABASE": mongo_settings.database,
        }

    return of


@pytest.fixture
def launch(environment, tmp_path):
    """`launch("normalizer")`: a service as a process; stopped after the test."""
    with ExitStack() as stack:

        def start(name: str, port: int | None = None) -> Child:
            port = port or free_port()
            env = environment(name) | MONITORED
            env |= {
                "AOC_API__PORT" if name == "api" else "AOC_HEALTH__PORT": str(port),
                "AOC_API__AUDIT__SPOOL": str(tmp_path / f"audit-{port}"),
            }
            child = Child(name, [sys.executable, "-m", f"aoc_{name}"], tmp_path / f"{name}-{port}.log", port, env)
            child.start()
            stack.callback(child.kill)
            child.wait_ready()
            return child

        yield start


@pytest.fixture
def doctor(environment, tmp_path):
    """`await doctor()`: its exit status, and what it says of services by who."""

    async def run():
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
        process = await asyncio.create_subprocess_exec(
            *(str(AOC), "doctor", "--json"),
            env=kept | environment("cli") | {"AOC_ROOT": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert out, err.decode()
        return process.returncode, {one["check"]: one for one in json.loads(out)["findings"]}

    return run


async def until(found, last=dict):
    """Ask until the answer is what is waited for; the answer. `last()`: what a failure shows."""
    began = time.monotonic()
    while not (answer := await found()):
        assert time.monotonic() - began < WITHIN_S, f"never said: {last()}"
        await asyncio.sleep(0.2)
    return answer


async def test_a_stopped_normalizer_is_named_by_doctor_and_health_and_is_well_when_it_goes_on(
    launch, doctor, database, nats_as
) -> None:
    await ensure_indexes(database)
    normalizer, gateway = launch("normalizer"), launch("api")
    async with httpx.AsyncClient(
        base_url=f"http://{LOOPBACK}:{gateway.port}", headers=bearer(MONITORING_TOKEN)
    ) as client:
        heard = {}

        async def health():
            heard.update((await client.get("/health")).json())
            return heard

        async def well():
            return (await health())["status"] == "ok"

        async def seen():
            return "1 running" in (await doctor())[1].get("normalizer", {}).get("found", "")

        await until(well, heard.copy)
        await until(seen)
        os.kill(normalizer.pid, signal.SIGSTOP)
        try:
            broker = make_broker(nats_as("collector"), "collector")
            await broker.connect()
            page = RawPage("contoso", "graph-signins", "contoso/s", datetime.now(UTC), b"[]")
            await jetstream(broker).publish(page.subject, page.body, headers=page.headers())
            await close(broker)

            async def said():
                answer = await health()
                return answer.copy() if answer["status"] == "degraded" else None

            answer = await until(said)
            status, findings = await doctor()
        finally:
            os.kill(normalizer.pid, signal.SIGCONT)

        [still] = answer["stands_still"]
        assert still["who"].startswith("normalizer ")
        assert f"stands still since {still['since'][:19]}Z" in still["said"]
        assert "1 messages wait for it" in still["said"]
        assert answer["services"] == still["said"]
        assert status == 1
        assert (findings["normalizer"]["grade"], findings["api"]["grade"]) == ("fail", "ok")
        assert findings["normalizer"]["found"].startswith(still["who"])
        assert findings["normalizer"]["fix"]

        await until(well, heard.copy)
        await until(seen)
        metrics = (await client.get("/metrics")).text
        assert 'aoc_service_instances{life="running",service="normalizer"} 1.0' in metrics
        assert 'aoc_bus_waiting{consumer="normalizer-0"} 0.0' in metrics


async def test_a_killed_normalizer_is_missed_until_another_takes_its_place_and_one_that_left_is_not(
    launch, doctor, database
) -> None:
    await ensure_indexes(database)
    normalizer, other = launch("normalizer"), launch("normalizer")
    await asyncio.sleep(3.5)  # it has beaten since the other one started
    other.stop()
    normalizer.kill()

    async def missed():
        status, findings = await doctor()
        return findings if status else None

    findings = await until(missed)
    assert "no sign of life" in findings["normalizer"]["found"]

    launch("normalizer")

    async def replaced():
        _, found = await doctor()
        return found["normalizer"]["grade"] == "ok" and "1 running" in found["normalizer"]["found"]

    await until(replaced)

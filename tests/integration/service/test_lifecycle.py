"""The life of every service as a process: how it starts, what it says of itself, and how it ends.

What holds of one service holds of all: a service that is new is a line in `SERVICES`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import aoc_alerter.app
import aoc_alerter.metrics
import aoc_api.app
import aoc_api.metrics
import aoc_collector.app
import aoc_collector.metrics
import aoc_exporter.app
import aoc_exporter.metrics
import aoc_normalizer.app
import aoc_normalizer.metrics
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.service.run import run
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.service.run import Service


@dataclass(frozen=True)
class Kind:
    """`exports`: its metrics. `prefix`: of the settings of its address. `waits`: it does nothing without its bus."""

    make: Callable[[], Service]
    exports: tuple[metrics.Catalogue, ...]
    prefix: str = "AOC_HEALTH"
    waits: bool = True


SERVICES = {
    "collector": Kind(aoc_collector.app.make, (aoc_collector.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "normalizer": Kind(aoc_normalizer.app.make, (aoc_normalizer.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "alerter": Kind(aoc_alerter.app.make, (aoc_alerter.metrics.CATALOGUE, metrics.BUS, metrics.READER, metrics.TASKS)),
    "exporter": Kind(aoc_exporter.app.make, (aoc_exporter.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "api": Kind(
        aoc_api.app.make, (aoc_api.metrics.CATALOGUE, metrics.MONITOR, metrics.TASKS), prefix="AOC_API", waits=False
    ),
}
WAITING = [name for name, kind in SERVICES.items() if kind.waits]
NOBODY = 1
"""A port at which nobody answers."""
ALIVE = (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("AOC_NATS__CREDENTIALS", "/nope", "/nope: No such file or directory"),
        ("AOC_NATS__CREDENTIALS", "tenants.json", "tenants.json: no NATS .creds file"),
        ("AOC_NATS__URLL", "nats://127.0.0.1", "no such setting; is AOC_NATS__URL meant?"),
        ("AOC_MONGO__DATABASE", "a/b", "must be without"),
        ("AOC_MONGO__URI", "http://db", "must be a connection string"),
        ("AOC_TELEMETRY__LOG_LEVEL", "loud", "Input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_status_2(
    monkeypatch, capsys, tmp_path, environment, setting, value, why
) -> None:
    # In this process, which has all of them loaded, and keeps its own tracing and memory.
    monkeypatch.setattr("aoc_common.service.run.tracing.configure", lambda *_: SimpleNamespace(shutdown=lambda: None))
    monkeypatch.setattr("aoc_normalizer.app.collect_garbage_seldom", lambda: None)
    monkeypatch.setattr("sys.argv", ["aoc"])
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AOC_")]:
        monkeypatch.delenv(name)
    for name, given in (environment(free_port()) | {setting: value}).items():
        monkeypatch.setenv(name, given)
    for service, kind in SERVICES.items():
        status = run(service, kind.make)
        said = capsys.readouterr().err
        assert status == 2
        assert said.startswith(f"aoc-{service}: {setting}: ")
        assert why in said
        assert said.count("\n") == 1


@pytest.mark.slow
def test_a_taken_port_is_one_line_before_anything_is_started(launch) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        processes = {
            service: launch(service, {f"{kind.prefix}__PORT": str(port)}) for service, kind in SERVICES.items()
        }
        answers = {service: process.ended() for service, process in processes.items()}

    reason = f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert answers == {
        service: (2, f"aoc-{service}: {kind.prefix}__PORT: {reason}\n") for service, kind in SERVICES.items()
    }


@pytest.mark.slow
def test_an_address_to_listen_on_that_is_none_is_named(launch) -> None:
    status, said = launch("normalizer", {"AOC_HEALTH__HOST": "no such host"}).ended()

    assert (status, said.startswith("aoc-normalizer: AOC_HEALTH__HOST: cannot listen on")) == (2, True)
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_each_waits_for_its_bus_says_what_it_measures_outlasts_every_server_and_drains(
    launch, bus_of, store, nats_server, eventually
) -> None:
    # All of them at once, as they run: one start of each shows all of it.
    environments = {service: bus_of(service) | store.environment for service in SERVICES}
    nats_server.kill()
    processes = {service: launch(service, environment) for service, environment in environments.items()}
    await the_bus_is_waited_for(processes, nats_server, eventually)
    for service, process in processes.items():
        declared = {next(iter(family.describe())).name for part in SERVICES[service].exports for family in part}
        assert (service, process.families()) == (service, declared)
    await the_bus_is_away_for_a_while(processes, nats_server, eventually)
    await the_database_is_away_for_a_while(processes, store.server, eventually)

    for process in processes.values():
        process.process.send_signal(signal.SIGTERM)
    for process in processes.values():
        status, said = await asyncio.to_thread(process.ended)
        events = [json.loads(line)["event"] for line in said.splitlines()]
        assert (status, "Traceback" in said) == (0, False), said
        told = [one for one in events if one.startswith("service.")]
        assert told == ["service.started", "service.draining", "service.stopped"]


async def the_bus_is_waited_for(processes, nats_server, eventually) -> None:
    """It is away at the start: the gateway answers without it."""
    for service in WAITING:
        await eventually(lambda one=processes[service]: "nats.failed" in one.said(), 60)
        assert processes[service].asked("/livez") == (0, None)
    await eventually(processes["api"].is_ready, 60)
    nats_server.start()
    await all_ready(processes, eventually)
    await eventually(lambda: processes["api"].asked("/health")[1]["nats"] == "ok")


async def the_bus_is_away_for_a_while(processes, nats_server, eventually) -> None:
    """Unready is who needs it, and nothing ends."""
    nats_server.kill()
    for service in WAITING:
        await eventually(lambda one=processes[service]: one.asked("/readyz")[0] == 503)
        assert processes[service].asked("/readyz")[1]["checks"]["nats"] == "not connected"
    await eventually(lambda: processes["api"].asked("/health")[1]["status"] == "degraded")
    assert processes["api"].is_ready()
    assert [process.asked("/livez") for process in processes.values()] == [ALIVE] * len(SERVICES)
    nats_server.start()
    await all_ready(processes, eventually)


async def the_database_is_away_for_a_while(processes, server, eventually) -> None:
    """All are unready and name its address, and nothing ends."""

    def named(status: int, answer: dict[str, dict[str, str]]) -> bool:
        return status == 503 and "AOC_MONGO__URI" in answer["checks"]["mongo"]

    server.kill()
    for process in processes.values():
        await eventually(lambda one=process: named(*one.asked("/readyz")))
    assert [process.asked("/livez") for process in processes.values()] == [ALIVE] * len(SERVICES)
    server.start()
    await all_ready(processes, eventually)


async def all_ready(processes, eventually) -> None:
    for process in processes.values():
        await eventually(process.is_ready, 60)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_start_that_waits_for_its_bus(launch, database, eventually, number) -> None:
    await ensure_indexes(database)
    processes = {service: launch(service, {}) for service in WAITING}
    for process in processes.values():
        await eventually(lambda one=process: "\n" in one.said(), 30)
    await asyncio.sleep(2.5)  # meanwhile they try again, and do not repeat themselves
    for process in processes.values():
        process.process.send_signal(number)
        then = time.monotonic()
        status, said = await asyncio.to_thread(process.ended)

        assert time.monotonic() - then < 5
        assert status == 0
        first = json.loads(said.splitlines()[0])
        assert (first["event"], first["address"], first["setting"]) == ("nats.failed", "127.0.0.1:1", "AOC_NATS__URL")
        assert said.count("nats.failed") == 1
        assert "service.start_broken_off" in said
        assert "geheim" not in said


@pytest.mark.slow
def test_a_signal_ends_a_start_that_waits_for_its_database(launch) -> None:
    for service in WAITING:
        with socket.create_server((LOOPBACK, 0)) as silent:  # takes connections and never answers
            process = launch(service, {"AOC_MONGO__URI": f"mongodb://127.0.0.1:{silent.getsockname()[1]}"})
            silent.settimeout(30)
            silent.accept()
            process.process.send_signal(signal.SIGTERM)
            then = time.monotonic()
            status, said = process.ended()
        assert time.monotonic() - then < 5
        assert (status, "Traceback" in said) == (0, False)


@pytest.mark.slow
def test_a_database_that_is_away_at_the_start_is_one_short_line(launch) -> None:
    away = {"AOC_MONGO__URI": f"mongodb://someone:geheim@127.0.0.1:{NOBODY}", "AOC_MONGO__TIMEOUT_S": "0.5"}
    processes = {service: launch(service, away) for service in WAITING}
    answers = {service: process.ended() for service, process in processes.items()}

    reason = "MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)"
    assert answers == {service: (1, f"aoc-{service}: {reason}\n") for service in WAITING}


@pytest.mark.slow
async def test_a_gateway_whose_database_is_away_at_the_start_is_alive_and_not_ready(launch, eventually) -> None:
    away = {"AOC_MONGO__URI": f"mongodb://127.0.0.1:{NOBODY}", "AOC_MONGO__TIMEOUT_S": "0.5"}
    process = launch("api", away)
    await eventually(lambda: process.asked("/livez")[0] == 200, 30)

    assert process.asked("/readyz") == (
        503,
        {"status": "unavailable", "checks": {"mongo": "MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)"}},
    )


async def test_a_wrong_password_of_the_bus_is_one_line_that_names_the_settings(launch, bus_of, database) -> None:
    await ensure_indexes(database)
    wrong = bus_of("normalizer") | {"AOC_NATS__PASSWORD": "env:SECRET", "SECRET": "falsch"}
    status, said = await asyncio.to_thread(launch("normalizer", wrong).ended)
    last = said.splitlines()[-1]

    assert status == 2
    assert last.startswith("aoc-normalizer: AOC_NATS__USER and AOC_NATS__PASSWORD, or AOC_NATS__CREDENTIALS: NATS at ")
    assert "uthorization" in last
    assert "Traceback" not in said
    assert "service.started" not in said
    assert "falsch" not in said


@pytest.mark.slow
async def test_a_credentials_file_can_be_used(launch, database, tmp_path, eventually) -> None:
    await ensure_indexes(database)
    lines = ("-----BEGIN NATS USER JWT-----", "eyJ0", "------END NATS USER JWT------")
    seed = ("-----BEGIN USER NKEY SEED-----", "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU")
    (tmp_path / "user.creds").write_text("\n".join([*lines, *seed, "------END USER NKEY SEED------", ""]))
    url = f"nats://127.0.0.1:{free_port()}"
    process = launch("normalizer", {"AOC_NATS__URL": url, "AOC_NATS__CREDENTIALS": str(tmp_path / "user.creds")})
    await eventually(lambda: "\n" in process.said(), 30)
    process.process.send_signal(signal.SIGTERM)
    status, said = await asyncio.to_thread(process.ended)
    first = json.loads(said.splitlines()[0])

    assert (first["event"], first["setting"]) == ("nats.failed", "AOC_NATS__URL")
    assert status == 0

"""The life of every service as a process: how it starts, what it says of itself, and how it ends.

What holds of one service holds of all: a service that is new is a line in `SERVICES`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from dataclasses import dataclass

import pytest

import aoc_alerter.metrics
import aoc_api.metrics
import aoc_collector.metrics
import aoc_exporter.metrics
import aoc_normalizer.metrics
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.telemetry import metrics


@dataclass(frozen=True)
class Kind:
    """`exports`: its metrics. `prefix`: of the settings of its address. `waits`: it does nothing without its bus."""

    exports: tuple[metrics.Catalogue, ...]
    prefix: str = "AOC_HEALTH"
    waits: bool = True


SERVICES = {
    "collector": Kind((aoc_collector.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "normalizer": Kind((aoc_normalizer.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "alerter": Kind((aoc_alerter.metrics.CATALOGUE, metrics.BUS, metrics.READER, metrics.TASKS)),
    "exporter": Kind((aoc_exporter.metrics.CATALOGUE, metrics.BUS, metrics.TASKS)),
    "api": Kind((aoc_api.metrics.CATALOGUE, metrics.MONITOR, metrics.TASKS), prefix="AOC_API", waits=False),
}
WAITING = [name for name, kind in SERVICES.items() if kind.waits]
NOBODY = 1
"""A port at which nobody answers."""


@pytest.fixture(params=SERVICES)
def service(request) -> str:
    return request.param


@pytest.fixture
async def started(service, launch, bus_of, store, eventually):
    """A service that is ready, on a bus and a database that can be taken away."""
    process = launch(service, bus_of(service) | store.environment)
    await eventually(process.is_ready, 30)
    return process


@pytest.mark.slow
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
def test_a_wrong_setting_is_one_line_that_names_it_and_status_2(launch, setting, value, why) -> None:
    processes = {service: launch(service, {setting: value}) for service in SERVICES}
    for service, process in processes.items():
        status, said = process.ended()
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


def test_an_address_to_listen_on_that_is_none_is_named(launch) -> None:
    status, said = launch("normalizer", {"AOC_HEALTH__HOST": "no such host"}).ended()

    assert (status, said.startswith("aoc-normalizer: AOC_HEALTH__HOST: cannot listen on")) == (2, True)
    assert said.count("\n") == 1


@pytest.mark.slow
async def test_sigterm_drains_and_ends_with_status_0(started) -> None:
    started.process.send_signal(signal.SIGTERM)
    status, said = await asyncio.to_thread(started.ended)
    events = [json.loads(line)["event"] for line in said.splitlines()]

    assert status == 0
    assert [one for one in events if one.startswith("service.")] == [
        "service.started",
        "service.draining",
        "service.stopped",
    ]


@pytest.mark.slow
async def test_it_exports_what_it_measures_and_no_family_of_another_service(started, service) -> None:
    exported = await asyncio.to_thread(started.families)

    assert exported == {next(iter(family.describe())).name for part in SERVICES[service].exports for family in part}


@pytest.mark.slow
async def test_a_bus_that_is_away_for_a_while_makes_unready_what_needs_it_and_ends_nothing(
    started, service, nats_server, eventually
) -> None:
    nats_server.kill()
    if SERVICES[service].waits:
        await eventually(lambda: started.asked("/readyz")[0] == 503)
        assert started.asked("/readyz")[1]["checks"]["nats"] == "not connected"
    else:
        await eventually(lambda: started.asked("/health")[1]["status"] == "degraded")
        assert started.is_ready()
    alive = started.asked("/livez")
    nats_server.start()
    await eventually(started.is_ready, 30)

    assert alive == (200, {"status": "ok"})
    assert "Traceback" not in started.said()


@pytest.mark.slow
async def test_a_database_that_is_away_for_a_while_makes_unready_and_ends_nothing(started, store, eventually) -> None:
    store.server.kill()
    await eventually(lambda: started.asked("/readyz")[0] == 503)
    said, alive = started.asked("/readyz")[1]["checks"]["mongo"], started.asked("/livez")
    store.server.start()
    await eventually(started.is_ready, 30)

    assert "AOC_MONGO__URI" in said
    assert alive == (200, {"status": "ok"})
    assert "Traceback" not in started.said()


@pytest.mark.slow
async def test_a_bus_that_is_away_at_the_start_is_waited_for(
    service, launch, bus_of, store, nats_server, eventually
) -> None:
    bus = bus_of(service)
    nats_server.kill()
    process = launch(service, bus | store.environment)
    if SERVICES[service].waits:
        await eventually(lambda: "nats.failed" in process.said(), 30)
        assert process.asked("/livez") == (0, None)
    else:
        await eventually(process.is_ready, 30)
    nats_server.start()
    await eventually(process.is_ready, 30)

    if not SERVICES[service].waits:
        await eventually(lambda: process.asked("/health")[1]["nats"] == "ok")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("service", WAITING)
async def test_a_signal_ends_a_start_that_waits_for_its_bus(launch, database, eventually, service, number) -> None:
    await ensure_indexes(database)
    process = launch(service, {})
    await eventually(lambda: "\n" in process.said(), 30)
    await asyncio.sleep(2.5)  # meanwhile it tries again, and does not repeat itself
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
@pytest.mark.parametrize("service", WAITING)
def test_a_signal_ends_a_start_that_waits_for_its_database(launch, service) -> None:
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
@pytest.mark.parametrize("service", WAITING)
def test_a_database_that_is_away_at_the_start_is_one_short_line(launch, service) -> None:
    away = {"AOC_MONGO__URI": f"mongodb://someone:geheim@127.0.0.1:{NOBODY}", "AOC_MONGO__TIMEOUT_S": "0.5"}
    status, said = launch(service, away).ended()

    assert status == 1
    assert said == f"aoc-{service}: MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)\n"


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

"""How a service starts and ends as a process when something of its environment is away or wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.store.mongo.client import ensure_indexes

WORKERS = ("collector", "normalizer")


@pytest.fixture
def launch(tmp_path, mongo_settings):
    """`launch("normalizer", {setting: value})`: the process; killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    tenants = tmp_path / "tenants.json"
    tenants.write_text("[]")
    given = {
        "AOC_TENANTS_FILE": str(tenants),
        "AOC_MONGO__URI": mongo_settings.uri,
        "AOC_MONGO__DATABASE": mongo_settings.database,
        "AOC_NATS__URL": "nats://someone:geheim@127.0.0.1:1",
        "AOC_HEALTH__PORT": "0",
        "AOC_API__PORT": "0",
    }
    with ExitStack() as stack:

        def start(service, settings):
            process = subprocess.Popen(
                [sys.executable, "-m", f"aoc_{service}"],
                env=clean | given | settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=tmp_path,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield start


def ended(process) -> tuple[int, str]:
    said, _ = process.communicate(timeout=40)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("service", WORKERS)
async def test_a_signal_ends_a_start_that_waits_for_its_bus(launch, database, service, number) -> None:
    await ensure_indexes(database)
    process = launch(service, {})
    first = process.stdout.readline()
    await asyncio.sleep(2.5)  # meanwhile it tries again, and does not repeat itself
    process.send_signal(number)
    then = time.monotonic()
    status, said = ended(process)

    assert time.monotonic() - then < 5
    assert status == 0
    told = json.loads(first)
    assert (told["event"], told["address"], told["setting"]) == ("nats.failed", "127.0.0.1:1", "AOC_NATS__URL")
    assert "nats.failed" not in said
    assert "service.start_broken_off" in said
    assert "geheim" not in first + said


@pytest.mark.parametrize("service", WORKERS)
def test_a_signal_ends_a_start_that_waits_for_its_database(launch, service) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:  # takes connections and never answers
        process = launch(service, {"AOC_MONGO__URI": f"mongodb://127.0.0.1:{silent.getsockname()[1]}"})
        silent.settimeout(30)
        silent.accept()
        process.send_signal(signal.SIGTERM)
        then = time.monotonic()
        status, said = ended(process)

    assert time.monotonic() - then < 5
    assert (status, "Traceback" in said) == (0, False)


async def test_a_taken_health_port_is_one_line_before_anything_is_started(launch) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        processes = [launch(service, {"AOC_HEALTH__PORT": str(port)}) for service in WORKERS]
        answers = [ended(process) for process in processes]

    said = f"AOC_HEALTH__PORT: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert answers == [(2, f"aoc-{service}: {said}") for service in WORKERS]


def test_an_address_to_listen_on_that_is_none_is_named(launch) -> None:
    status, said = ended(launch("normalizer", {"AOC_HEALTH__HOST": "no such host"}))

    assert (status, said.startswith("aoc-normalizer: AOC_HEALTH__HOST: cannot listen on")) == (2, True)
    assert said.count("\n") == 1


async def test_a_wrong_password_of_the_bus_is_one_line_that_names_the_settings(launch, nats_as, database) -> None:
    await ensure_indexes(database)
    bus = {"AOC_NATS__URL": nats_as("normalizer").url, "AOC_NATS__USER": "normalizer"}
    status, said = ended(launch("normalizer", bus | {"AOC_NATS__PASSWORD": "env:SECRET", "SECRET": "falsch"}))
    last = said.splitlines()[-1]

    assert status == 2
    assert last.startswith("aoc-normalizer: AOC_NATS__USER and AOC_NATS__PASSWORD, or AOC_NATS__CREDENTIALS: NATS at ")
    assert "uthorization" in last
    assert "Traceback" not in said
    assert "service.started" not in said
    assert "falsch" not in said


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("AOC_NATS__CREDENTIALS", "/nope", "/nope: No such file or directory"),
        ("AOC_NATS__CREDENTIALS", "tenants.json", "tenants.json: no NATS .creds file"),
        ("AOC_MONGO__DATABASE", "a/b", "must be without"),
        ("AOC_MONGO__URI", "http://db", "must be a connection string"),
    ],
)
def test_a_wrong_setting_ends_every_service_with_one_line_and_status_2(launch, setting, value, why) -> None:
    processes = [launch(service, {setting: value}) for service in (*WORKERS, "api")]
    for service, process in zip((*WORKERS, "api"), processes, strict=True):
        status, said = ended(process)
        assert status == 2
        assert said.startswith(f"aoc-{service}: {setting}: ")
        assert why in said
        assert said.count("\n") == 1


async def test_a_credentials_file_can_be_used(launch, database, tmp_path) -> None:
    await ensure_indexes(database)
    lines = ("-----BEGIN NATS USER JWT-----", "eyJ0", "------END NATS USER JWT------")
    seed = ("-----BEGIN USER NKEY SEED-----", "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU")
    (tmp_path / "user.creds").write_text("\n".join([*lines, *seed, "------END USER NKEY SEED------", ""]))
    url = f"nats://127.0.0.1:{free_port()}"
    process = launch("normalizer", {"AOC_NATS__URL": url, "AOC_NATS__CREDENTIALS": str(tmp_path / "user.creds")})
    told = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)

    assert (told["event"], told["setting"]) == ("nats.failed", "AOC_NATS__URL")
    assert ended(process)[0] == 0


@pytest.mark.parametrize("service", WORKERS)
def test_a_database_that_is_away_is_one_short_line(launch, service) -> None:
    away = {"AOC_MONGO__URI": "mongodb://someone:geheim@127.0.0.1:1", "AOC_MONGO__TIMEOUT_S": "0.5"}
    status, said = ended(launch(service, away))

    assert status == 1
    assert said == f"aoc-{service}: MongoDB at 127.0.0.1:1: Connection refused (AOC_MONGO__URI)\n"

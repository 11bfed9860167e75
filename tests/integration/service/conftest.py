"""Every service as a process, with servers that can be taken away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.provisioning import bring_in_order
from aoc_common.settings import MongoSettings
from signing_in import MONITORED, MONITORING_TOKEN, bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aoc_cli.local.process import Child
    from aoc_common.settings import NatsSettings

_MONITORING = bearer(MONITORING_TOKEN)


@dataclass(frozen=True)
class Process:
    """A service that was started. `client`: asks it, with a monitor's token."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    def said(self) -> str:
        """All that it wrote so far."""
        return self.log.read_text()

    def ended(self) -> tuple[int, str]:
        """Its exit status and all that it wrote, when it has ended."""
        return self.process.wait(60), self.said()

    def asked(self, path: str) -> tuple[int, Any]:
        """Status and document of an answer; (0, None) when nobody answers."""
        assert self.process.poll() is None, self.said()
        try:
            answer = self.client.get(path)
        except httpx.TransportError:
            return 0, None
        return answer.status_code, answer.json()

    def families(self) -> set[str]:
        """The families of metrics of AOC's own that it exports, without the suffix `_total`."""
        shown = self.client.get("/metrics").text
        names = re.findall(r"^# TYPE (aoc_\w+) ", shown, re.MULTILINE)
        return {name.removesuffix("_total") for name in names if not name.endswith("_created")}

    def is_ready(self) -> bool:
        """Whether it says that it is."""
        return self.asked("/readyz")[0] == 200


@pytest.fixture
def environment(tmp_path, mongo_settings) -> Callable[[int], dict[str, str]]:
    """`environment(port)`: settings of any service that answers there. Its bus is away."""
    tenants = tmp_path / "tenants.json"
    tenants.write_text("[]")

    def settings(port: int) -> dict[str, str]:
        return {
            "AOC_TENANTS_FILE": str(tenants),
            "AOC_MONGO__URI": mongo_settings.uri,
            "AOC_MONGO__DATABASE": mongo_settings.database,
            "AOC_NATS__URL": "nats://someone:geheim@127.0.0.1:1",
            "AOC_HEALTH__PORT": str(port),
            "AOC_API__PORT": str(port),
            **MONITORED,
            "AOC_API__AUDIT__SPOOL": str(tmp_path / "audit"),
        }

    return settings


@pytest.fixture
def launch(tmp_path, environment) -> Iterator[Callable[..., Process]]:
    """`launch("normalizer", {setting: value})`: the process; killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    with ExitStack() as stack:

        def start(service: str, settings: dict[str, str]) -> Process:
            port, log = free_port(), tmp_path / f"{service}.log"
            with log.open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-m", f"aoc_{service}"],
                    env=clean | environment(port) | settings,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=tmp_path,
                )
            stack.callback(process.wait)
            stack.callback(process.kill)
            address = f"http://{LOOPBACK}:{port}"
            client = httpx.Client(base_url=address, headers=_MONITORING, trust_env=False, verify=False, timeout=10)
            return Process(process, stack.enter_context(client), log)

        yield start


@pytest.fixture
def bus_of(nats_as: Callable[[str], NatsSettings]) -> Callable[[str], dict[str, str]]:
    """`bus_of("normalizer")`: the environment with which a service reaches the bus."""

    def environment(user: str) -> dict[str, str]:
        settings = nats_as(user)
        return {"AOC_NATS__URL": settings.url, "AOC_NATS__USER": user, "AOC_NATS__PASSWORD": str(settings.password)}

    return environment


@dataclass(frozen=True)
class Store:
    """A database of the test's own, which can be taken away, and the environment with which it is reached."""

    server: Child
    environment: dict[str, str]


@pytest.fixture
async def store(tmp_path, nats_as) -> Any:
    """With its indexes, and what readers on the bus need of it."""
    server = mongo.server(tmp_path / "mongo", free_port(), auth=False)
    server.start()
    try:
        server.wait_ready()
        uri = f"mongodb://{LOOPBACK}:{server.port}"
        await bring_in_order(nats_as("provision"), MongoSettings(uri=uri), lambda _: None, migrate=False)
        yield Store(server, {"AOC_MONGO__URI": uri, "AOC_MONGO__DATABASE": "aoc", "AOC_MONGO__TIMEOUT_S": "0.3"})
    finally:
        server.kill()

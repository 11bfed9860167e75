"""A simulated Microsoft 365, a gateway and collectors, which reach each other over HTTP and the bus."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.provisioning import bring_in_order
from aoc_cli.local.stack import DataDirectory
from aoc_collector.app import worker
from aoc_collector.settings import CollectorSettings, DirectorySettings, SubscriptionSettings
from aoc_collector.sources import SOURCES
from aoc_common.bus.broker import make_broker
from aoc_common.store.mongo.directory import MongoDirectoryStates
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.tenants.file import read_tenants
from aoc_sim.settings import DEFAULT_TENANTS
from signing_in import MONITORED, MONITORING_TOKEN, bearer

SECRET, NEW_SECRET = "hook-secret-" + "x" * 30, "hook-secret-" + "y" * 30
CONTOSO = DEFAULT_TENANTS[0]
HOUR = 3600


class Microsoft:
    """A simulated Microsoft 365, its control plane, and its view of contoso's subscriptions."""

    def __init__(self, base, tenants_file):
        self.base = base
        self.tenants_file = tenants_file
        self.tenants = [
            tenant.model_copy(update={"sources": ("graph-alerts", "o365-exchange")})
            for tenant in read_tenants(tenants_file, SOURCES)
            if tenant.name == "contoso"
        ]
        self.client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=30)

    async def control(self, path, **body):
        answer = await self.client.post(path, json={"tenant": "contoso", **body})
        return answer.raise_for_status().json()

    async def notify(self, resource, **body):
        answer = await self.control("/_notify", resource=resource, **body)
        return [delivery["status"] for delivery in answer["deliveries"]]

    async def call(self, method, path, scope="https://graph.microsoft.com", **kwargs):
        form = {
            "grant_type": "client_credentials",
            "client_id": CONTOSO.client_id,
            "client_secret": CONTOSO.client_secret.get_secret_value(),
            "scope": f"{scope}/.default",
        }
        token = (await self.client.post(f"/{CONTOSO.tenant_id}/oauth2/v2.0/token", data=form)).json()["access_token"]
        answer = await self.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **kwargs)
        return answer.raise_for_status()

    async def subscriptions(self):
        """resource -> its subscriptions."""
        found = {}
        for one in (await self.call("GET", "/v1.0/subscriptions")).json()["value"]:
            found.setdefault(one["resource"], []).append(one)
        return found

    async def webhook(self):
        """What is registered for Audit.Exchange."""
        path = f"/api/v1.0/{CONTOSO.tenant_id}/activity/feed/subscriptions/list"
        held = (await self.call("GET", path, "https://manage.office.com")).json()
        return next(
            (subscription["webhook"] for subscription in held if subscription["contentType"] == "Audit.Exchange"), None
        )


@pytest.fixture
async def microsoft(tmp_path):
    """A Microsoft with little history."""
    port, data = free_port(), DataDirectory(tmp_path / "sim")
    child = simulator.simulator(data, port, {"AOC_SIM__EVENTS": "0", "AOC_SIM__LIVE_RATE": "0"})
    child.start()
    try:
        child.wait_ready()
        made = Microsoft(f"http://127.0.0.1:{port}", Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"]))
        yield made
        await made.client.aclose()
    finally:
        child.stop()


class Gateways:
    """The gateway as a process, at an address that stays."""

    def __init__(self, env, tmp_path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret = SECRET
        self._env = env
        self._tmp_path = tmp_path
        self._stack = ExitStack()

    async def start(self, **settings):
        process = self._launch(settings)
        monitoring = bearer(MONITORING_TOKEN)
        async with (
            httpx.AsyncClient(base_url=self.url, headers=monitoring, trust_env=False) as client,
            asyncio.timeout(30),
        ):
            while True:
                assert process.poll() is None, (self._tmp_path / "gateway.log").read_text()
                try:
                    if (await client.get("/health")).json()["nats"] == "ok":
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def _launch(self, settings):
        log = self._stack.enter_context((self._tmp_path / "gateway.log").open("a"))
        process = subprocess.Popen(
            [sys.executable, "-m", "aoc_api"],
            env=self._env
            | settings
            | MONITORED
            | {
                "AOC_API__PORT": str(self.port),
                "AOC_API__AUDIT__SPOOL": str(self._tmp_path / "audit"),
                "AOC_WEBHOOKS__PUBLIC_URL": self.url,
            },
            stderr=log,
            cwd=self._tmp_path,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def stop(self):
        self._stack.close()


@pytest.fixture(autouse=True)
async def indexes(request):
    """A collector checks for them and makes none."""
    if "mongo_settings" in request.fixturenames:
        await bring_in_order(None, request.getfixturevalue("mongo_settings"), lambda _: None, migrate=False)


@pytest.fixture
def gateways(nats_as, mongo_settings, tmp_path, microsoft, monkeypatch):
    """The gateway, not started yet."""
    monkeypatch.setenv("AOC_TEST_SECRET", SECRET)
    monkeypatch.setenv("AOC_TEST_NEW_SECRET", NEW_SECRET)
    bus = nats_as("api")
    env = {name: value for name, value in os.environ.items() if not name.startswith("AOC_") or "TEST" in name} | {
        "AOC_NATS__URL": bus.url,
        "AOC_NATS__USER": bus.user,
        "AOC_NATS__PASSWORD": bus.password,
        "AOC_MONGO__URI": mongo_settings.uri,
        "AOC_MONGO__DATABASE": mongo_settings.database,
        "AOC_WEBHOOKS__SECRET": "env:AOC_TEST_SECRET",
        "AOC_WEBHOOKS__TENANTS_FILE": str(microsoft.tenants_file),
    }
    made = Gateways(env, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def collecting(nats_as, mongo_settings, gateways, microsoft):
    """`collecting(replicas)`: collectors that look once an hour, unless they are told to."""

    @asynccontextmanager
    async def start(replicas=1, **webhooks):
        hooks = {"public_url": gateways.url, "secret": "env:AOC_TEST_SECRET", "interval_s": HOUR} | webhooks
        settings = CollectorSettings(
            nats=nats_as("collector"),
            mongo=mongo_settings,
            poll_interval_s=HOUR,
            # A look-back would be the backlog's, at its next turn.
            lookback_s=0,
            poll_gap_s=0.2,
            directory=DirectorySettings(interval_s=HOUR, kinds=("user", "group")),
            webhooks=SubscriptionSettings(**hooks),
        )
        async with AsyncExitStack() as stack:
            for _ in range(replicas):
                await stack.enter_async_context(worker(settings, microsoft.tenants).running())
            yield

    return start


@pytest.fixture
async def jobs_declared(nats_as):
    """The stream of jobs, before any collector: a gateway may be there first."""
    broker = make_broker(nats_as("collector"), "collector")
    await broker.connect()
    await broker.stop()


@pytest.fixture
def settled(database, eventually):
    """Wait until all that is due has been collected: from then on only a notification makes anybody look."""
    states, directories = MongoSources(database), MongoDirectoryStates(database)

    async def done():
        sources = [state for state in await states.all_states("contoso") if state.last_success]
        kinds = [state for state in await directories.all_states("contoso") if state.last_success]
        return (len(sources), len(kinds)) == (2, 2)

    return lambda: eventually(done, 60)

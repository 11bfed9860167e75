"""Directories against the simulator, over a real bus and into a real store."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.stack import DataDirectory
from aoc_collector.app import worker
from aoc_collector.settings import CollectorSettings, DirectorySettings, GraphLimits
from aoc_collector.sources import SOURCES
from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.jobs import job_handler, publish_job
from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.errors import Transient
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from aoc_common.tenants.file import read_tenants

COLLECTIONS = {
    "users": "user",
    "groups": "group",
    "servicePrincipals": "service principal",
    "devices": "device",
    "roleDefinitions": "role",
}
TENANTS = ("contoso", "fabrikam")
JOBS = consumers.DIRECTORY


class Microsoft:
    """A simulated Microsoft 365 and its control plane."""

    def __init__(self, base, tenants_file):
        self.base = base
        # One small source: this is about directories.
        self.tenants = [
            tenant.model_copy(update={"sources": ("graph-intune",)}) for tenant in read_tenants(tenants_file, SOURCES)
        ]

    async def objects(self, tenant, collection):
        async with httpx.AsyncClient(base_url=self.base, trust_env=False) as client:
            return (await client.get(f"/_directory/{tenant}/{collection}")).json()["value"]

    async def alter(self, tenant, collection, **wish):
        async with httpx.AsyncClient(base_url=self.base, trust_env=False) as client:
            answer = await client.post("/_directory", json={"tenant": tenant, "collection": collection, **wish})
            return answer.raise_for_status().json()["id"]

    async def entities(self):
        """(tenant, kind, id) -> name of everything that there is."""
        return {
            (tenant, kind, one["id"]): one["displayName"]
            for tenant in TENANTS
            for collection, kind in COLLECTIONS.items()
            for one in await self.objects(tenant, collection)
        }


@pytest.fixture
def simulated(tmp_path):
    """`simulated(faults)`: a context with a Microsoft whose pages are small."""

    @asynccontextmanager
    async def start(**options):
        port = free_port()
        data = DataDirectory(tmp_path / "sim")
        env = {"AOC_SIM__EVENTS": "0", "AOC_SIM__LIVE_RATE": "0", "AOC_SIM__PAGES__DIRECTORY": "40", **options}
        child = simulator.simulator(data, port, env)
        child.start()
        try:
            child.wait_ready()
            file = Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"])
            yield Microsoft(f"http://127.0.0.1:{port}", file)
        finally:
            child.stop()

    return start


@pytest.fixture
def settings(nats_as, mongo_settings):
    return CollectorSettings(
        nats=nats_as("collector"),
        mongo=mongo_settings,
        poll_interval_s=0.2,
        graph=GraphLimits(max_slice_s=6 * 3600),
        directory=DirectorySettings(interval_s=1),
    )


async def kept(database):
    """(tenant, kind, id) -> name of everything that is kept."""
    return {
        (one["tenant"], one["kind"], one["id"]): one["name"]
        async for one in database["directory"].find({"gone": {"$exists": False}})
    }


@pytest.mark.slow
async def test_two_replicas_keep_what_microsoft_says_and_its_changes_despite_every_fault(
    simulated, settings, database, eventually
):
    directory = MongoDirectory(database)

    async with AsyncExitStack() as stack:
        microsoft = await stack.enter_async_context(simulated(AOC_SIM__FAULTS_PROFILE="verify"))
        for _ in range(2):
            await stack.enter_async_context(worker(settings, microsoft.tenants).running())

        async def same():
            return await kept(database) == await microsoft.entities()

        await eventually(same, 60)
        users = [user for user in await microsoft.objects("contoso", "users") if user["assignedLicenses"]]
        renamed, gone, disabled, promoted = [user["id"] for user in users[10:14]]
        await microsoft.alter("contoso", "users", id=renamed, set={"displayName": "Another", "department": None})
        await microsoft.alter("contoso", "users", id=gone, remove=True)
        await microsoft.alter("contoso", "users", id=disabled, set={"accountEnabled": False})
        role = next(
            one["id"]
            for one in await microsoft.objects("contoso", "roleDefinitions")
            if one["displayName"] == "User Administrator"
        )
        given = {"roleDefinitionId": role, "principalId": promoted}
        await microsoft.alter("contoso", "roleAssignments", set=given)
        created = await microsoft.alter("contoso", "users", set={"displayName": "New"})
        await eventually(same, 30)

        async def all_there():
            found = await directory.find("contoso", [disabled, promoted])
            return found[disabled].enabled is False and found[promoted].roles == ("User Administrator",)

        await eventually(all_there, 30)

    found = await directory.find("contoso", [renamed, gone, disabled, promoted, created])
    assert gone not in found
    assert (found[renamed].name, found[renamed].department) == ("Another", None)
    assert found[renamed].upn == users[10]["userPrincipalName"]
    assert found[promoted].privileged
    assert {entity.kind for entity in (await directory.find("fabrikam", [renamed])).values()} == set()


@pytest.mark.slow
async def test_administrators_members_of_role_groups_guests_and_service_accounts_are_known(
    simulated, settings, database, eventually
):
    directory = MongoDirectory(database)

    async with AsyncExitStack() as stack:
        microsoft = await stack.enter_async_context(simulated())
        await stack.enter_async_context(worker(settings, microsoft.tenants).running())

        async def roles_are_read():
            return all([(await MongoDirectoryStates(database).state(t, "role")).last_success for t in TENANTS])

        await eventually(roles_are_read, 30)
        users = await microsoft.objects("contoso", "users")
        found = await directory.find("contoso", [user["id"] for user in users])

    assert [entity.roles for entity in found.values() if "Global Administrator" in entity.roles] == [
        ("Global Administrator",)
    ]
    assert sum("Intune Administrator" in entity.roles for entity in found.values()) == 3
    assert {entity.upn for entity in found.values() if entity.service_account} == {
        "svc-backup@contoso.example",
        "sa-badges@contoso.example",
    }
    assert {entity.guest for entity in found.values()} == {True, False}


@pytest.mark.slow
async def test_a_collector_that_is_stopped_between_pages_leaves_the_old_state_and_its_successor_finishes(
    simulated, settings, database, eventually
):
    await ensure_indexes(database)
    directory, states = MongoDirectory(database), MongoDirectoryStates(database)

    async with AsyncExitStack() as stack:
        microsoft = await stack.enter_async_context(
            simulated(AOC_SIM__PAGES__DIRECTORY="5", AOC_SIM__FAULTS__SLOW_RATE="1", AOC_SIM__FAULTS__SLOW_S="0.05")
        )
        first = asyncio.create_task(_run_for_ever(worker(settings, microsoft.tenants).running()))

        async def half_way():
            return 10 < (await directory.count("contoso")).get("user", 0) < 150

        await eventually(half_way, 30)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        left = await states.state("contoso", "user")
        await stack.enter_async_context(worker(settings, microsoft.tenants).running())

        async def same():
            return await kept(database) == await microsoft.entities()

        await eventually(same, 60)

    assert (left.delta_link, left.last_success) == (None, None)
    assert (await states.state("contoso", "user")).generation > left.generation


async def _run_for_ever(context):
    async with context:
        await asyncio.Event().wait()


async def test_replicas_never_read_one_directory_twice_at_a_time(nats_as, eventually):
    running, most, done = 0, 0, 0

    async def run(job):
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.03)
        running -= 1
        done += 1
        if done == 3:
            raise Transient("once", retry_after=0.05)

    async with AsyncExitStack() as stack:
        answers = []
        for _ in range(3):
            broker = make_broker(nats_as("collector"), "collector")
            await broker.connect()
            stack.push_async_callback(broker.stop)
            handler = job_handler(DirectoryJob, run)
            await stack.enter_async_context(consuming(broker, JOBS, handler, 2))
            answers.append(jetstream(broker))
        accepted = []
        for _ in range(100):
            accepted += [await publish_job(js, DirectoryJob(tenant="contoso")) for js in answers]
            await asyncio.sleep(0.005)
        await eventually(lambda: not running and done >= 5)

    assert most == 1
    assert False in accepted

"""A change in the registry reaches a collector that runs, over the bus, within seconds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.stack import DataDirectory
from aoc_collector.app import worker
from aoc_collector.settings import CollectorSettings, DirectorySettings
from aoc_collector.sources import SOURCES
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.bus.tenant_changes import announce
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.tenant_checks import MongoTenantChecks
from aoc_common.tenants.administration import Change, TenantAdministration
from aoc_common.tenants.checks import CheckFailed, TenantChecks
from aoc_common.tenants.file import document, read_tenants
from tenant_registry import Registry

HOUR = 3600.0
KIM = Change("t/kim")


@pytest.fixture
def entries(tmp_path):
    """Name -> entry of the simulated tenants, while their Microsoft runs."""
    port, data = free_port(), DataDirectory(tmp_path / "sim")
    child = simulator.simulator(data, port, {"AOC_SIM__EVENTS": "0", "AOC_SIM__LIVE_RATE": "0"})
    child.start()
    child.wait_ready()
    file = Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"])
    yield {
        tenant.name: document(tenant.model_copy(update={"sources": ("graph-alerts", "o365-exchange")}))
        for tenant in read_tenants(file, SOURCES)
    }
    child.stop()


@pytest.fixture
async def administration(database, nats_as):
    """Tenants are changed by the gateway's user of the bus."""
    await ensure_indexes(database)
    registry = Registry(database, SystemClock())
    async with connected_broker(nats_as("api"), "api") as broker:
        yield TenantAdministration(
            registry.store, registry.file, registry.administration._licences, partial(announce, broker), SystemClock()
        )


@pytest.fixture
def collecting(nats_as, mongo_settings):
    @asynccontextmanager
    async def start():
        settings = CollectorSettings(
            nats=nats_as("collector"),
            mongo=mongo_settings,
            poll_interval_s=HOUR,
            lookback_s=0,
            directory=DirectorySettings(enabled=False),
        )
        async with worker(settings, []).running():
            yield

    return start


@pytest.fixture
def collected(database):
    async def sources(tenant):
        return {state.source for state in await MongoSources(database).all_states(tenant) if state.last_success}

    return sources


async def test_a_tenant_that_is_added_is_collected_within_seconds_and_one_that_is_paused_no_more(
    entries, administration, collecting, collected, eventually, database
):
    async def done(tenant, *names):
        return await collected(tenant) == set(names)

    async with collecting():
        await administration.add(entries["contoso"], KIM)
        await eventually(partial(done, "contoso", "graph-alerts", "o365-exchange"), 8)

        await administration.merge("contoso", {"sources": ["graph-alerts", "o365-exchange", "graph-intune"]}, KIM)
        await eventually(partial(done, "contoso", "graph-alerts", "o365-exchange", "graph-intune"), 8)

        await administration.pause("contoso", KIM, paused=True)
        await administration.add(entries["fabrikam"], KIM)
        await eventually(partial(done, "fabrikam", "graph-alerts", "o365-exchange"), 8)
        await database["sources"].delete_many({"tenant": "contoso"})
        await administration.merge("contoso", {"display_name": "Contoso Works"}, KIM)
        await administration.merge("fabrikam", {"sources": ["graph-intune"]}, KIM)
        await eventually(partial(done, "fabrikam", "graph-alerts", "o365-exchange", "graph-intune"), 8)
        assert await collected("contoso") == set()

        await administration.pause("contoso", KIM, paused=False)
        await eventually(partial(done, "contoso", "graph-alerts", "o365-exchange", "graph-intune"), 8)


@pytest.mark.slow
async def test_what_changed_while_the_collector_was_down_is_known_when_it_starts(
    entries, administration, collecting, collected, eventually
):
    await administration.add(entries["contoso"], KIM)
    await administration.add(entries["fabrikam"], KIM)
    await administration.delete("fabrikam", KIM)

    async def done():
        return await collected("contoso") == {"graph-alerts", "o365-exchange"}

    async with collecting():
        await eventually(done, 8)
        assert await collected("fabrikam") == set()


@pytest.mark.slow
async def test_settings_are_checked_by_a_collector_which_alone_has_the_secret(
    entries, database, nats_as, collecting, monkeypatch
):
    await ensure_indexes(database)
    clock = SystemClock()
    async with collecting(), connected_broker(nats_as("api"), "api") as broker:
        checks = TenantChecks(partial(publish_job, jetstream(broker)), MongoTenantChecks(database, clock), clock)
        fine = await checks.check(entries["contoso"])
        with pytest.raises(CheckFailed) as failed:
            await checks.check(entries["contoso"] | {"client_id": "00000000-0000-0000-0000-000000000001"})
        monkeypatch.setenv("NO_SUCH_SECRET", "hunter2")
        with pytest.raises(CheckFailed) as wrong:
            await checks.check(entries["contoso"] | {"client_secret": "env:NO_SUCH_SECRET"})
        both = await asyncio.gather(checks.check(entries["contoso"]), checks.check(entries["contoso"]))

    assert fine.split(" ok")[0].isdecimal()
    assert any("check client_id" in one.fix for one in failed.value.findings)
    assert "hunter2" not in str(wrong.value)
    assert list(both) == [fine, fine]

"""Which tenants are collected, and what is left of one that is not any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from prometheus_client import REGISTRY

from aoc_collector.fleet import Fleet
from aoc_collector.licensing import Admission
from aoc_collector.metrics import CATALOGUE
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing
from aoc_common.clock import SystemClock
from aoc_common.errors import Unreachable
from aoc_common.licence.terms import Licences
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.records import TenantRecord
from aoc_common.tenants.registry import TenantChange
from tenant_registry import SIMULATED, a_tenant

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SLICING = Slicing(24 * HOUR, 15 * MINUTE, HOUR, MINUTE, MINUTE, 10 * MINUTE, 24 * HOUR, 3.75)
CONTOSO, FABRIKAM, ADATUM = map(a_tenant, ("contoso", "fabrikam", "adatum"))


class Database:
    """What was collected before, and what the registry in the database has."""

    def __init__(self, clock):
        self.collected = set()
        self.records = {}
        self.clock = clock

    def add(self, name, state):
        now = self.clock.now()
        self.records[name] = TenantRecord(name, state, 1, now, now, {})

    async def names(self):
        return set(self.collected)

    async def all_records(self):
        return self.records


@pytest.fixture
def database(clock):
    return Database(clock)


@pytest.fixture
def admitted(database, clock):
    """The names of those tenants that are collected without a licence, which is for one."""
    admission = Admission(Licences(), database.names, database.all_records, clock)

    async def names(*tenants):
        return [tenant.name for tenant in await admission.admitted(tenants)]

    return names


async def test_one_tenant_of_a_file_is_free_and_whatever_was_collected_goes_on(admitted, database):
    assert await admitted(CONTOSO, FABRIKAM) == ["contoso"]
    database.collected = {"fabrikam", "adatum"}
    assert await admitted(CONTOSO, FABRIKAM, ADATUM) == ["fabrikam", "adatum"]
    assert await admitted(CONTOSO) == ["contoso"]


async def test_what_the_registry_has_and_what_a_simulator_has_is_collected_whatever_the_licence(admitted, database):
    database.add("contoso", "active")

    assert await admitted(CONTOSO, FABRIKAM, a_tenant("adatum", **SIMULATED)) == ["contoso", "adatum"]


async def test_a_tenant_of_a_file_with_the_name_of_a_deleted_one_is_not_collected_for_nothing_and_it_is_said_once(
    admitted, database
):
    database.add("fabrikam", "deleted")
    database.add("adatum", "deleting")
    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            assert await admitted(FABRIKAM, a_tenant("adatum", **SIMULATED), CONTOSO) == ["contoso"]
        database.add("fabrikam", "active")
        assert await admitted(FABRIKAM) == ["fabrikam"]

    assert [line["tenants"] for line in logged if line["event"] == "tenants.of_deleted_names"] == [
        ["adatum", "fabrikam"]
    ]


async def test_a_part_follows_from_what_there_is_and_nothing_has_changed_when_it_cannot_be_recorded():
    tenants, recorded, changes = [CONTOSO], [], []

    class Away:
        error = None

    async def record(new):
        if Away.error is not None:
            raise Away.error
        recorded.extend(tenant.name for tenant in new)

    async def all_of_them(known):
        return known

    fleet = Fleet(FileTenants(lambda: tuple(tenants), SystemClock(), fresh_s=0), all_of_them, record)
    await fleet.refresh()
    fleet.follow(changes.append)
    paused = CONTOSO.model_copy(update={"paused": True})
    tenants[:] = [paused, FABRIKAM]
    Away.error = Unreachable("away")
    with pytest.raises(Unreachable):
        await fleet.refresh()
    while_away = fleet.collects("contoso"), fleet.collects("fabrikam")
    Away.error = None
    await fleet.refresh()

    assert while_away == (True, False)
    assert changes == [TenantChange(None, CONTOSO), TenantChange(CONTOSO, None), TenantChange(None, FABRIKAM)]
    assert (recorded, fleet.tenants) == (["contoso", "fabrikam"], (FABRIKAM,))


async def test_no_gauge_shows_a_tenant_that_left_also_while_its_sources_were_being_scheduled(
    states, backlog, clock, corrector
):
    def shown():
        return {
            sample.labels["tenant"]
            for family in REGISTRY.collect()
            for sample in family.samples
            if sample.name.startswith("aoc_collector_backlog_seconds")
        } & {"leaving", "staying"}

    async def publish(_job):
        return True

    feeds = {name: [Feed(name, "graph-signins", SLICING)] for name in ("leaving", "staying")}
    scheduler = Scheduler([*feeds["leaving"], *feeds["staying"]], states, backlog, publish, clock, corrector)
    await scheduler.tick()
    before = shown()
    waiting = backlog.waiting

    async def slowly(tenant):
        if tenant == "leaving":
            scheduler.collect("leaving", [])
            CATALOGUE.forget(tenant="leaving")
        return await waiting(tenant)

    backlog.waiting = slowly
    await scheduler.tick()

    assert (before, shown()) == ({"leaving", "staying"}, {"staying"})

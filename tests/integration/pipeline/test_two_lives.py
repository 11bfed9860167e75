"""Lines 3 and 4 from the simulated Microsoft to the store: a demotion, a deletion and a user name that is reused."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.provisioning import bring_in_order
from aoc_cli.local.stack import DataDirectory
from aoc_collector import app as collector
from aoc_collector.settings import CollectorSettings, DirectorySettings
from aoc_collector.sources import SOURCES
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.directory import MongoDirectory
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.tenants.file import read_tenants
from aoc_normalizer import app as normalizer
from aoc_normalizer.enrich.directory_cache import DirectoryCache, make_look_up
from aoc_normalizer.settings import NormalizerSettings
from aoc_normalizer.upkeep.late_names import renewals
from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS, SimSettings
from aoc_sim.stories.successor import holder, successor

pytestmark = pytest.mark.slow


class Play:
    """Acts of the story, each played when the directory has been read since the one before."""

    def __init__(self, base, database):
        self.base = base
        self.database = database
        self.directory = MongoDirectory(database)

    async def act(self, name):
        """The ids of the act's records."""
        async with httpx.AsyncClient(base_url=self.base, trust_env=False) as client:
            answer = await client.post("/_emit", json={"tenant": "contoso", "story": f"successor-{name}"})
            return {one for ids in answer.raise_for_status().json()["records"].values() for one in ids}

    async def acted(self, name, eventually):
        """What is stored of the act's records."""
        ids = [one.casefold() for one in await self.act(name)]

        async def stored():
            return len(await self.events(ids)) == len(ids)

        await eventually(stored, 40)
        return ids

    async def events(self, ids):
        """Source -> the events of these records."""
        found = await self.database["events"].find({"tenant": "contoso"}).to_list(None)
        of_record = {json.loads(one["raw"]).get("Id") or json.loads(one["raw"])["id"]: one for one in found}
        return {one["source"]: one["event"] for uid, one in of_record.items() if uid.casefold() in ids}

    async def remap(self):
        async def learn(wanted):
            return await make_look_up(DirectoryCache(MongoDirectoryHistory(self.database), SystemClock(), 1000))(wanted)

        renewal = MongoRenewal(self.database)
        async for records in renewal.batches("contoso", 100):
            await renewal.renew(await renewals("contoso", records, learn, SystemClock().now()))


async def test_each_of_two_accounts_of_one_user_name_keeps_its_acts_its_name_and_its_standing(
    nats_as, mongo_settings, database, tmp_path, eventually
):
    port = free_port()
    data = DataDirectory(tmp_path / "sim")
    child = simulator.simulator(data, port, {"AOC_SIM__EVENTS": "0", "AOC_SIM__LIVE_RATE": "0"})
    child.start()
    tenant = build_directory(DEFAULT_TENANTS[0], SimSettings().seed)
    old, new = holder(tenant), successor(tenant)
    try:
        child.wait_ready()
        file = Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"])
        sources = ("graph-directory-audits", "o365-sharepoint")
        tenants = [one.model_copy(update={"sources": sources}) for one in read_tenants(file, SOURCES)]
        await bring_in_order(None, mongo_settings, lambda _: None, migrate=False)
        play = Play(f"http://127.0.0.1:{port}", database)
        async with AsyncExitStack() as stack:
            settings = CollectorSettings(
                nats=nats_as("collector"), mongo=mongo_settings, poll_interval_s=0.5,
                directory=DirectorySettings(interval_s=1),
            )  # fmt: skip
            await stack.enter_async_context(collector.worker(settings, tenants).running())

            async def known(uid, roles):
                found = (await play.directory.find("contoso", [uid])).get(uid)
                return roles is None if found is None else found.roles == roles

            await eventually(lambda: known(old.id, ()), 40)
            await play.act("promoted")
            await eventually(lambda: known(old.id, ("Global Administrator",)), 40)
            # Its cache of names knows nothing of before.
            await stack.enter_async_context(
                normalizer.worker(NormalizerSettings(nats=nats_as("normalizer"), mongo=mongo_settings)).running()
            )
            first = await play.acted("first", eventually)
            before = await play.events(first)
            await play.act("demoted")
            await eventually(lambda: known(old.id, ()), 40)
            await play.act("deleted")
            await eventually(lambda: known(old.id, None), 40)
            await play.act("created")
            await eventually(lambda: known(new.id, ()), 40)
            await asyncio.sleep(1)  # seconds are what records of the unified log are told in
        async with normalizer.worker(NormalizerSettings(nats=nats_as("normalizer"), mongo=mongo_settings)).running():
            async with collector.worker(settings, tenants).running():
                second = await play.acted("second", eventually)
            await play.remap()
        after, later = await play.events(first), await play.events(second)
    finally:
        child.stop()

    assert before.keys() == after.keys() == later.keys() == set(sources)
    for source in sources:
        assert after[source]["actor"] == before[source]["actor"]
        assert after[source]["message"] == before[source]["message"]
        assert after[source]["actor"]["user"]["type"] == "Admin"
        standing = [one["data"] for one in after[source]["enrichments"] if one["name"] == "actor.user"]
        assert (standing[0]["uid"], standing[0]["name"]) == (old.id, old.name)
        assert standing[0]["roles"] == ["Global Administrator"]
        assert later[source]["actor"]["user"]["name"] == new.name
        [theirs] = [one["data"] for one in later[source]["enrichments"] if one["name"] == "actor.user"]
        assert (theirs["uid"], theirs.get("roles", [])) == (new.id, [])

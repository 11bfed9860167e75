"""The collector against the simulator with every fault on, over a real bus and a real store."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.stack import DataDirectory
from aoc_collector.app import worker
from aoc_collector.settings import CollectorSettings, GraphLimits, Rates
from aoc_collector.sources import SOURCES
from aoc_common.bus import consumers
from aoc_common.bus.broker import connection, make_broker
from aoc_common.bus.pull import Pull
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.service.probes import run_probes
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.tenants.file import read_tenants
from thoroughness import only_thorough

_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])
#: Short windows: what one replica used of a limit, another has to wait for.
_FAST = Rates(
    graph_audit_requests=100,
    graph_audit_window_s=2,
    graph_security_requests=100,
    graph_security_window_s=2,
    graph_risk_requests=100,
    graph_risk_window_s=2,
    graph_intune_window_s=2,
    management_requests=2000,
    management_window_s=2,
)


@pytest.fixture(params=["verify", "chaos"])
def microsoft(tmp_path, request):
    """A simulated Microsoft 365 with these faults; gives its address and the collector's tenants file."""
    port = free_port()
    data = DataDirectory(tmp_path / "sim")
    faults = {"AOC_SIM__EVENTS": "600", "AOC_SIM__FAULTS_PROFILE": request.param, "AOC_SIM__LIVE_RATE": "0"}
    child = simulator.simulator(data, port, faults)
    child.start()
    try:
        child.wait_ready()
        yield f"http://127.0.0.1:{port}", Path(simulator.collector_settings(data, port)["AOC_TENANTS_FILE"])
    finally:
        child.stop()


async def truth(client):
    """Every record that was ever available, by tenant and source; None while some are still to come."""
    report = (await client.get("/_truth?ids=0")).json()
    if not report["all_available"]:
        return None
    return {
        (tenant, source): set((await client.get(f"/_truth/{tenant}/{source}")).content.splitlines())
        for tenant, sources in report["tenants"].items()
        for source in sources
    }


async def read(pull, into):
    """Add the records of what is on a part of the stream now, byte for byte."""
    for message in await pull.available(200):
        page = RawPage.from_message(message.subject, message.headers, message.data)
        into[page.tenant, page.source] |= {bytes(record) for record in _RECORDS.decode(page.body)}
        await message.ack()


@pytest.mark.slow
@only_thorough
async def test_two_replicas_bring_every_record_as_it_was_despite_every_fault(
    microsoft, nats_as, mongo_settings, database
):
    base, tenants_file = microsoft
    settings = CollectorSettings(
        nats=nats_as("collector"),
        mongo=mongo_settings,
        poll_interval_s=0.5,
        settle_delay_s=0,
        graph=GraphLimits(max_slice_s=6 * 3600, overlap_s=900),
        rates=_FAST,
    )
    tenants = read_tenants(tenants_file, SOURCES)
    found = defaultdict(set)

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=base, trust_env=False))
        replicas = [await stack.enter_async_context(worker(settings, tenants).running()) for _ in range(2)]
        broker = make_broker(nats_as("normalizer"), "normalizer")
        await broker.connect()
        stack.push_async_callback(broker.stop)
        pulls = [Pull(connection(broker), subjects.RAW_STREAM, one.durable) for one in consumers.NORMALIZER]
        for pull in pulls:
            await pull.open()
        async with asyncio.timeout(150):
            expected = None
            while expected is None or any(records - found[feed] for feed, records in expected.items()):
                for pull in pulls:
                    await read(pull, found)
                await asyncio.sleep(0.2)
                expected = await truth(client)
        probes = [await run_probes(replica) for replica in replicas]

    assert expected == {feed: found[feed] for feed in expected}
    assert probes == [{"nats": "ok", "mongo": "ok", "workers": "ok", "background": "ok", "standing": "ok"}] * 2
    states = await MongoSources(database).all_states(None)
    assert len(SOURCES) * len(tenants) == len(states)
    assert await database["ledger_slices"].count_documents({"state": "fetched"}) > len(states)
    assert await database["ledger_blobs"].count_documents({"state": "listed"}) == 0

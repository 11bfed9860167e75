"""What somebody changes while a normalizer runs: it says so, does no work on it, and goes on when it is put right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.provision import provision
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import slice_id
from aoc_common.contracts.raw import RawPage
from aoc_common.service import drift
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.sources import MongoSources

PAGE = RawPage(
    "contoso",
    "o365-exchange",
    "contoso/o365-exchange/1",
    datetime(2026, 11, 23, tzinfo=UTC),
    b'[{"Id":"1","CreationTime":"2026-11-23T00:00:00","Operation":"Set-Mailbox"}]',
)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(drift, "_EVERY_S", 0.1)
    monkeypatch.setattr(drift, "_IN_TROUBLE_S", 0.1)


@pytest.fixture
async def owner(nats_as):
    made = make_broker(nats_as("provision"), "provision")
    await made.connect()
    yield made
    await close(made)


@pytest.mark.slow
async def test_a_stream_that_takes_no_batches_any_more_is_no_ready_service(
    normalizer, bus, owner, nats_as, eventually
) -> None:
    """As an older version does that starts beside. It was ready, and published nothing."""
    js = jetstream(owner)
    async with normalizer() as probes:
        config = (await js.stream_info(subjects.EVENTS_STREAM)).config
        await js.update_stream(replace(config, allow_atomic=False, subjects=["aoc.events.*.*.*"]))

        async def told() -> bool:
            return "allow_atomic" in (await probes["standing"]() or "")

        await eventually(told)
        await bus.send(PAGE)
        await provision(owner, nats_as("provision"))

        async def done() -> bool:
            return await bus.settled() and await bus.events() == 1

        await eventually(done)
        assert await probes["standing"]() is None


@pytest.mark.slow
async def test_a_database_that_was_dropped_beneath_is_not_worked_on_without_what_forbids_doubles(
    normalizer, bus, database, eventually
) -> None:
    async with normalizer() as probes:
        await database.client.drop_database(database.name)

        async def told() -> bool:
            return "twins.unified" in (await probes["standing"]() or "")

        await eventually(told)
        await bus.send(PAGE)

        async def tried() -> bool:
            return not await bus.settled()

        await eventually(tried)
        assert await database["events"].count_documents({}) == 0
        await ensure_indexes(database)
        await eventually(bus.settled)

    assert await database["events"].count_documents({}) == 1


async def test_a_consumer_that_gives_up_is_told_while_it_runs(normalizer, owner, nats_as, eventually) -> None:
    js = jetstream(owner)
    async with normalizer() as probes:
        found = (await js.consumer_info(subjects.RAW_STREAM, "normalizer-3")).config
        await js.add_consumer(subjects.RAW_STREAM, replace(found, max_deliver=1))

        async def told() -> bool:
            return "max_deliver is 1" in (await probes["standing"]() or "")

        await eventually(told)
        await provision(owner, nats_as("provision"))

        async def well() -> bool:
            return await probes["standing"]() is None

        await eventually(well)


@pytest.mark.slow
async def test_what_is_on_the_bus_when_the_ledger_is_lost_is_stored_and_counted(
    normalizer, bus, database, eventually
) -> None:
    """Its slice was known to nobody any more: events without an account."""
    source = PAGE.source
    start, end = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 0, 5, tzinfo=UTC)
    page = replace(PAGE, slice_id=slice_id("contoso", source, start, end))
    await MongoSources(database).advance("contoso", source, end, end)
    async with normalizer():
        await bus.send(page)
        await eventually(bus.settled)
    await MongoAccount(database).settle(end, 100)
    [account] = await MongoAccount(database).accounts("contoso", end)

    assert (account.stored, account.slices, account.unsettled, account.complete_until) == (1, 1, 0, end)

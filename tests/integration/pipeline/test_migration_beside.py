"""A migration that is not alone: run twice, an older service that is not gone, answers that are lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from tests.integration.pipeline.test_migration import (  # noqa: F401  # fixtures
    another,
    before,
    body,
    broker,
    headers,
    migration,
    outcome,
)

from aoc_cli.local.provisioning import bring_in_order
from aoc_common.bus.provision import report
from aoc_common.bus.pull import Pull
from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.migration import MOVING
from aoc_common.store.mongo.event_versions import FORMER_IDS


@pytest.mark.slow
async def test_run_twice_at_once_the_second_waits_and_deletes_nothing(before, another, outcome) -> None:  # noqa: F811
    first, second = another(), another()
    moved = await asyncio.gather(first.run(), second.run())
    stored, published = await outcome()

    assert sorted(moved) == [0, 3]
    assert (stored, len(published), len(set(published))) == (18, 18, 18)


@pytest.mark.slow
async def test_a_migration_that_was_paused_while_another_did_it_does_not_delete_the_new_stream(
    before,  # noqa: F811
    another,  # noqa: F811
    outcome,  # noqa: F811
    database,
) -> None:
    """It had copied all, and deleted the stream of that name: the new one, with the pages that waited."""
    paused, other, awake, asleep = another(), another(), asyncio.Event(), asyncio.Event()
    copy = paused._copy_out

    async def slowly(raw):
        last = await copy(raw)
        asleep.set()
        await awake.wait()
        return last

    paused._copy_out = slowly
    sleeper = asyncio.create_task(paused.run())
    await asleep.wait()
    await database["upgrades"].update_one(
        {"_id": "lease migration"}, {"$set": {"until": datetime(2020, 1, 1, tzinfo=UTC)}}
    )
    assert await other.run() == 3
    awake.set()
    await sleeper
    waiting = (await before.js.stream_info("AOC_RAW")).state.messages
    stored, published = await outcome()

    assert waiting == 3
    assert (stored, len(published), len(set(published))) == (18, 18, 18)


@pytest.mark.slow
async def test_a_service_in_the_middle_of_its_batches_is_at_work_although_it_waits_for_none(before, another) -> None:  # noqa: F811
    ended, begun = False, asyncio.Event()

    async def old_normalizer() -> None:
        nonlocal ended
        subscription = await before.js.pull_subscribe_bind(durable="normalizer", stream="AOC_RAW")
        for _ in range(3):
            [message] = await subscription.fetch(1)
            begun.set()
            await asyncio.sleep(0.7)
            await message.ack_sync()
        ended = True

    working = asyncio.create_task(old_normalizer())
    await asyncio.wait_for(begun.wait(), 10)
    await another(quiet_s=1.5).run()
    assert ended
    await working


@pytest.mark.slow
async def test_an_older_service_that_starts_meanwhile_stops_the_migration_and_loses_nothing(
    before,  # noqa: F811
    migration,  # noqa: F811
    outcome,  # noqa: F811
) -> None:
    """The version before makes the streams its own at each start."""
    theirs = (await before.js.stream_info("AOC_RAW")).config
    copy = migration._copy_out

    async def interrupted(raw):
        last = await copy(raw)
        await before.js.update_stream(theirs)
        await before.page(body(6), headers(6))
        return last

    migration._copy_out = interrupted
    with pytest.raises(BadConfiguration, match="a service of the version before was started meanwhile"):
        await migration.run()
    migration._copy_out = copy
    moved = await migration.run()
    stored, published = await outcome()

    assert moved == 4
    assert (stored, len(published), len(set(published))) == (21, 21, 21)


@pytest.mark.slow
async def test_an_answer_that_is_lost_is_not_the_end_of_the_stream(before, migration, outcome, monkeypatch) -> None:  # noqa: F811
    """What had not come was not copied, and went with the old stream."""
    asked = Pull.batch

    async def lost(self, size, wait_s):
        return [] if self.consumer.startswith("read-") else await asked(self, size, wait_s)

    with monkeypatch.context() as patched:
        patched.setattr(Pull, "batch", lost)
        with pytest.raises(Unreachable, match="run it again"):
            await migration.run()
    await migration.run()
    stored, published = await outcome()

    assert (stored, len(published)) == (18, 18)


@pytest.mark.slow
async def test_pages_that_went_astray_are_not_passed_over(before, migration, outcome, monkeypatch) -> None:  # noqa: F811
    asked, times = Pull.batch, 0

    async def lost(self, size, wait_s):
        nonlocal times
        found = await asked(self, size, wait_s)
        times += 1
        return found[1:] if times == 1 else found

    with monkeypatch.context() as patched:
        patched.setattr(Pull, "batch", lost)
        with pytest.raises(Unreachable, match="run it again"):
            await migration.run()
    await migration.run()
    stored, published = await outcome()

    assert (stored, len(published)) == (18, 18)


async def test_a_migration_that_was_broken_off_is_told_and_not_passed_over(
    before,  # noqa: F811
    broker,  # noqa: F811
    migration,  # noqa: F811
    nats_on,
    mongo_settings,
) -> None:
    """Without --migrate a new stream was made beside, and what had been copied aside stayed there."""
    copied = await migration._copy_out((await before.js.stream_info("AOC_RAW")).config)
    await before.js.delete_stream("AOC_RAW")
    with pytest.raises(BadConfiguration, match="--migrate"):
        await bring_in_order(nats_on("provision"), mongo_settings, lambda _: None, migrate=False)
    told = await report(broker, nats_on("provision"))

    assert copied == 6
    assert (True, f"{MOVING}: a migration was broken off; run: aoc provision --migrate") in told


async def test_ids_of_an_older_version_are_looked_for_as_long_as_it_can_be_at_work(
    before,  # noqa: F811
    nats_on,
    mongo_settings,
    database,
) -> None:
    """`aoc provision` had noted the change of ids, and then refused to change the streams: the old one worked on."""
    with pytest.raises(BadConfiguration, match="--migrate"):
        await bring_in_order(nats_on("provision"), mongo_settings, lambda _: None, migrate=False)
    noted = await database["upgrades"].find_one({"_id": FORMER_IDS})
    config = (await before.js.stream_info("AOC_RAW")).config

    assert noted is None
    assert config.subjects == ["aoc.raw.*.*"]  # the old one works on
